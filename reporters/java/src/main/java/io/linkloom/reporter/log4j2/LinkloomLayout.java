package io.linkloom.reporter.log4j2;

import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.Warnings;
import java.nio.charset.StandardCharsets;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.config.Node;
import org.apache.logging.log4j.core.config.plugins.Plugin;
import org.apache.logging.log4j.core.config.plugins.PluginFactory;
import org.apache.logging.log4j.core.layout.AbstractStringLayout;

/**
 * Lets the appenders of Log4j 2 write report lines: {@code <LinkloomLayout/>}. Nodes and what {@code TraceLogger} reports go the way of the {@link Reporter} still.
 */
@Plugin(name = "LinkloomLayout", category = Node.CATEGORY, elementType = "layout", printObject = true)
public final class LinkloomLayout extends AbstractStringLayout {
    private static final byte[] NOTHING = new byte[0];

    private LinkloomLayout() {
        super(StandardCharsets.UTF_8);
    }

    @PluginFactory
    public static LinkloomLayout create() {
        return new LinkloomLayout();
    }

    @Override
    public String getContentType() {
        return "application/x-ndjson";
    }

    @Override
    public byte[] toByteArray(LogEvent event) {
        try {
            if (Log4jEvents.isReported(event)) {
                return NOTHING;
            }
            byte[] line = Log4jEvents.line(Reporter.get(), event);
            Log4jEvents.tellErrors(event);
            return line;
        } catch (Throwable e) {
            Warnings.once("log4j2", "an event could not be laid out", e);
            return NOTHING;
        }
    }

    @Override
    public String toSerializable(LogEvent event) {
        return new String(toByteArray(event), StandardCharsets.UTF_8);
    }

    @Override
    public void encode(LogEvent event, org.apache.logging.log4j.core.layout.ByteBufferDestination destination) {
        byte[] line = toByteArray(event);
        destination.writeBytes(line, 0, line.length);
    }
}
