"""Turns what an application says into report lines and gets them out. Nothing here raises or blocks."""

import atexit
import os
import threading
import time

from . import _warn
from ._line import Composer, ExceptionInfo, Report
from ._outlet import Outlet, Stats
from ._queue import DEBUG, INFO, NODES, OTHERS
from .context import current
from .masks import Masks
from .settings import Settings

_RANKS = {"TRACE": DEBUG, "DEBUG": DEBUG, "INFO": INFO}
_NO_MASKS = Masks()


def now():
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class Reporter:
    """A reporter. ``sink(line, rank)`` takes the lines instead of the ways out, ``clock`` is asked for the time: for tests."""

    def __init__(self, settings=None, clock=now, sink=None):
        self.settings = settings if settings is not None else Settings.from_environment()
        self.clock = clock
        self._sink = sink
        self._start()

    def _start(self):
        s = self.settings
        self.composer = Composer(s.service, s.instance, s.host, s.boot, s.caps, Masks(s.masks), s.converter)
        self._outlet = None
        if self._sink is None:
            self._outlet = Outlet(s, self._news)

    def _news(self, message, data):
        return self.composer.line(Report(self.clock(), level="WARN", message=message, data=data, masks=_NO_MASKS))

    def _forked(self):
        self.settings = self.settings.forked()
        self._start()

    def log(self, level, message, data=None, exception=None, meta=None, context=None, time=None):
        """Reports a business log, by default within the current context and now; every argument may be None."""
        try:
            context = current() if context is None else context
            if exception is not None and not isinstance(exception, ExceptionInfo):
                exception = ExceptionInfo.of(exception)
            self.report(
                Report(
                    self.clock() if time is None else time,
                    context=context,
                    node_name=context.node,
                    level=level,
                    message=message,
                    data=data,
                    exception=exception,
                    meta=meta,
                )
            )
        except Exception as e:
            _warn.once("log", "a log could not be reported", e)

    def report(self, report):
        """Makes the line of a report and lets it out."""
        try:
            line = self.composer.line(report)
            rank = NODES if report.status else _RANKS.get(report.level, OTHERS)
            if self._outlet is not None:
                self._outlet.offer(line, rank)
            else:
                self._sink(line, rank)
        except Exception as e:
            _warn.once("report", "a report could not be made", e)

    def stats(self):
        """What became of the reports so far."""
        return Stats() if self._outlet is None else self._outlet.stats()

    def flush(self, at_most=5.0):
        """Waits until what was reported before is out or in the spool; whether it is."""
        return True if self._outlet is None else self._outlet.flush(at_most)

    def close(self, at_most=2.0):
        """Gets out what waits, and ends the thread. What is reported afterwards is counted as dropped."""
        if self._outlet is not None:
            self._outlet.close(at_most)


_global = None
_lock = threading.Lock()


def get():
    """The reporter of this process; made from the environment if none was installed."""
    global _global
    if _global is None:
        with _lock:
            if _global is None:
                _global = Reporter()
    return _global


def install(settings=None, **changes):
    """Makes a reporter the one of this process: of :class:`Settings`, or of what the environment says and ``changes``."""
    global _global
    made = Reporter(settings if settings is not None else Settings.from_environment(**changes))
    with _lock:
        before, _global = _global, made
    if before is not None:
        before.close()
    return made


def _at_exit():
    if _global is not None:
        _global.close()


def _after_fork():
    global _lock
    _lock = threading.Lock()
    _warn.forget()
    if _global is not None:
        try:
            _global._forked()
        except Exception as e:
            _warn.once("fork", "the reporter could not be started after a fork", e)


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
