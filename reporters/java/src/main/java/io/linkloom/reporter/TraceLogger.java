package io.linkloom.reporter;

import io.linkloom.reporter.core.Messages;
import io.linkloom.reporter.core.Warnings;
import io.linkloom.reporter.errors.ErrorEvent;
import io.linkloom.reporter.errors.ErrorReporters;

/**
 * Business logs with the look of slf4j: {@code TraceLogger.error("update struct failed, param:{}", json, e)}.
 *
 * <p>Each call is a report within the context of the thread, and goes on to the ordinary logger {@code linkloom} if slf4j is there, so that it is in
 * the application's own log as well; the appenders of this toolkit know such events and report them once. Levels are those of that logger;
 * without slf4j, that of {@link Settings.Builder#level}. Never throws.
 */
public final class TraceLogger {
    private static final String NAME = "linkloom";
    private static final String FQCN = TraceLogger.class.getName();
    private static final Forward FORWARD = Forward.to(NAME);

    private TraceLogger() {}

    public static boolean isTraceEnabled() {
        return enabled(FORWARD, "TRACE");
    }

    public static boolean isDebugEnabled() {
        return enabled(FORWARD, "DEBUG");
    }

    public static boolean isInfoEnabled() {
        return enabled(FORWARD, "INFO");
    }

    public static boolean isWarnEnabled() {
        return enabled(FORWARD, "WARN");
    }

    public static boolean isErrorEnabled() {
        return enabled(FORWARD, "ERROR");
    }

    public static void trace(String message) {
        if (isTraceEnabled()) {
            log(FORWARD, NAME, FQCN, "TRACE", message, null, (Object[]) null);
        }
    }

    public static void trace(String pattern, Object argument) {
        if (isTraceEnabled()) {
            log(FORWARD, NAME, FQCN, "TRACE", pattern, null, argument);
        }
    }

    public static void trace(String pattern, Object... arguments) {
        if (isTraceEnabled()) {
            log(FORWARD, NAME, FQCN, "TRACE", pattern, null, arguments);
        }
    }

    public static void debug(String message) {
        if (isDebugEnabled()) {
            log(FORWARD, NAME, FQCN, "DEBUG", message, null, (Object[]) null);
        }
    }

    public static void debug(String pattern, Object argument) {
        if (isDebugEnabled()) {
            log(FORWARD, NAME, FQCN, "DEBUG", pattern, null, argument);
        }
    }

    public static void debug(String pattern, Object... arguments) {
        if (isDebugEnabled()) {
            log(FORWARD, NAME, FQCN, "DEBUG", pattern, null, arguments);
        }
    }

    public static void info(String message) {
        if (isInfoEnabled()) {
            log(FORWARD, NAME, FQCN, "INFO", message, null, (Object[]) null);
        }
    }

    public static void info(String pattern, Object argument) {
        if (isInfoEnabled()) {
            log(FORWARD, NAME, FQCN, "INFO", pattern, null, argument);
        }
    }

    public static void info(String pattern, Object... arguments) {
        if (isInfoEnabled()) {
            log(FORWARD, NAME, FQCN, "INFO", pattern, null, arguments);
        }
    }

    public static void warn(String message) {
        if (isWarnEnabled()) {
            log(FORWARD, NAME, FQCN, "WARN", message, null, (Object[]) null);
        }
    }

    public static void warn(String pattern, Object argument) {
        if (isWarnEnabled()) {
            log(FORWARD, NAME, FQCN, "WARN", pattern, null, argument);
        }
    }

    public static void warn(String pattern, Object... arguments) {
        if (isWarnEnabled()) {
            log(FORWARD, NAME, FQCN, "WARN", pattern, null, arguments);
        }
    }

    public static void error(String message) {
        if (isErrorEnabled()) {
            log(FORWARD, NAME, FQCN, "ERROR", message, null, (Object[]) null);
        }
    }

    public static void error(String pattern, Object argument) {
        if (isErrorEnabled()) {
            log(FORWARD, NAME, FQCN, "ERROR", pattern, null, argument);
        }
    }

    public static void error(String pattern, Object... arguments) {
        if (isErrorEnabled()) {
            log(FORWARD, NAME, FQCN, "ERROR", pattern, null, arguments);
        }
    }

    static boolean enabled(Forward forward, String level) {
        try {
            return forward.decides() ? forward.isEnabled(level) : order(level) >= order(Reporter.get().settings().level);
        } catch (Throwable e) {
            Warnings.once("level", "whether a level is on could not be found out", e);
            return true;
        }
    }

    private static int order(String level) {
        return "TRACE".equals(level) ? 0 : "DEBUG".equals(level) ? 1 : "INFO".equals(level) ? 2 : "WARN".equals(level) ? 3 : 4;
    }

    /** Reports, tells the error platforms, and hands on to the ordinary logger. */
    static void log(Forward forward, String name, String caller, String level, String pattern, Throwable given, Object... arguments) {
        try {
            Throwable thrown = given != null ? given : Messages.thrown(arguments);
            String message = Messages.format(pattern, arguments);
            Reporter reporter = Reporter.get();
            LinkContext context = LinkContext.current();
            long time = reporter.micros();
            reporter.log(context, level, message, Messages.facts(arguments), thrown, null, time);
            if (thrown != null) {
                ErrorReporters.report(new ErrorEvent(level, name, message, thrown, context, time));
            }
            forward.log(caller, level, message, thrown);
        } catch (Throwable e) {
            Warnings.once("log", "a log could not be reported", e);
        }
    }
}
