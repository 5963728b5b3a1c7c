package io.linkloom.reporter.errors;

import io.linkloom.reporter.core.Warnings;
import java.lang.ref.WeakReference;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;

/** Calls the {@link ErrorReporter}s, once for each exception. */
public final class ErrorReporters {
    /** How many of the exceptions seen last are remembered. */
    private static final int SEEN_MAX = 256;

    private static final ThreadLocal<Boolean> WITHIN = new ThreadLocal<>();
    private static final WeakReference<?>[] SEEN = new WeakReference<?>[SEEN_MAX];
    private static int next;

    private ErrorReporters() {}

    private static final class Holder {
        static final List<ErrorReporter> ALL = load();

        private static List<ErrorReporter> load() {
            List<ErrorReporter> found = new CopyOnWriteArrayList<>();
            try {
                Iterator<ErrorReporter> services = ServiceLoader.load(ErrorReporter.class).iterator();
                while (true) {
                    try {
                        if (!services.hasNext()) {
                            break;
                        }
                        found.add(services.next());
                    } catch (Throwable e) {
                        Warnings.once("errors:load", "an error reporter could not be loaded", e);
                        if (found.size() > 100) {
                            break;
                        }
                    }
                }
            } catch (Throwable e) {
                Warnings.once("errors:load", "error reporters could not be looked for", e);
            }
            return found;
        }
    }

    public static void add(ErrorReporter reporter) {
        Holder.ALL.add(reporter);
    }

    public static void remove(ErrorReporter reporter) {
        Holder.ALL.remove(reporter);
    }

    /** Reports a logged exception, unless it was before. An error reporter that logs does not report itself. */
    public static void report(ErrorEvent event) {
        if (event.thrown() == null) {
            return;
        }
        try {
            List<ErrorReporter> all = Holder.ALL;
            if (all.isEmpty() || WITHIN.get() != null || !isNew(event.thrown())) {
                return;
            }
            WITHIN.set(true);
            try {
                for (ErrorReporter reporter : all) {
                    try {
                        reporter.report(event);
                    } catch (Throwable e) {
                        Warnings.once("errors:" + reporter.getClass().getName(), "an error reporter failed: " + reporter.getClass().getName(), e);
                    }
                }
            } finally {
                WITHIN.remove();
            }
        } catch (Throwable e) {
            Warnings.once("errors", "an exception could not be given to the error reporters", e);
        }
    }

    private static boolean isNew(Throwable thrown) {
        synchronized (SEEN) {
            for (WeakReference<?> seen : SEEN) {
                if (seen != null && seen.get() == thrown) {
                    return false;
                }
            }
            SEEN[next] = new WeakReference<>(thrown);
            next = (next + 1) % SEEN_MAX;
            return true;
        }
    }
}
