package io.linkloom.reporter.logback;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.EncoderBase;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.Warnings;

/**
 * Lets the appenders of Logback write report lines: business logs go where they go. Nodes and what {@code TraceLogger} reports go the way of the
 * {@link Reporter} still; point a log agent at both.
 */
public class LinkloomEncoder extends EncoderBase<ILoggingEvent> {
    private static final byte[] NOTHING = new byte[0];

    @Override
    public byte[] headerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        try {
            if (LogbackEvents.isReported(event)) {
                return NOTHING;
            }
            byte[] line = LogbackEvents.line(Reporter.get(), event);
            LogbackEvents.tellErrors(event);
            return line;
        } catch (Throwable e) {
            Warnings.once("logback", "an event could not be encoded", e);
            return NOTHING;
        }
    }

    @Override
    public byte[] footerBytes() {
        return NOTHING;
    }
}
