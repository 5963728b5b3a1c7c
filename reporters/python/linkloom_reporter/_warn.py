"""What the toolkit has to say about itself: on stderr, once for each cause, never through a logger."""

import sys
import threading

_CAUSES_MAX = 1000
_TEXT_CHARS_MAX = 500
_said = set()
_lock = threading.Lock()


def once(cause, text, why=None):
    """Says ``text`` unless something was said for this cause before. Never raises."""
    try:
        with _lock:
            if cause in _said or len(_said) >= _CAUSES_MAX:
                return
            _said.add(cause)
        if why is not None:
            text = "%s: %s" % (text, describe(why))
        if len(text) > _TEXT_CHARS_MAX:
            text = text[:_TEXT_CHARS_MAX] + "…"
        text = "".join(c if c.isprintable() else " " for c in text)
        sys.stderr.write("linkloom reporter: %s (said once)\n" % text)
    except BaseException as e:  # There is nobody left to tell, but of being stopped.
        if isinstance(e, (KeyboardInterrupt, SystemExit)):
            raise


def describe(why):
    """Type and message of an exception, whatever its own methods do."""
    try:
        return "%s: %s" % (type(why).__name__, why)
    except Exception:
        return type(why).__name__


def said(cause):
    """Whether something was said for this cause; for tests."""
    return cause in _said


def forget():
    """Forgets what was said; for tests, and after a fork."""
    global _lock
    _lock = threading.Lock()
    _said.clear()
