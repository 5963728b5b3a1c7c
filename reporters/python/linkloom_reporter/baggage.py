"""How a context goes over the network: W3C ``baggage`` (written and read) and ``traceparent`` (only read)."""

import re
from urllib.parse import quote, unquote_to_bytes

from . import _warn
from .context import NONE, current
from .mark import LinkMark, byte_length

BAGGAGE = "baggage"
TRACEPARENT = "traceparent"

_MARK_KEYS = ("linkloom.business-id", "linkloom.scene-id", "linkloom.execution-id")
_PARENT_KEY = "linkloom.parent-node"
_KEYS = _MARK_KEYS + (_PARENT_KEY,)
_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII | re.DOTALL)
_NAME_BYTES_MAX = 128


def is_name(name):
    """Whether this can be the name of a node."""
    return bool(name) and byte_length(name) <= _NAME_BYTES_MAX


def write(mark, parent_node, existing):
    """The ``baggage`` header for a mark, given the one that is there (None: none). None: there is to be none."""
    if mark is None or not mark.is_valid:
        return existing
    members = []
    for member in (existing or "").split(","):
        member = member.strip(" \t")
        if member and re.split("[=;]", member, maxsplit=1)[0].strip(" \t") not in _KEYS:
            members.append(member)
    values = [(_MARK_KEYS[0], mark.business_id), (_MARK_KEYS[1], mark.scene_id), (_MARK_KEYS[2], mark.execution_id)]
    if parent_node is not None and is_name(parent_node):
        values.append((_PARENT_KEY, parent_node))
    members.extend("%s=%s" % (key, quote(value, safe="", errors="replace")) for key, value in values)
    return ",".join(members)


def read(header):
    """The context a ``baggage`` header carries; that of nothing if none. Several headers are one, joined by commas."""
    found = {}
    for member in (header or "").split(","):
        key, equals, value = member.partition("=")
        key = key.strip(" \t")
        if equals and key in _KEYS and key not in found:
            found[key] = _decode(value.partition(";")[0].strip(" \t"))
    mark = LinkMark(*(found.get(key) for key in _MARK_KEYS))
    if not mark.is_valid:
        return NONE
    context = NONE.with_mark(mark)
    parent = found.get(_PARENT_KEY)
    return context.with_parent_node(parent) if parent is not None and is_name(parent) else context


def _decode(value):
    if _ESCAPE.search(value):
        return None
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeError:
        return None


def traceparent(header):
    """Trace id and span id of a ``traceparent`` header; None if it is none."""
    match = _TRACEPARENT.fullmatch((header or "").strip(" \t"))
    if match is None:
        return None
    version, trace, span, more = match.groups()
    if version == "ff" or (version == "00" and more) or not trace.strip("0") or not span.strip("0"):
        return None
    return trace, span


def inject(headers):
    """Puts the current context into headers: a dict-like, or a list of (name, bytes) as Kafka clients have them. Returns them."""
    try:
        context = current()
        name, existing = _find(headers, BAGGAGE)
        value = write(context.mark, context.node or context.parent_node, existing)
        if value is None:
            return headers
        if isinstance(headers, list):
            headers[:] = [pair for pair in headers if _lower(pair[0]) != BAGGAGE]
            headers.append((BAGGAGE, value.encode("utf-8")))
        else:
            headers[name or BAGGAGE] = value
    except Exception as e:
        _warn.once("inject", "the context could not be put into headers", e)
    return headers


def extract(headers):
    """The context headers carry: of a dict-like, or of a list of (name, str or bytes). Enter it with ``with extract(h).enter():``."""
    try:
        context = read(_find(headers, BAGGAGE)[1])
        trace = traceparent(_find(headers, TRACEPARENT)[1])
        return context if trace is None else context.with_trace(*trace)
    except Exception as e:
        _warn.once("extract", "the context could not be read from headers", e)
        return NONE


def _lower(name):
    if isinstance(name, (bytes, bytearray)):
        name = bytes(name).decode("latin-1")
    return str(name).lower()


def _find(headers, wanted):
    """The name as it stands there and the value of a header, whatever its case; several are joined."""
    if headers is None:
        return None, None
    pairs = headers.items() if hasattr(headers, "items") else headers
    found, values = None, []
    for name, value in pairs:
        if value is not None and _lower(name) == wanted:
            found = name
            values.append(bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value))
    return found, ",".join(values) if found is not None else None
