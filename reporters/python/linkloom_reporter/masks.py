"""What must not leave the process. What a rule finds is written as ``***``."""

import re

from . import _warn

MASKED = "***"
_READY = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "phone": r"(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])",
    "idCard": r"(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])",
}
_CARD_START = re.compile(r"(?<![0-9])[0-9]")
_CARD_RUN = re.compile(r"[0-9](?:[ -]?[0-9]){12,}")
# Longer than anything a ready rule finds.
_MATCH_CHARS_MAX = 1024


class MaskRule:
    """One rule; made by the functions of the class."""

    __slots__ = ("kind", "of", "ready")

    def __init__(self, kind, of, ready):
        self.kind = kind
        self.of = of
        self.ready = ready

    @classmethod
    def key(cls, key):
        """The value of every key that equals this one but for the case of ASCII letters, at any level."""
        return cls("key", _fold(key), True)

    @classmethod
    def key_pattern(cls, pattern):
        """The value of every key in which the regular expression is found, whatever its case."""
        return cls("key_pattern", re.compile(pattern, re.IGNORECASE), True)

    @classmethod
    def text_pattern(cls, pattern):
        """Every match of the regular expression within a string."""
        return cls("text", re.compile(pattern), False)

    @classmethod
    def text(cls, name):
        """A ready rule: ``email``, ``phone`` and ``idCard`` (of China), ``bankCard``."""
        if name == "bankCard":
            return cls("text", None, True)
        if name not in _READY:
            raise ValueError("mask: there is no ready rule %r; there are email, phone, idCard, bankCard" % (name,))
        return cls("text", re.compile(_READY[name]), True)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _fold(key):
    return key.translate(_ASCII_LOWER)


class Masks:
    """Rules, ready to be applied."""

    def __init__(self, rules=()):
        self.rules = tuple(rules)
        self._keys = frozenset(rule.of for rule in self.rules if rule.kind == "key")
        self._key_patterns = tuple(rule.of for rule in self.rules if rule.kind == "key_pattern")
        self._texts = tuple(rule.of for rule in self.rules if rule.kind == "text")
        self._bounded = all(rule.ready for rule in self.rules)
        self.has_keys = bool(self._keys or self._key_patterns)

    def with_keys(self, keys):
        return Masks(self.rules + tuple(MaskRule.key(key) for key in keys)) if keys else self

    def hides_key(self, key):
        if _fold(key) in self._keys:
            return True
        return any(pattern.search(key) for pattern in self._key_patterns)

    def text(self, text, shown):
        """The text with everything masked; of one of which only ``shown`` characters can be seen a part may be left out behind those."""
        if not self._texts or not text:
            return text
        kept = 8 * shown + 4 * _MATCH_CHARS_MAX
        cut = self._bounded and len(text) > kept
        if cut:
            text = text[:kept]
        try:
            for pattern in self._texts:
                text = _cards(text) if pattern is None else pattern.sub(_replace, text)
        except Exception as e:
            _warn.once("mask", "a mask could not be applied, the whole text is masked", e)
            return MASKED
        # What the cut may have made unrecognisable goes.
        return text[: max(0, len(text) - _MATCH_CHARS_MAX)] + "…" if cut else text


def _replace(match):
    return MASKED if match.end() > match.start() else ""


def _cards(text):
    if not _CARD_RUN.search(text):
        return text
    out, done, at = [], 0, 0
    while True:
        start = _CARD_START.search(text, at)
        if start is None:
            break
        end = _card_end(text, start.start())
        if end is None:
            at = start.end()
            continue
        out += (text[done : start.start()], MASKED)
        done = at = end
    return "".join(out) + text[done:]


def _card_end(text, at):
    """The end of the longest card number that begins here, or None."""
    digits, best = [], None
    while at < len(text) and len(digits) < 19:
        if "0" <= text[at] <= "9":
            digits.append(ord(text[at]) - 48)
            at += 1
            if len(digits) >= 13 and not "0" <= text[at : at + 1] <= "9" and _luhn(digits):
                best = at
        elif text[at] in " -" and "0" <= text[at + 1 : at + 2] <= "9":
            at += 1
        else:
            break
    return best


def _luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0
