package io.linkloom.reporter.log4j2;

import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.ExceptionInfo;
import io.linkloom.reporter.core.MdcBridge;
import io.linkloom.reporter.core.Messages;
import io.linkloom.reporter.errors.ErrorEvent;
import io.linkloom.reporter.errors.ErrorReporters;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.logging.log4j.Marker;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.time.Instant;
import org.apache.logging.log4j.message.MapMessage;
import org.apache.logging.log4j.message.Message;
import org.apache.logging.log4j.message.ObjectMessage;

/** Reads events of Log4j 2. */
final class Log4jEvents {
    private static final String REPORTED = "LINKLOOM_REPORTED";

    private Log4jEvents() {}

    static boolean isReported(LogEvent event) {
        Marker marker = event.getMarker();
        return marker != null && marker.isInstanceOf(REPORTED);
    }

    static LinkContext context(LogEvent event) {
        return Thread.currentThread().getId() == event.getThreadId()
                ? LinkContext.current()
                : MdcBridge.read(event.getContextData().toMap());
    }

    static long micros(LogEvent event) {
        Instant at = event.getInstant();
        return at.getEpochMillisecond() * 1000 + at.getNanoOfMillisecond() / 1000;
    }

    static Object data(LogEvent event) {
        Message message = event.getMessage();
        if (message instanceof MapMessage) {
            return new LinkedHashMap<String, Object>(((MapMessage<?, ?>) message).getData());
        }
        if (message instanceof ObjectMessage) {
            Object given = ((ObjectMessage) message).getParameter();
            return given instanceof CharSequence ? null : given;
        }
        Map<String, Object> facts = Messages.facts(message.getParameters());
        return facts;
    }

    private static String level(LogEvent event) {
        return event.getLevel().name();
    }

    static byte[] line(Reporter reporter, LogEvent event) {
        return reporter.logLine(context(event), level(event), event.getMessage().getFormattedMessage(), data(event),
                ExceptionInfo.of(event.getThrown()), null, micros(event));
    }

    static void report(Reporter reporter, LogEvent event) {
        reporter.log(context(event), level(event), event.getMessage().getFormattedMessage(), data(event), event.getThrown(), null, micros(event));
    }

    static void tellErrors(LogEvent event) {
        if (event.getThrown() != null) {
            ErrorReporters.report(new ErrorEvent(level(event), event.getLoggerName(), event.getMessage().getFormattedMessage(), event.getThrown(),
                    context(event), micros(event)));
        }
    }
}
