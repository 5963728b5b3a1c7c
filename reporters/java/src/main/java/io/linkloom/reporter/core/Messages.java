package io.linkloom.reporter.core;

import io.linkloom.reporter.Fact;
import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Messages with placeholders, as slf4j has them: {@code {}}, escaped by a backslash. Too many or too few arguments are no error. */
public final class Messages {
    /** More of one argument cannot be seen in a report. */
    private static final int ARGUMENT_CHARS_MAX = 1 << 20;

    private Messages() {}

    /** The exception among the arguments: the last one, if it is one. */
    public static Throwable thrown(Object... arguments) {
        Object last = arguments == null || arguments.length == 0 ? null : arguments[arguments.length - 1];
        return last instanceof Throwable ? (Throwable) last : null;
    }

    /** The facts among the arguments; null if there are none. */
    public static Map<String, Object> facts(Object... arguments) {
        Map<String, Object> facts = null;
        if (arguments != null) {
            for (Object argument : arguments) {
                if (argument instanceof Fact) {
                    if (facts == null) {
                        facts = new LinkedHashMap<>();
                    }
                    facts.put(((Fact) argument).key(), ((Fact) argument).value());
                }
            }
        }
        return facts;
    }

    public static String format(String pattern, Object... arguments) {
        if (pattern == null || arguments == null || arguments.length == 0 || pattern.indexOf('{') < 0) {
            return pattern;
        }
        int count = thrown(arguments) == null ? arguments.length : arguments.length - 1;
        StringBuilder out = new StringBuilder(pattern.length() + 64);
        int from = 0;
        int next = 0;
        while (next < count) {
            int at = pattern.indexOf("{}", from);
            if (at < 0) {
                break;
            }
            int slashes = 0;
            while (at - slashes > from && pattern.charAt(at - 1 - slashes) == '\\') {
                slashes++;
            }
            if (slashes == 1) {
                out.append(pattern, from, at - 1).append('{');
                from = at + 1;
                continue;
            }
            out.append(pattern, from, slashes == 0 ? at : at - 1);
            append(out, arguments[next++]);
            from = at + 2;
        }
        return out.append(pattern, from, pattern.length()).toString();
    }

    private static void append(StringBuilder out, Object argument) {
        try {
            if (argument == null || !argument.getClass().isArray()) {
                String text = String.valueOf(argument);
                out.append(text, 0, Math.min(text.length(), ARGUMENT_CHARS_MAX));
            } else if (argument instanceof Object[]) {
                out.append(Arrays.deepToString((Object[]) argument));
            } else {
                out.append('[');
                int count = Array.getLength(argument);
                for (int i = 0; i < count && out.length() < ARGUMENT_CHARS_MAX; i++) {
                    out.append(i == 0 ? "" : ", ").append(Array.get(argument, i));
                }
                out.append(']');
            }
        } catch (Throwable e) {
            Warnings.once("toString:" + argument.getClass().getName(), "toString of " + argument.getClass().getName() + " failed", e);
            out.append('…');
        }
    }
}
