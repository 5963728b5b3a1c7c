package io.linkloom.reporter.log4j2;

import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.core.Warnings;
import org.apache.logging.log4j.core.Core;
import org.apache.logging.log4j.core.Filter;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.apache.logging.log4j.core.config.plugins.Plugin;
import org.apache.logging.log4j.core.config.plugins.PluginAttribute;
import org.apache.logging.log4j.core.config.plugins.PluginElement;
import org.apache.logging.log4j.core.config.plugins.PluginFactory;

/** Business logs through ordinary loggers of Log4j 2: {@code <Linkloom name="linkloom"/>}. Each event is a report of the process's {@link Reporter}. */
@Plugin(name = "Linkloom", category = Core.CATEGORY_NAME, elementType = "appender", printObject = true)
public final class LinkloomAppender extends AbstractAppender {
    private LinkloomAppender(String name, Filter filter) {
        super(name, filter, null, true, Property.EMPTY_ARRAY);
    }

    @PluginFactory
    public static LinkloomAppender create(
            @PluginAttribute(value = "name", defaultString = "linkloom") String name, @PluginElement("Filter") Filter filter) {
        return new LinkloomAppender(name, filter);
    }

    @Override
    public void append(LogEvent event) {
        try {
            if (!Log4jEvents.isReported(event)) {
                Log4jEvents.report(Reporter.get(), event);
                Log4jEvents.tellErrors(event);
            }
        } catch (Throwable e) {
            Warnings.once("log4j2", "an event could not be reported", e);
        }
    }
}
