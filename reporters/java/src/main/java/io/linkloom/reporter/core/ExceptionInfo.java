package io.linkloom.reporter.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** What a report says about an exception; read from a {@link Throwable} whatever its own methods do. */
public final class ExceptionInfo {
    private static final int STACK_CHARS_MAX = 1 << 20;

    /** One of the causes, outermost first. */
    public static final class Cause {
        final String type;
        final String message;

        public Cause(String type, String message) {
            this.type = type;
            this.message = message;
        }
    }

    final String type;
    final String message;
    final String stack;
    final List<Cause> causes;

    public ExceptionInfo(String type, String message, String stack, List<Cause> causes) {
        this.type = type;
        this.message = message;
        this.stack = stack;
        this.causes = causes;
    }

    /** As {@code printStackTrace} would print it: causes are in the stack, with their frames. */
    public static ExceptionInfo of(Throwable thrown) {
        if (thrown == null) {
            return null;
        }
        StringBuilder stack = new StringBuilder(1024);
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        try {
            print(stack, thrown, new StackTraceElement[0], "", "", seen);
        } catch (Throwable e) {
            Warnings.once("stack:" + thrown.getClass().getName(), "the stack of an exception could not be read", e);
        }
        while (stack.length() > 0 && stack.charAt(stack.length() - 1) == '\n') {
            stack.setLength(stack.length() - 1);
        }
        return new ExceptionInfo(thrown.getClass().getName(), message(thrown), stack.toString(), List.of());
    }

    /** Frames seen lately with their texts, by their hash: the same come again and again. Races lose an entry at worst. */
    private static final Frame[] FRAMES = new Frame[2048];

    private static final class Frame {
        final StackTraceElement element;
        final String text;

        Frame(StackTraceElement element) {
            this.element = element;
            this.text = element.toString();
        }
    }

    private static String frame(StackTraceElement element) {
        int hash = element.hashCode();
        int place = (hash ^ hash >>> 16) & FRAMES.length - 1;
        Frame known = FRAMES[place];
        if (known == null || !known.element.equals(element)) {
            known = new Frame(element);
            FRAMES[place] = known;
        }
        return known.text;
    }

    /** The message, or null if there is none to be had. */
    static String message(Throwable thrown) {
        try {
            return thrown.getLocalizedMessage();
        } catch (Throwable e) {
            Warnings.once("message:" + thrown.getClass().getName(), "getMessage of " + thrown.getClass().getName() + " failed", e);
            return null;
        }
    }

    private static void print(
            StringBuilder out, Throwable thrown, StackTraceElement[] enclosing, String caption, String indent, Set<Throwable> seen) {
        if (out.length() > STACK_CHARS_MAX) {
            return;
        }
        String message = message(thrown);
        out.append(indent).append(caption).append(thrown.getClass().getName());
        if (message != null) {
            out.append(": ").append(message);
        }
        if (!seen.add(thrown)) {
            out.append(" [again]\n");
            return;
        }
        out.append('\n');
        StackTraceElement[] trace = thrown.getStackTrace();
        int last = trace.length - 1;
        for (int other = enclosing.length - 1; last >= 0 && other >= 0 && trace[last].equals(enclosing[other]); other--) {
            last--;
        }
        for (int i = 0; i <= last && out.length() <= STACK_CHARS_MAX; i++) {
            out.append(indent).append("\tat ").append(frame(trace[i])).append('\n');
        }
        int common = trace.length - 1 - last;
        if (common > 0) {
            out.append(indent).append("\t... ").append(common).append(" more\n");
        }
        for (Throwable suppressed : thrown.getSuppressed()) {
            print(out, suppressed, trace, "Suppressed: ", indent + "\t", seen);
        }
        Throwable cause = thrown.getCause();
        if (cause != null) {
            print(out, cause, trace, "Caused by: ", indent, seen);
        }
    }

    /** The frames, and a line for each cause; null if there is neither. */
    String lines() {
        if (causes == null || causes.isEmpty()) {
            return stack;
        }
        List<String> lines = new ArrayList<>();
        if (stack != null && !stack.isEmpty()) {
            lines.add(stack);
        }
        for (Cause cause : causes) {
            String both = cause.type != null && cause.message != null ? ": " : "";
            lines.add("Caused by: " + (cause.type == null ? "" : cause.type) + both + (cause.message == null ? "" : cause.message));
        }
        return String.join("\n", lines);
    }
}
