package io.linkloom.reporter.logback;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.Warnings;

/**
 * Business logs through ordinary loggers of Logback: each event is a report of the process's {@link Reporter}.
 *
 * <pre>{@code <appender name="LINKLOOM" class="io.linkloom.reporter.logback.LinkloomAppender"/>}</pre>
 */
public class LinkloomAppender extends UnsynchronizedAppenderBase<ILoggingEvent> {
    @Override
    protected void append(ILoggingEvent event) {
        try {
            if (LogbackEvents.isReported(event)) {
                return;
            }
            Reporter.get().log(LogbackEvents.context(event), event.getLevel().toString(), event.getFormattedMessage(), LogbackEvents.data(event),
                    LogbackEvents.exception(event), null, LogbackEvents.micros(event));
            LogbackEvents.tellErrors(event);
        } catch (Throwable e) {
            Warnings.once("logback", "an event could not be reported", e);
        }
    }
}
