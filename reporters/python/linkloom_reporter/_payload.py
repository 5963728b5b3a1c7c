"""Writes any object as JSON: bounded in depth and size, masked, whatever the object does."""

import dataclasses
import datetime
import decimal
import enum
import math
import re
from collections import deque
from collections.abc import Mapping
from json.encoder import encode_basestring

from . import _warn
from .masks import MASKED

DEPTH_MAX = 32
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_TEXT = (datetime.date, datetime.time, datetime.timedelta)


def clean(text):
    """Without halves of surrogate pairs."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def quoted(text):
    """A JSON string with its quotes."""
    # A subclass of str may do anything.
    return encode_basestring(clean(text if type(text) is str else str.__str__(text)))


def size(text):
    """The bytes of a text as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def cut_quoted(text, most):
    """A JSON string of at most ``most`` bytes between its quotes: of a longer one as many characters as fit, and ``…``."""
    if len(text) * 6 <= most:
        return quoted(text)
    text = clean(text[: most + 1])
    whole = quoted(text)
    if size(whole) - 2 <= most:
        return whole
    fits, too_many = 0, len(text)
    while fits + 1 < too_many:
        middle = (fits + too_many) // 2
        if size(encode_basestring(text[:middle])) - 2 + 3 <= most:
            fits = middle
        else:
            too_many = middle
    return encode_basestring(text[:fits] + "…")


class _Full(Exception):
    """Nothing more can be seen."""


class _Writer:
    def __init__(self, masks, most, converter):
        self.masks = masks
        self.most = most
        self.converter = converter
        self.parts = []
        self.length = 0
        self.path = []

    def put(self, part):
        self.parts.append(part)
        self.length += len(part)
        if self.length > self.most:
            raise _Full()

    def string(self, text):
        text = self.masks.text(text if type(text) is str else str.__str__(text), self.most)
        self.put(quoted(text[: self.most + 1]))

    def text(self, value):
        try:
            text = str(value) if isinstance(value, _PLAIN_TEXT) else _text(value)
            if not isinstance(text, str):
                text = "…"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as e:
            _warn.once("text:%s" % type(value).__name__, "an object of type %s has no text" % type(value).__name__, e)
            text = "…"
        self.string(text)

    def value(self, value, convert=True):
        kind = type(value)
        if value is None:
            self.put("null")
        elif kind is str:
            self.string(value)
        elif kind is bool:
            self.put("true" if value else "false")
        elif kind is int:
            self.number(value)
        elif kind is float:
            self.real(value)
        elif kind is dict:
            self.object(value, value.items)
        elif kind is list or kind is tuple:
            self.array(value)
        elif isinstance(value, enum.Enum):
            self.string(value.name or "…")
        elif isinstance(value, str):
            self.string(value)
        elif isinstance(value, int):
            self.number(int(value))
        elif isinstance(value, float):
            self.real(float(value))
        elif isinstance(value, decimal.Decimal):
            self.put(str(value)) if value.is_finite() else self.text(value)
        elif isinstance(value, Mapping):
            self.object(value, value.items)
        elif isinstance(value, (list, tuple, set, frozenset, deque)):
            self.array(value)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            self.object(value, lambda: ((field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value)))
        elif convert and self.converter is not None:
            try:
                converted = self.converter(value)
            except Exception as e:
                _warn.once("converter:%s" % kind.__name__, "the converter failed, the text is written", e)
                converted = value
            self.value(converted, False)
        else:
            self.text(value)

    def number(self, value):
        try:
            self.put(int.__repr__(value))
        except ValueError:  # More digits than Python likes to print.
            self.put('"…"')

    def real(self, value):
        if math.isfinite(value):
            self.put(float.__repr__(value))
        else:
            self.put('"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"')

    def within(self, container, write):
        if len(self.path) >= DEPTH_MAX:
            self.put('"…"')
            return
        if any(outer is container for outer in self.path):
            self.put('"…cycle"')
            return
        parts, length, depth = len(self.parts), self.length, len(self.path)
        self.path.append(container)
        try:
            write()
        except (_Full, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as e:
            _warn.once("payload:%s" % type(container).__name__, "a %s could not be read" % type(container).__name__, e)
            del self.parts[parts:]
            del self.path[depth:]
            self.length = length
            self.put('"…"')
            return
        self.path.pop()

    def object(self, container, items):
        def write():
            self.put("{")
            first = True
            for key, value in items():
                key = key if type(key) is str else str(key)
                self.put((quoted(key) if first else "," + quoted(key)) + ":")
                first = False
                if self.masks.has_keys and self.masks.hides_key(key):
                    self.put('"%s"' % MASKED)
                else:
                    self.value(value)
            self.put("}")

        self.within(container, write)

    def array(self, container):
        def write():
            self.put("[")
            first = True
            for item in container:
                if not first:
                    self.put(",")
                first = False
                self.value(item)
            self.put("]")

        self.within(container, write)


def _text(value):
    kind = type(value)
    # Most objects have no better text than repr; those with a str of their own do.
    return str(value) if kind.__str__ is not object.__str__ else repr(value)


def write(payload, masks, most, converter=None):
    """The JSON of a payload, cut to ``most`` bytes."""
    writer = _Writer(masks, most, converter)
    try:
        writer.value(payload)
    except _Full:
        pass
    json = "".join(writer.parts)
    return json if writer.length * 4 <= most or size(json) <= most else cut_quoted(json, most - 2)
