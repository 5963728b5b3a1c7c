"""A stand-in for an application: plays report samples again and again, as of now, into a log file.

    app.py SAMPLES LOG_FILE

Every round shifts the times of the samples to now and gives businesses, executions and traces new ids, so each round is
a set of executions of its own. The order and the gaps between reports stay, but none is longer than GAP_SECONDS of the
environment: a human review that waited for an hour waits for half a second. ROUNDS makes it end after so many. A line goes
out in one write, and the file is renamed when it is large, as a logger would do it.
"""

import hashlib
import json
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

GAP_SECONDS = float(os.environ.get("GAP_SECONDS", "0.5"))
PAUSE_SECONDS = 1.0
# 0: until it is stopped.
ROUNDS = int(os.environ.get("ROUNDS", "0"))
LOG_BYTES_MAX = 16 << 20

# A number is a time in s, ms, us or ns, told by its magnitude (docs/report-format.md).
UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6))


def unit_of(number):
    """How many of its units make a second."""
    return next((unit for limit, unit in UNITS if abs(number) < limit), 10**9)


def seconds_of(value):
    """A reported time as seconds since 1970."""
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    return value / unit_of(value)


def written_as(value, seconds):
    """`seconds` in the form that `value` has."""
    if isinstance(value, str):
        at = datetime.fromtimestamp(seconds, timezone.utc)
        return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return round(seconds * unit_of(value))


def load(folder):
    """All samples in order of time, each with its second within a round."""
    reports = []
    for path in sorted(Path(folder).glob("*.ndjson")):
        reports += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not reports:
        sys.exit(f"no samples in {folder}")
    reports.sort(key=lambda report: seconds_of(report["time"]))
    timeline, offset, before = [], 0.0, seconds_of(reports[0]["time"])
    for report in reports:
        at = seconds_of(report["time"])
        offset += min(at - before, GAP_SECONDS)
        before = at
        timeline.append((offset, report))
    return timeline


def retold(report, stamp, seconds):
    """The report as of now, in the executions of the round `stamp`."""
    told = dict(report, time=written_as(report["time"], seconds))
    for field in ("businessId", "executionId", "subExecutionId"):
        if field in told:
            told[field] = f"{told[field]}-{stamp}"
    for field in ("traceId", "spanId", "parentSpanId"):
        if field in told:
            digest = hashlib.sha256(f"{told[field]} {stamp}".encode()).hexdigest()
            told[field] = digest[: len(told[field])]
    return told


def write(log, line):
    """Appends one line, whole, and renames the file when it is large."""
    with open(log, "ab", buffering=0) as file:
        file.write(line)
        full = file.tell() > LOG_BYTES_MAX
    if full:
        os.replace(log, f"{log.removesuffix('.log')}.1.log")


def main(folder, log):
    timeline = load(folder)
    played = 0
    while ROUNDS == 0 or played < ROUNDS:
        if played > 0:
            time.sleep(PAUSE_SECONDS)
        played += 1
        start = time.time()
        stamp = f"{int(start):x}"
        for offset, report in timeline:
            time.sleep(max(0.0, start + offset - time.time()))
            told = retold(report, stamp, start + offset)
            write(log, json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
