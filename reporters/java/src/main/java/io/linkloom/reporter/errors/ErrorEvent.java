package io.linkloom.reporter.errors;

import io.linkloom.reporter.LinkContext;

/** An exception that was logged. */
public final class ErrorEvent {
    private final String level;
    private final String logger;
    private final String message;
    private final Throwable thrown;
    private final LinkContext context;
    private final long timeMicros;

    public ErrorEvent(String level, String logger, String message, Throwable thrown, LinkContext context, long timeMicros) {
        this.level = level;
        this.logger = logger;
        this.message = message;
        this.thrown = thrown;
        this.context = context;
        this.timeMicros = timeMicros;
    }

    public String level() {
        return level;
    }

    /** The name of the logger; null if there is none. */
    public String logger() {
        return logger;
    }

    /** The message of the log. */
    public String message() {
        return message;
    }

    public Throwable thrown() {
        return thrown;
    }

    /** Mark, node and trace of the log. */
    public LinkContext context() {
        return context;
    }

    /** Microseconds since the epoch. */
    public long timeMicros() {
        return timeMicros;
    }
}
