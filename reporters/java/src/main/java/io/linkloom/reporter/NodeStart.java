package io.linkloom.reporter;

import io.linkloom.reporter.core.Masks;
import io.linkloom.reporter.core.MdcBridge;
import io.linkloom.reporter.core.Report;
import io.linkloom.reporter.core.Warnings;
import java.util.concurrent.Callable;

/** What is known of a node before it is started. */
public final class NodeStart {
    final Reporter reporter;
    final String name;
    Object input;
    Object meta;
    Long iteration;
    String subExecutionId;
    Masks masks;

    NodeStart(Reporter reporter, String name) {
        this.reporter = reporter;
        this.name = name == null ? "" : name;
    }

    /** What goes in: maps, collections, arrays, strings, numbers; other objects as their text. */
    public NodeStart input(Object input) {
        this.input = input;
        return this;
    }

    /** Facts about the execution. */
    public NodeStart meta(Object meta) {
        this.meta = meta;
        return this;
    }

    /** The round of a loop, from 0. */
    public NodeStart iteration(long iteration) {
        this.iteration = iteration;
        return this;
    }

    /** The execution behind this node. */
    public NodeStart subExecutionId(String id) {
        this.subExecutionId = id;
        return this;
    }

    /** Keys whose values are masked in the reports of this node, beside the rules of the reporter. */
    public NodeStart mask(String... keys) {
        this.masks = (masks == null ? reporter.composer().masks() : masks).withKeys(keys);
        return this;
    }

    NodeStart masks(Masks masks) {
        this.masks = masks;
        return this;
    }

    /** Reports the start and enters the node. */
    public NodeRun start() {
        return start(reporter.micros());
    }

    /** Reports the start with an input and enters the node. */
    public NodeRun start(Object input) {
        this.input = input;
        return start();
    }

    NodeRun start(long micros) {
        return new NodeRun(this, micros);
    }

    /** Reports that the node was skipped. */
    public void skip(Object reason) {
        skip(reason, reporter.micros());
    }

    void skip(Object reason, long micros) {
        Report report = report("SKIPPED", micros);
        report.output = reason;
        reporter.report(report);
    }

    /** Runs a task as this node: what it returns is the output, what it throws the failure, thrown on. */
    public <T> T call(Callable<T> task) throws Exception {
        NodeRun run = start();
        T result;
        try {
            result = task.call();
        } catch (Throwable e) {
            run.fail(e);
            throw e;
        }
        run.complete(result);
        return result;
    }

    /** Runs a task as this node. */
    public void run(Runnable task) {
        NodeRun run = start();
        try {
            task.run();
        } catch (Throwable e) {
            run.fail(e);
            throw e;
        }
        run.complete();
    }

    Report report(String status, long micros) {
        Report report = new Report();
        try {
            report.context = MdcBridge.fill(LinkContext.current());
        } catch (Throwable e) {
            Warnings.once("mdc", "the MDC could not be read", e);
            report.context = LinkContext.current();
        }
        report.status = status;
        report.time = micros;
        report.nodeName = name;
        report.runId = reporter.composer().nextRun();
        report.parentNode = report.context.node() != null ? report.context.node() : report.context.parentNode();
        report.iteration = iteration;
        report.subExecutionId = subExecutionId;
        report.meta = meta;
        report.masks = masks;
        return report;
    }
}
