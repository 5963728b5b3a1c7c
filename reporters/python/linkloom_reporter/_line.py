"""Makes lines of reports, byte for byte as ``schema/conformance/README.md`` says."""

import itertools
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, List, Optional, Tuple

from . import _warn
from ._payload import clean, cut_quoted, quoted, size, write
from .baggage import is_name
from .context import NONE
from .mark import as_text, byte_length

_TEXT_BYTES_MAX = 256
_CUT_NAME_BYTES = 125
_ATTRIBUTE_BYTES_MAX = 512
_SETTING_BYTES_MAX = 200
_TYPE_BYTES_MAX = 1024
_LEVEL_BYTES_MAX = 128
_STACK_CHARS_MAX = 1 << 20
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class ExceptionInfo:
    """What a report says about an exception. ``causes`` are (type, message), outermost first."""

    type: Optional[str] = None
    message: Optional[str] = None
    stack: Optional[str] = None
    causes: List[Tuple[Optional[str], Optional[str]]] = field(default_factory=list)

    @classmethod
    def of(cls, thrown):
        """Read from an exception, whatever its own methods do; None of None."""
        if thrown is None:
            return None
        lines, seen, each = [], set(), thrown
        while each is not None and id(each) not in seen and sum(map(len, lines)) < _STACK_CHARS_MAX:
            if seen:
                message = _message(each)
                lines.append("Caused by: " + _type(each) + ("" if message is None else ": " + message))
            seen.add(id(each))
            try:
                lines.extend(line.rstrip("\n") for line in traceback.format_tb(each.__traceback__))
            except Exception as e:
                _warn.once("stack", "the stack of an exception could not be read", e)
            each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        return cls(_type(thrown), _message(thrown), "\n".join(lines) if lines else None)

    def lines(self):
        if not self.causes:
            return self.stack
        lines = [self.stack] if self.stack else []
        for kind, message in self.causes:
            lines.append("Caused by: " + ": ".join(part for part in (kind, message) if part is not None))
        return "\n".join(lines)


def _type(thrown):
    kind = type(thrown)
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module in (None, "builtins", "__main__") else "%s.%s" % (module, kind.__qualname__)


def _message(thrown):
    try:
        return str(thrown)
    except Exception as e:
        _warn.once("message:%s" % type(thrown).__name__, "an exception of type %s has no text" % type(thrown).__name__, e)
        return None


@dataclass
class Report:
    """What one report says, before it is a line. ``time`` is in microseconds since the epoch."""

    time: int
    context: Any = NONE
    status: Optional[str] = None
    node_name: Optional[str] = None
    run_id: Optional[str] = None
    case: Optional[str] = None
    iteration: Optional[int] = None
    sub_execution_id: Optional[str] = None
    parent_node: Optional[str] = None
    level: Optional[str] = None
    message: Optional[str] = None
    input: Any = None
    output: Any = None
    data: Any = None
    exception: Optional[ExceptionInfo] = None
    meta: Any = None
    masks: Any = None


def _longest_prefix(text, most):
    """As many characters as fit in so many bytes of UTF-8."""
    text = clean(text[: most + 1])
    return text.encode("utf-8")[:most].decode("utf-8", "ignore")


def base36(number):
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits


