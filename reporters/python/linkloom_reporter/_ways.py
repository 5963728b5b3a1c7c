"""The ways out: a rolling file, a relay, a spool on disk. Each is for one thread."""

import gzip
import http.client
import json
import os
import re
import time
from collections import deque
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from . import _warn

try:
    import fcntl
except ImportError:  # Not on this system: processes must not share a spool there.
    fcntl = None

LINES_MAX = 1000
BYTES_MAX = 1 << 20
_ROLLED = re.compile(r"\.[0-9]{8}-[0-9]{6}\.[0-9]{6}")


class FileOut:
    """A file of lines, rolled by size and age: ``reports.ndjson`` becomes ``reports.ndjson.20261121-100000.123456``."""

    def __init__(self, path, bytes_max, age_max, files_max):
        self.path = path
        self._bytes_max = bytes_max
        self._age_max = age_max
        self._files_max = max(0, files_max)
        self.fd = None
        self._bytes = 0
        self._opened = 0.0

    def write(self, lines):
        """Writes whole lines; what was written when it failed is cut off again."""
        if self.fd is not None and (
            (self._bytes and self._bytes + len(lines) > self._bytes_max) or time.monotonic() - self._opened > self._age_max
        ):
            self._roll()
        if self.fd is None or not os.path.exists(self.path):
            self._open()
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self.fd, rest) :]
            self._bytes += len(lines)
        except OSError:
            try:
                os.ftruncate(self.fd, self._bytes)
            except OSError:
                pass  # Not every file can be cut; a torn line is refused by who reads it.
            self.close()
            raise

    def _open(self):
        self.close()
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._bytes = os.fstat(self.fd).st_size
        self._opened = time.monotonic()
        if self._bytes:
            try:
                os.lseek(self.fd, -1, os.SEEK_END)
                if os.read(self.fd, 1) != b"\n":  # A process was killed within a line.
                    self._bytes += os.write(self.fd, b"\n")
            except OSError:
                pass

    def _roll(self):
        self.close()
        try:
            now = time.time()
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + ".%06d" % (now % 1 * 1000000)
            os.rename(self.path, "%s.%s" % (self.path, stamp))
            directory, name = os.path.split(os.path.abspath(self.path))
            rolled = sorted(f for f in os.listdir(directory) if f.startswith(name) and _ROLLED.fullmatch(f[len(name) :]))
            for old in rolled[: max(0, len(rolled) - self._files_max)]:
                os.unlink(os.path.join(directory, old))
        except OSError as e:
            _warn.once("roll", "the file of reports could not be rolled, it grows on: %s" % self.path, e)

    def close(self):
        if self.fd is not None:
            try:
                os.close(self.fd)
            except OSError:
                pass
            self.fd = None


TAKEN, AGAIN, NEVER = "taken", "again", "never"


