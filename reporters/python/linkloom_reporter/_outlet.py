"""Gets lines out, on a daemon thread of its own. Whoever offers a line neither waits for that nor hears of its failures."""

import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Dict

from . import _warn
from ._queue import LineQueue
from ._ways import AGAIN, BYTES_MAX, LINES_MAX, FileOut, RelayOut, Spool
from .settings import parse_out

_CAUSES = ("queueFull", "spoolFull", "refused", "noWayOut", "tooLong")
_RELAY_BATCH_SECONDS = 0.2
_FILE_BATCH_SECONDS = 0.02
_BACKOFF_MIN = 0.1
_BACKOFF_MAX = 30.0
_FILE_RETRY_SECONDS = 1.0
# How long a send may take while memory is running short.
_SEND_PATIENCE_SECONDS = 1.0


@dataclass
class Stats:
    """What became of the reports so far; ``dropped`` by cause."""

    logged: int = 0
    sent: int = 0
    spooled: int = 0
    stderr: int = 0
    queued_bytes: int = 0
    spool_bytes: int = 0
    dropped: Dict[str, int] = field(default_factory=dict)


class _Counters:
    def __init__(self):
        self.logged = self.sent = self.spooled = self.stderr = 0
        self._lock = threading.Lock()
        self._dropped = {}
        self._told = {}

    def drop(self, cause, count):
        if count:
            with self._lock:
                self._dropped[cause] = self._dropped.get(cause, 0) + count

    def dropped(self):
        with self._lock:
            return {cause: self._dropped[cause] for cause in _CAUSES if cause in self._dropped}

    def take_untold(self):
        """What was dropped since this was asked last."""
        now = self.dropped()
        news = {cause: count - self._told.get(cause, 0) for cause, count in now.items() if count > self._told.get(cause, 0)}
        self._told = now
        return news


