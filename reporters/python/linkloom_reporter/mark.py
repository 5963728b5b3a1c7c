"""The name of an execution."""

_ID_BYTES_MAX = 256


def byte_length(text):
    """The bytes of a text as UTF-8; half a surrogate pair counts as the U+FFFD it becomes."""
    return len(text.encode("utf-8", "surrogatepass"))


def as_text(value):
    """A text, or None; what is none becomes one, whatever it does."""
    if value is None or type(value) is str:
        return value
    try:
        return str(value)
    except Exception:
        return "…"


class LinkMark:
    """What the business calls the thing, which link is being run, and one run of it.

    Each id is 1 to 256 bytes of UTF-8. A mark that is not so is kept as it was given (``is_valid`` is false): reports made with it are
    written without mark, with what was given in their attributes, so that nothing is lost.
    """

    __slots__ = ("business_id", "scene_id", "execution_id", "is_valid")

    def __init__(self, business_id, scene_id, execution_id):
        ids = as_text(business_id), as_text(scene_id), as_text(execution_id)
        object.__setattr__(self, "business_id", ids[0])
        object.__setattr__(self, "scene_id", ids[1])
        object.__setattr__(self, "execution_id", ids[2])
        object.__setattr__(self, "is_valid", all(i and byte_length(i) <= _ID_BYTES_MAX for i in ids))

    def __setattr__(self, name, value):
        raise AttributeError("a LinkMark does not change")

    @classmethod
    def parse(cls, text):
        """Reads ``businessId_sceneId_executionId``, cut at the last two ``_``; None if the text is no mark."""
        parts = (text or "").rsplit("_", 2)
        if len(parts) != 3:
            return None
        mark = cls(*parts)
        return mark if mark.is_valid else None

    def text(self):
        """The text form; None if there is none: an invalid mark, or a ``_`` in scene or execution id."""
        if not self.is_valid or "_" in self.scene_id or "_" in self.execution_id:
            return None
        return "%s_%s_%s" % (self.business_id, self.scene_id, self.execution_id)

    def is_nothing(self):
        """Whether no id was given at all, which is the same as no mark."""
        return self.business_id is None and self.scene_id is None and self.execution_id is None

    def enter(self):
        """Works for this execution within a ``with`` block: logs and nodes there carry the mark."""
        from .context import current

        return current().with_mark(self).enter()

    def _ids(self):
        return self.business_id, self.scene_id, self.execution_id

    def __eq__(self, other):
        return isinstance(other, LinkMark) and self._ids() == other._ids()

    def __hash__(self):
        return hash(self._ids())

    def __repr__(self):
        return "LinkMark(%r, %r, %r)" % self._ids()

    def __reduce__(self):
        return LinkMark, self._ids()
