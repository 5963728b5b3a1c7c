package io.linkloom.reporter.out;

import io.linkloom.reporter.Stats;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** What became of the lines. */
final class Counters {
    /** Why a report was dropped, in the order they are told. */
    enum Cause {
        QUEUE_FULL("queueFull"),
        SPOOL_FULL("spoolFull"),
        REFUSED("refused"),
        NO_WAY_OUT("noWayOut"),
        TOO_LONG("tooLong");

        final String key;

        Cause(String key) {
            this.key = key;
        }
    }

    final AtomicLong logged = new AtomicLong();
    final AtomicLong sent = new AtomicLong();
    final AtomicLong spooled = new AtomicLong();
    final AtomicLong stderr = new AtomicLong();
    private final AtomicLong[] dropped = new AtomicLong[Cause.values().length];
    private final long[] told = new long[Cause.values().length];

    Counters() {
        for (int i = 0; i < dropped.length; i++) {
            dropped[i] = new AtomicLong();
        }
    }

    void drop(Cause cause, long count) {
        dropped[cause.ordinal()].addAndGet(count);
    }

    /** What was dropped since this was asked last; empty if nothing was. For one thread. */
    Map<String, Object> takeUntold() {
        Map<String, Object> news = new LinkedHashMap<>();
        for (Cause cause : Cause.values()) {
            long now = dropped[cause.ordinal()].get();
            long more = now - told[cause.ordinal()];
            if (more > 0) {
                news.put(cause.key, more);
                told[cause.ordinal()] = now;
            }
        }
        return news;
    }

    Stats stats(long queuedBytes, long spoolBytes) {
        Map<String, Long> causes = new LinkedHashMap<>();
        for (Cause cause : Cause.values()) {
            long count = dropped[cause.ordinal()].get();
            if (count > 0) {
                causes.put(cause.key, count);
            }
        }
        return new Stats(logged.get(), sent.get(), spooled.get(), stderr.get(), queuedBytes, spoolBytes, causes);
    }
}
