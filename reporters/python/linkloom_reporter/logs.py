"""Business logs through the ``logging`` module."""

import logging
from typing import NamedTuple, Optional

from . import _warn
from ._line import ExceptionInfo, Report
from .context import LinkContext, current
from .reporter import get

_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL", "NOTSET": None}
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "linkloom_kept"}


def _message(record):
    try:
        return record.getMessage()
    except Exception as e:
        _warn.once("message", "the arguments of a log do not fit its message: %r" % (record.msg,), e)
        try:
            return "%s %r" % (record.msg, record.args)
        except Exception:
            return record.msg if isinstance(record.msg, str) else "…"


class _Kept(NamedTuple):
    context: LinkContext
    message: Optional[str]
    exception: Optional[ExceptionInfo]


def to_report(record):
    """The report a log record makes; ``extra`` becomes its data."""
    kept = getattr(record, "linkloom_kept", None)
    context, message, exception = kept if isinstance(kept, _Kept) else (current(), None, None)
    data = {key: value for key, value in vars(record).items() if key not in _PLAIN and not key.startswith("_")}
    thrown = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    exception = exception or ExceptionInfo.of(thrown)
    if exception is None and record.exc_text:  # The record comes from another process or thread.
        last = record.exc_text.rstrip().rsplit("\n", 1)[-1]
        kind, _, message = last.partition(": ")
        exception = ExceptionInfo(kind, message, record.exc_text)
    return Report(
        int(record.created * 1000000),
        context=context,
        node_name=context.node,
        level=_LEVELS.get(record.levelname, record.levelname),
        message=_message(record) if message is None else message,
        data=data or None,
        exception=exception,
    )


class LinkloomHandler(logging.Handler):
    """Reports each record: ``logging.getLogger().addHandler(LinkloomHandler())``."""

    def __init__(self, level=logging.NOTSET, reporter=None):
        super().__init__(level)
        self._reporter = reporter

    def createLock(self):
        self.lock = None  # Reporters lock by themselves.

    def handleError(self, record):
        pass

    def emit(self, record):
        try:
            (self._reporter or get()).report(to_report(record))
        except Exception as e:
            _warn.once("handler", "a log record could not be reported", e)


class LinkloomFormatter(logging.Formatter):
    """Lets any handler write report lines. Nodes go the way of the reporter still; point a log agent at both."""

    def __init__(self, reporter=None):
        super().__init__()
        self._reporter = reporter

    def format(self, record):
        try:
            line = (self._reporter or get()).composer.line(to_report(record))
            return line.decode("utf-8")[:-1]
        except Exception as e:
            _warn.once("formatter", "a log record could not be formatted", e)
            return "{}"


class ContextFilter(logging.Filter):
    """Keeps context and exception on the record for handlers that work on another thread: add it to the ``QueueHandler``."""

    def filter(self, record):
        try:
            thrown = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
            record.linkloom_kept = _Kept(current(), _message(record) if thrown is not None else None, ExceptionInfo.of(thrown))
        except Exception as e:
            _warn.once("filter", "the context of a log could not be kept", e)
        return True