class Outlet:
    """``news(message, data)`` makes the line that tells of drops."""

    def __init__(self, settings, news):
        self._settings = settings
        self._news = news
        self._counters = _Counters()
        self._condition = threading.Condition(threading.Lock())
        self._queue = LineQueue(settings.queue_bytes_max)
        ways = [parse_out(out) for out in (settings.out, settings.fallback) if out]
        self._log_first = ways[0][0] != "relay"
        self._stdout = ("stdout", None) in ways
        self._file = self._relay = self._spool = None
        for kind, where in ways:
            if kind == "file":
                self._file = FileOut(where, settings.file_bytes_max, settings.file_age_max, settings.files_max)
            elif kind == "relay":
                self._relay = RelayOut(where, settings.token)
        self._idle = self._gathering = self._busy = self._hurry = False
        self._closing = self._closed = False
        self._relay_not_before = self._file_not_before = 0.0
        self._backoff = 0.0
        self._relay_down = self._file_down = False
        self._sending_since = None
        self._thread = threading.Thread(target=self._work, name="linkloom-reporter", daemon=True)
        self._thread.start()

    def offer(self, line, rank):
        """Takes a line, or drops and counts it."""
        if len(line) > BYTES_MAX:
            self._counters.drop("tooLong", 1)
            return
        with self._condition:
            if self._closing:
                cause, dropped = "noWayOut", 1
            else:
                cause, dropped = "queueFull", self._queue.offer(line, rank)
                if self._idle or (self._gathering and self._is_batch()):
                    self._idle = self._gathering = False
                    self._condition.notify_all()
            since = self._sending_since
            hangs = (
                since is not None
                and self._queue.bytes > self._settings.queue_bytes_max // 2
                and time.monotonic() - since > _SEND_PATIENCE_SECONDS
            )
            if hangs:
                self._sending_since = None
        if hangs:
            # Memory is running short: what waits goes into the spool. Closing a socket does not block.
            self._relay.abort()
        self._counters.drop(cause, dropped)

    def _is_batch(self):
        return self._queue.count >= LINES_MAX or self._queue.bytes >= BYTES_MAX // 2

    def stats(self):
        counters = self._counters
        return Stats(
            counters.logged,
            counters.sent,
            counters.spooled,
            counters.stderr,
            self._queue.bytes,
            0 if self._spool is None else self._spool.bytes,
            counters.dropped(),
        )

    def flush(self, at_most):
        """Waits until everything offered before is out or in the spool; whether it is."""
        with self._condition:
            self._hurry = True
            self._condition.notify_all()
            return self._condition.wait_for(lambda: self._closed or not (self._queue.count or self._busy), at_most) and not self._closed

    def close(self, at_most):
        """Gets out what waits, and ends the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            if not self._condition.wait_for(lambda: self._closed, at_most * 0.75) and self._relay is not None:
                # A relay that hangs: what it was to get goes into the spool.
                self._relay.abort()
            self._condition.wait_for(lambda: self._closed, at_most * 0.25)

    def _work(self):
        if self._relay is not None and self._settings.spool:
            self._spool = Spool(self._settings.spool, self._settings.spool_bytes_max, self._counters)
        while True:
            try:
                lines = self._take()
                if lines is None:
                    break
                if lines:
                    self._write(lines)
                self._tell()
                if self._spool:
                    self._replay()
            except Exception as e:
                _warn.once("writer", "the writer of reports failed, it goes on", e)
        try:
            if self._file is not None:
                self._file.close()
            if self._spool is not None:
                self._spool.close()
            if self._relay is not None:
                self._relay.abort()
        finally:
            with self._condition:
                self._closed = True
                self._busy = False
                self._condition.notify_all()

    def _take(self):
        """The next lines: none if only time has passed, None if there will be no more."""
        with self._condition:
            self._busy = False
            if not self._queue.count:
                self._hurry = False
                self._condition.notify_all()
            while not self._queue.count and not self._closing:
                wait = None
                if self._spool:
                    wait = self._relay_not_before - time.monotonic()
                    if wait <= 0:
                        break
                self._idle = True
                self._condition.wait(wait)
                self._idle = False
            if self._closing and not self._queue.count:
                return None
            end = time.monotonic() + (_FILE_BATCH_SECONDS if self._log_first else _RELAY_BATCH_SECONDS)
            while self._queue.count and not self._closing and not self._hurry and not self._is_batch():
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._gathering = True
                self._condition.wait(left)
            self._gathering = False
            lines, size = [], 0
            while len(lines) < LINES_MAX:
                line = self._queue.poll(BYTES_MAX - size)
                if line is None:
                    break
                lines.append(line)
                size += len(line)
            self._busy = True
            return lines

    def _tell(self):
        news = self._counters.take_untold()
        if news:
            _warn.once("dropped", "reports had to be dropped: %s" % news)
            self._write([self._news("linkloom reporter dropped %d reports" % sum(news.values()), news)])

    def _write(self, lines):
        if self._log_first:
            out = self._log(lines) or (self._relay is not None and self._relay_or_spool(lines))
        else:
            out = self._relay_or_spool(lines) or self._log(lines)
        if not out:
            self._stderr(lines)

    def _log(self, lines):
        if self._file is None and not self._stdout:
            return False
        if self._file_down and time.monotonic() < self._file_not_before:
            return False
        content = b"".join(lines)
        for attempt in range(2):
            try:
                if self._file is not None:
                    self._file.write(content)
                else:
                    rest = memoryview(content)
                    while rest:
                        rest = rest[os.write(1, rest) :]
                self._counters.logged += len(lines)
                self._file_down = False
                return True
            except OSError as e:
                if self._file is None or attempt:
                    _warn.once("file", "%s cannot be written" % ("stdout" if self._file is None else self._file.path), e)
                    break
        self._file_down = True
        self._file_not_before = time.monotonic() + _FILE_RETRY_SECONDS
        return False

    def _relay_or_spool(self, lines):
        if self._spool is None:
            return self._send(lines)
        if not self._spool and self._send(lines):
            return True
        try:
            self._spool.append(lines)
            return True
        except OSError as e:
            _warn.once("spool:write", "the spool cannot be written: %s" % self._settings.spool, e)
            return False if self._relay_down else self._send(lines)

    def _send(self, lines):
        """Whether the relay has the lines, or never will; False: they are to be sent again."""
        if self._relay_down and (time.monotonic() < self._relay_not_before or self._closing):
            return False
        self._sending_since = time.monotonic()
        outcome, refused, wait = self._relay.send(lines)
        self._sending_since = None
        if outcome == AGAIN:
            self._backoff = min(_BACKOFF_MAX, max(_BACKOFF_MIN, self._backoff * 2))
            self._relay_not_before = time.monotonic() + max(wait, self._backoff * random.uniform(0.5, 1.0))
            self._relay_down = True
            return False
        self._backoff = 0.0
        self._relay_down = False
        self._counters.sent += len(lines) - refused
        self._counters.drop("refused", refused)
        return True

    def _replay(self):
        while not self._closing:
            lines = self._spool.oldest()
            if lines is None or not self._send(lines):
                return
            self._spool.done()
            # What waits in memory must not overflow meanwhile.
            if self._queue.bytes > self._settings.queue_bytes_max // 4:
                return

    def _stderr(self, lines):
        try:
            rest = memoryview(b"".join(lines))
            while rest:
                rest = rest[os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, rest) :]
            self._counters.stderr += len(lines)
        except Exception:
            self._counters.drop("noWayOut", len(lines))
