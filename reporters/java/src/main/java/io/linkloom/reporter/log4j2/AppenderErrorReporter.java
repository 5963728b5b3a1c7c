package io.linkloom.reporter.log4j2;

import io.linkloom.reporter.errors.ErrorEvent;
import io.linkloom.reporter.errors.ErrorReporter;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.message.SimpleMessage;

/**
 * Gives each logged exception to a Log4j 2 appender, such as the {@code ErrorAppender} an error platform comes with:
 * {@code ErrorReporters.add(new AppenderErrorReporter(errorAppender))}. That appender is not to be attached to loggers as well.
 */
public final class AppenderErrorReporter implements ErrorReporter {
    private final Appender appender;

    public AppenderErrorReporter(Appender appender) {
        this.appender = appender;
    }

    @Override
    public void report(ErrorEvent event) {
        Level level = Level.toLevel(event.level(), Level.ERROR);
        appender.append(Log4jLogEvent.newBuilder()
                .setLoggerName(event.logger() == null ? "" : event.logger())
                .setLoggerFqcn(AppenderErrorReporter.class.getName())
                .setLevel(level)
                .setMessage(new SimpleMessage(event.message()))
                .setThrown(event.thrown())
                .setThreadName(Thread.currentThread().getName())
                .setTimeMillis(event.timeMicros() / 1000)
                .build());
    }
}
