package io.linkloom.reporter.core;

import io.linkloom.reporter.LinkContext;

/** What one report says, before it is a line. */
public final class Report {
    public LinkContext context = LinkContext.NONE;
    /** The status of a node report; null: it is a log. */
    public String status;
    /** Microseconds since the epoch. */
    public long time;
    public String nodeName;
    public String runId;
    public String outcome;
    public Long iteration;
    public String subExecutionId;
    public String parentNode;
    public String level;
    public String message;
    public Object input;
    public Object output;
    public Object data;
    public ExceptionInfo exception;
    public Object meta;
    /** Instead of the reporter's own; null: those. */
    public Masks masks;
}
