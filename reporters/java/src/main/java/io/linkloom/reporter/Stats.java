package io.linkloom.reporter;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What became of the reports of a process so far. */
public final class Stats {
    private final long logged;
    private final long sent;
    private final long spooled;
    private final long stderr;
    private final long queuedBytes;
    private final long spoolBytes;
    private final Map<String, Long> dropped;

    public Stats(long logged, long sent, long spooled, long stderr, long queuedBytes, long spoolBytes, Map<String, Long> dropped) {
        this.logged = logged;
        this.sent = sent;
        this.spooled = spooled;
        this.stderr = stderr;
        this.queuedBytes = queuedBytes;
        this.spoolBytes = spoolBytes;
        this.dropped = Collections.unmodifiableMap(new LinkedHashMap<>(dropped));
    }

    /** Reports written to the file or to stdout. */
    public long logged() {
        return logged;
    }

    /** Reports the relay has taken. */
    public long sent() {
        return sent;
    }

    /** Reports that were put into the spool; those of them that were replayed count as sent, too. */
    public long spooled() {
        return spooled;
    }

    /** Reports written to stderr, because nothing else could be written. */
    public long stderr() {
        return stderr;
    }

    /** Bytes that wait in memory. */
    public long queuedBytes() {
        return queuedBytes;
    }

    /** Bytes that wait in the spool. */
    public long spoolBytes() {
        return spoolBytes;
    }

    /** Reports dropped, by cause: queueFull, spoolFull, refused, noWayOut, tooLong. Causes that never came up are absent. */
    public Map<String, Long> dropped() {
        return dropped;
    }

    public long droppedInAll() {
        return dropped.values().stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public String toString() {
        return "Stats[logged=" + logged + ", sent=" + sent + ", spooled=" + spooled + ", stderr=" + stderr + ", queuedBytes=" + queuedBytes
                + ", spoolBytes=" + spoolBytes + ", dropped=" + dropped + "]";
    }
}
