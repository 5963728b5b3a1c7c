package io.linkloom.reporter.core;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the toolkit has to say about itself: on stderr, once for each cause, never through a logger. */
public final class Warnings {
    private static final Set<String> SAID = ConcurrentHashMap.newKeySet();
    private static final int CAUSES_MAX = 1000;
    private static final int TEXT_CHARS_MAX = 500;

    private Warnings() {}

    public static void once(String cause, String text) {
        once(cause, text, null);
    }

    public static void once(String cause, String text, Throwable why) {
        try {
            if (SAID.size() < CAUSES_MAX && SAID.add(cause)) {
                String all = text + (why == null ? "" : ": " + describe(why));
                String shown = all.length() > TEXT_CHARS_MAX ? all.substring(0, TEXT_CHARS_MAX) + '…' : all;
                System.err.println("linkloom reporter: " + shown.replaceAll("\\p{Cntrl}", " ") + " (said once)");
            }
        } catch (Throwable ignored) {
            // There is nobody left to tell.
        }
    }

    /** Type and message of an exception, whatever its own methods do. */
    public static String describe(Throwable why) {
        String type = why.getClass().getName();
        try {
            String message = why.getMessage();
            return message == null ? type : type + ": " + message;
        } catch (Throwable hostile) {
            return type;
        }
    }

    /** Forgets what was said; for tests. */
    public static void forget() {
        SAID.clear();
    }

    /** Whether this was said; for tests. */
    public static boolean said(String cause) {
        return SAID.contains(cause);
    }
}