class Composer:
    """Makes lines; any number of threads may use one."""

    def __init__(self, service, instance, host, boot, caps, masks, converter=None):
        self.caps = caps
        self.masks = masks
        self.converter = converter
        self.boot = boot
        self._boot36 = base36(boot)
        self._seq = itertools.count()
        self._runs = itertools.count()
        service, instance, host = (_longest_prefix(name, _SETTING_BYTES_MAX) if name else None for name in (service, instance, host))
        self._id = quoted("%s/%d/" % (instance or "", boot))[:-1]
        self._who = "".join(
            ',"%s":%s' % (key, quoted(value)) for key, value in (("service", service), ("instance", instance), ("host", host)) if value
        )
        self._second = (None, "")

    def next_run(self):
        """A run id that was not given before."""
        return "%s-%s" % (self._boot36, base36(next(self._runs)))

    def _time(self, micros):
        second, rest = divmod(micros, 1000000)
        known, text = self._second
        if known != second:
            at = time.gmtime(second)
            text = "%04d-%02d-%02dT%02d:%02d:%02d." % at[:6]
            self._second = (second, text)
        return "%s%06dZ" % (text, rest)

    def line(self, report):
        """The line of a report, with its line feed, as bytes."""
        masks = self.masks if report.masks is None else report.masks
        context = report.context
        mark = context.mark if context.mark is not None and not context.mark.is_nothing() else None
        node = as_text(report.node_name)
        valid_node = node is None or is_name(node)
        invalid = not valid_node or (mark is not None and not mark.is_valid)
        if invalid:
            _warn.once("mark", "a mark or a node name is not valid, the report is written without mark: %r, %r" % (mark, node))
        trace, span = as_text(context.trace_id) or None, as_text(context.span_id) or None
        sub, case = as_text(report.sub_execution_id) or None, as_text(report.case)
        too_long = {}
        for key, value in (("invalidTraceId", trace), ("invalidSpanId", span), ("invalidCase", case), ("invalidSubExecutionId", sub)):
            if value is not None and byte_length(value) > _TEXT_BYTES_MAX:
                too_long[key] = value
        number = next(self._seq)

        out = ['{"v":1,"type":"node"' if report.status else '{"v":1,"type":"log"']
        put = out.append
        if mark is not None and not invalid:
            put(',"businessId":%s,"sceneId":%s,"executionId":%s' % (quoted(mark.business_id), quoted(mark.scene_id), quoted(mark.execution_id)))
        if trace and "invalidTraceId" not in too_long:
            put(',"traceId":%s' % quoted(trace))
        put(',"id":%s%d"' % (self._id, number))
        if node is not None:
            put(',"nodeName":%s' % quoted(node if valid_node else _longest_prefix(node, _CUT_NAME_BYTES) + "…"))
        if report.status:
            put(',"status":"%s"' % report.status)
        put(',"time":"%s"' % self._time(report.time))
        if report.run_id:
            put(',"runId":"%s"' % report.run_id)
        if case is not None and "invalidCase" not in too_long:
            put(',"case":%s' % quoted(case))
        if isinstance(report.iteration, int) and 0 <= report.iteration < 1 << 64:
            put(',"iteration":%d' % report.iteration)
        if sub and "invalidSubExecutionId" not in too_long:
            put(',"subExecutionId":%s' % quoted(sub))
        parent = as_text(report.parent_node)
        if parent is not None and is_name(parent):
            put(',"parentNode":%s' % quoted(parent))
        if report.level:
            put(',"level":%s' % cut_quoted(report.level, _LEVEL_BYTES_MAX))
        if report.message is not None:
            put(',"message":%s' % self._message(as_text(report.message), masks))
        for key in ("input", "output", "data"):
            self._payload(out, key, getattr(report, key), masks)
        if report.exception is not None:
            put(',"exception":%s' % self._exception(report.exception, masks))
        if span and "invalidSpanId" not in too_long:
            put(',"spanId":%s' % quoted(span))
        put(self._who)
        self._payload(out, "meta", report.meta, masks)
        put(',"seq":%d,"boot":%d' % (number, self.boot))
        if invalid or too_long:
            members = []
            if invalid:
                given = [("nodeName", None if valid_node else node)]
                if mark is not None:
                    given = [("businessId", mark.business_id), ("sceneId", mark.scene_id), ("executionId", mark.execution_id)] + given
                members.append('"invalidMark":{%s}' % ",".join(_attribute(*pair) for pair in given if pair[1] is not None))
            members.extend(_attribute(*pair) for pair in too_long.items())
            put(',"attributes":{%s}' % ",".join(members))
        put("}\n")
        return "".join(out).encode("utf-8")

    def _message(self, text, masks):
        most = self.caps.message
        return cut_quoted(masks.text(text, most), most)

    def _payload(self, out, key, payload, masks):
        if payload is not None:
            out.append(',"%s":%s' % (key, write(payload, masks, self.caps.payload, self.converter)))

    def _exception(self, exception, masks):
        members = []
        if exception.type is not None:
            members.append('"type":%s' % cut_quoted(exception.type, _TYPE_BYTES_MAX))
        if exception.message is not None:
            members.append('"message":%s' % self._message(exception.message, masks))
        lines = exception.lines()
        if lines is not None:
            members.append('"stack":%s' % _stack(masks.text(lines, self.caps.stack), self.caps.stack))
        return "{%s}" % ",".join(members)


def _attribute(key, value):
    return '"%s":%s' % (key, cut_quoted(value, _ATTRIBUTE_BYTES_MAX))


def _stack(text, most):
    """A stack is cut at the end of a line, if there is one to cut it at."""
    if len(text) <= most and size(quoted(text)) - 2 <= most:
        return quoted(text)
    whole, used = [], 3
    for line in text[: most + 1].split("\n")[:-1]:
        used += size(quoted(line))  # Its quotes are two bytes, as its line feed is.
        if used > most:
            break
        whole.append(line)
    return quoted("\n".join(whole + ["…"])) if whole else cut_quoted(text, most)
