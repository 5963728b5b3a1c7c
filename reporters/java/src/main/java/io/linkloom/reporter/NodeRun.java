package io.linkloom.reporter;

import io.linkloom.reporter.core.ExceptionInfo;
import io.linkloom.reporter.core.Report;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A run of a node that has started. It is the node of this thread until it ends or is {@linkplain #leave left}; its end may be reported
 * by any thread, once. Closed without an end it has failed, so that an exception on the way out of a try block is not taken for success.
 */
public final class NodeRun implements AutoCloseable {
    private final NodeStart node;
    private final Report started;
    private final LinkScope scope;
    private final Thread thread = Thread.currentThread();
    private final AtomicBoolean ended = new AtomicBoolean();
    private String outcome;
    private String subExecutionId;
    private Object meta;

    NodeRun(NodeStart node, long micros) {
        this.node = node;
        started = node.report("RUNNING", micros);
        started.input = node.input;
        node.reporter.report(started);
        started.input = null;
        scope = started.context.withNode(node.name).enter();
    }

    /** The context within the node, for work on other threads that belongs to it. */
    public LinkContext context() {
        return scope.context();
    }

    /** The outcome of a decision; goes with the end. */
    public NodeRun outcome(String outcome) {
        this.outcome = outcome;
        return this;
    }

    /** The execution behind this node, if it was not known at the start. */
    public NodeRun subExecutionId(String id) {
        this.subExecutionId = id;
        return this;
    }

    /** Facts about the execution, for the end. */
    public NodeRun meta(Object meta) {
        this.meta = meta;
        return this;
    }

    public void complete() {
        complete(null);
    }

    /** Reports that the node has done its work. */
    public void complete(Object output) {
        end("COMPLETED", output, null, node.reporter.micros());
    }

    /** Reports that the node has failed; the exception may be null. */
    public void fail(Throwable thrown) {
        fail(thrown, null);
    }

    public void fail(Throwable thrown, Object output) {
        end("FAILED", output, ExceptionInfo.of(thrown), node.reporter.micros());
    }

    /** Reports that the node turned out to have nothing to do. */
    public void skip(Object reason) {
        end("SKIPPED", reason, null, node.reporter.micros());
    }

    /** Leaves the node on this thread, without an end: that is reported later, by whatever thread. */
    public NodeRun leave() {
        if (Thread.currentThread() == thread) {
            scope.close();
        }
        return this;
    }

    @Override
    public void close() {
        if (!ended.get()) {
            fail(null);
        }
    }

    /** Ends by a status; the data of a failure may be the exception. */
    void finish(String status, Object data) {
        if (data instanceof Throwable && status.equals("FAILED")) {
            fail((Throwable) data);
        } else {
            end(status, data, null, node.reporter.micros());
        }
    }

    /** Reports an end whose start nobody reported. */
    static void alone(NodeStart node, String status, Object data) {
        Report report = node.report(status, node.reporter.micros());
        if (data instanceof Throwable && status.equals("FAILED")) {
            report.exception = ExceptionInfo.of((Throwable) data);
        } else {
            report.output = data;
        }
        node.reporter.report(report);
    }

    void end(String status, Object output, ExceptionInfo exception, long micros) {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        leave();
        Report report = new Report();
        report.context = started.context;
        report.status = status;
        report.time = micros;
        report.nodeName = node.name;
        report.runId = started.runId;
        report.parentNode = started.parentNode;
        report.iteration = node.iteration;
        report.subExecutionId = subExecutionId != null ? subExecutionId : node.subExecutionId;
        report.outcome = outcome;
        report.output = output;
        report.exception = exception;
        report.meta = meta;
        report.masks = node.masks;
        node.reporter.report(report);
    }
}