class RelayOut:
    """Posts batches to Linkloom or a relay."""

    _CONNECT_SECONDS = 2.0
    _READ_SECONDS = 10.0
    _WAIT_SECONDS_MAX = 300.0

    def __init__(self, url, token):
        self._url = url
        self._token = token
        self._connection = None

    def send(self, lines):
        """What became of the lines: (``TAKEN``, refused, 0), (``AGAIN``, 0, seconds to wait at least) or (``NEVER``, their number, 0)."""
        try:
            status, answer, retry_after = self._post(gzip.compress(b"".join(lines), 6))
        except Exception as e:
            self.abort()
            _warn.once("relay", "the relay cannot be reached, reports are kept: %s" % self._url, e)
            return AGAIN, 0, 0.0
        refused = _refused(answer)
        if 200 <= status < 300 or (status == 400 and refused is not None):
            return TAKEN, min(refused or 0, len(lines)), 0.0
        if status in (408, 429) or status >= 500:
            _warn.once("relay:%d" % status, "the relay answers %d, reports are kept: %s" % (status, self._url))
            return AGAIN, 0, self._wait(retry_after)
        _warn.once("relay:%d" % status, "the relay answers %d, reports are dropped: %s %r" % (status, self._url, answer[:200]))
        return NEVER, len(lines), 0.0

    def _post(self, body):
        url = urlsplit(self._url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = self._connection
        reused = connection is not None
        while True:
            if connection is None:
                connection = kind(url.hostname, url.port, timeout=self._CONNECT_SECONDS)
                connection.connect()
                connection.sock.settimeout(self._READ_SECONDS)
                self._connection = connection
            headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            if self._token:
                headers["Authorization"] = "Bearer " + self._token
            try:
                connection.request("POST", url.path + ("?" + url.query if url.query else ""), body, headers)
                response = connection.getresponse()
            except (http.client.BadStatusLine, ConnectionError):
                # A connection that was kept may have been closed meanwhile; sending again is harmless. One that was broken off stays so.
                broken_off = self._connection is not connection
                self.abort()
                if not reused or broken_off:
                    raise
                connection, reused = None, False
                continue
            answer = response.read(1 << 20)
            if response.will_close:
                self.abort()
            return response.status, answer, response.getheader("Retry-After")

    def _wait(self, retry_after):
        if not retry_after:
            return 0.0
        try:
            wait = float(int(retry_after.strip()))
        except ValueError:
            try:
                wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
            except Exception:
                wait = 0.0
        return min(max(0.0, wait), self._WAIT_SECONDS_MAX)

    def abort(self):
        """Closes the connection; another thread may call it to break off what is being sent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                if connection.sock is not None:
                    connection.sock.shutdown(2)
            except OSError:
                pass
            try:
                connection.close()
            except OSError:
                pass


def _refused(answer):
    """How many lines an answer says were refused; None if it says nothing of that."""
    try:
        told = json.loads(answer.decode("utf-8", "replace"))
        lines = told["refused"]
        for line in lines:
            _warn.once("refused:%s" % line.get("reason"), "a report was refused: %s (line %s)" % (line.get("reason"), line.get("line")))
        return len(lines) + int(told.get("refusedMore") or 0)
    except Exception:
        return None


class _Segment:
    __slots__ = ("path", "bytes", "lines")

    def __init__(self, path, size, lines):
        self.path = path
        self.bytes = size
        self.lines = lines


class Spool:
    """Keeps batches on disk while the relay is down, in order.

    Processes may share its directory: each has a folder ``{start, ms}-{pid}`` in it, held by a lock on its file ``lock``, with segments
    ``00000001.ndjson``. The folders of processes that are gone are adopted at the start.
    """

    def __init__(self, directory, bytes_max, counters):
        self._directory = directory
        self._bytes_max = bytes_max
        self._counters = counters
        self._segments = deque()
        self._locks = {}
        self._folder = None
        self._growing = None
        self._next = 1
        self.bytes = 0
        try:
            self._adopt()
        except OSError as e:
            _warn.once("spool", "what is in the spool could not be read: %s" % directory, e)

    def _adopt(self):
        if not os.path.isdir(self._directory):
            return
        for name in sorted(os.listdir(self._directory)):
            folder = os.path.join(self._directory, name)
            if not os.path.isdir(folder) or not self._lock(folder):
                continue
            for file in sorted(os.listdir(folder)):
                if file.endswith(".ndjson"):
                    path = os.path.join(folder, file)
                    with open(path, "rb") as segment:
                        content = segment.read()
                    self._segments.append(_Segment(path, len(content), content.count(b"\n")))
        self._bound()

    def _lock(self, folder):
        try:
            fd = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return False
        try:
            if fcntl is not None:
                # The same kind of lock as Java's and Rust's, so that toolkits may share a spool.
                fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._locks[folder] = fd
        return True

    def __bool__(self):
        return bool(self._segments)

    def append(self, lines):
        """Appends lines; raises OSError if they are not on disk."""
        if self._folder is None:
            for attempt in range(100):
                folder = os.path.join(self._directory, "%015d-%d-%d" % (time.time() * 1000, os.getpid(), attempt))
                os.makedirs(folder, exist_ok=True)
                if folder not in self._locks and self._lock(folder):
                    self._folder = folder
                    break
            else:
                raise OSError("no folder of the spool can be locked: %s" % self._directory)
        content = b"".join(lines)
        last = self._growing
        if last is None or last.bytes + len(content) > BYTES_MAX or last.lines + len(lines) > LINES_MAX:
            self._growing = _Segment(os.path.join(self._folder, "%08d.ndjson" % self._next), 0, 0)
            self._next += 1
            self._segments.append(self._growing)
        segment = self._growing
        try:
            with open(segment.path, "ab") as file:
                file.write(content)
        except OSError:
            # What is torn must not be followed by a line.
            self._growing = None
            try:
                os.truncate(segment.path, segment.bytes)
            except OSError:
                pass
            if not segment.lines:
                self._segments.remove(segment)
                _unlink(segment.path)
            raise
        segment.bytes += len(content)
        segment.lines += len(lines)
        self._counters.spooled += len(lines)
        self._bound()

    def oldest(self):
        """The oldest lines, which stay until they are done; None if there are none."""
        while self._segments:
            first = self._segments[0]
            if first is self._growing:
                self._growing = None
            try:
                with open(first.path, "rb") as file:
                    lines = file.read().splitlines(keepends=True)
                if lines and not lines[-1].endswith(b"\n"):
                    lines.pop()
                if lines:
                    return lines
            except OSError as e:
                _warn.once("spool", "a segment of the spool could not be read, it is dropped: %s" % first.path, e)
                self._counters.drop("spoolFull", first.lines)
            self.done()
        return None

    def done(self):
        """Forgets the oldest lines."""
        first = self._segments.popleft()
        if first is self._growing:
            self._growing = None
        _unlink(first.path)
        self._bound()

    def _bound(self):
        total = sum(segment.bytes for segment in self._segments)
        while total > self._bytes_max and self._segments:
            oldest = self._segments.popleft()
            if oldest is self._growing:
                self._growing = None
            total -= oldest.bytes
            self._counters.drop("spoolFull", oldest.lines)
            _unlink(oldest.path)
        self.bytes = total

    def close(self):
        """Lets go of the folders; those that are empty go."""
        for folder, fd in self._locks.items():
            try:
                if os.listdir(folder) == ["lock"]:
                    os.unlink(os.path.join(folder, "lock"))
                    os.rmdir(folder)
            except OSError:
                pass
            try:
                os.close(fd)
            except OSError:
                pass
        self._locks.clear()


def _unlink(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as e:
        _warn.once("spool", "a segment of the spool could not be deleted, it may be sent again: %s" % path, e)
