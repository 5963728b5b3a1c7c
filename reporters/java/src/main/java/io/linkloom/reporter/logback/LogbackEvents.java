package io.linkloom.reporter.logback;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.ExceptionInfo;
import io.linkloom.reporter.core.MdcBridge;
import io.linkloom.reporter.core.Messages;
import io.linkloom.reporter.errors.ErrorEvent;
import io.linkloom.reporter.errors.ErrorReporters;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;

/** Reads events of Logback. */
final class LogbackEvents {
    private static final String REPORTED = "LINKLOOM_REPORTED";

    private LogbackEvents() {}

    /** Whether a logger of this toolkit has reported the event already. */
    static boolean isReported(ILoggingEvent event) {
        List<Marker> markers = event.getMarkerList();
        if (markers != null) {
            for (Marker marker : markers) {
                if (REPORTED.equals(marker.getName())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The context of the thread that logged: this one's, or what the event carries of it. */
    static LinkContext context(ILoggingEvent event) {
        return Thread.currentThread().getName().equals(event.getThreadName())
                ? LinkContext.current()
                : MdcBridge.read(event.getMDCPropertyMap());
    }

    static long micros(ILoggingEvent event) {
        Instant at = event.getInstant();
        return at == null ? event.getTimeStamp() * 1000 : at.getEpochSecond() * 1_000_000L + at.getNano() / 1000;
    }

    static Object data(ILoggingEvent event) {
        Map<String, Object> data = Messages.facts(event.getArgumentArray());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null && !pairs.isEmpty()) {
            data = data == null ? new LinkedHashMap<>() : data;
            for (KeyValuePair pair : pairs) {
                data.put(pair.key, pair.value);
            }
        }
        return data;
    }

    static Throwable thrown(ILoggingEvent event) {
        IThrowableProxy proxy = event.getThrowableProxy();
        return proxy instanceof ThrowableProxy ? ((ThrowableProxy) proxy).getThrowable() : null;
    }

    static ExceptionInfo exception(ILoggingEvent event) {
        IThrowableProxy proxy = event.getThrowableProxy();
        if (proxy == null) {
            return null;
        }
        Throwable thrown = thrown(event);
        return thrown != null
                ? ExceptionInfo.of(thrown)
                : new ExceptionInfo(proxy.getClassName(), proxy.getMessage(), ThrowableProxyUtil.asString(proxy).trim(), List.of());
    }

    static byte[] line(Reporter reporter, ILoggingEvent event) {
        return reporter.logLine(context(event), event.getLevel().toString(), event.getFormattedMessage(), data(event), exception(event), null,
                micros(event));
    }

    static void tellErrors(ILoggingEvent event) {
        Throwable thrown = thrown(event);
        if (thrown != null) {
            ErrorReporters.report(new ErrorEvent(event.getLevel().toString(), event.getLoggerName(), event.getFormattedMessage(), thrown,
                    context(event), micros(event)));
        }
    }
}
