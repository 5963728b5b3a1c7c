package io.linkloom.examples.review;

import io.linkloom.reporter.LinkContext;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Trace ids, for want of a tracer. The toolkit reads {@code traceparent} and never writes it, because that is the tracer's; a platform that runs
 * OpenTelemetry needs none of this.
 */
final class Traces {
    private Traces() {}

    /** The context with the trace it came with, or a new one; the work on it is a new span. */
    static LinkContext within(LinkContext arrived) {
        String trace = arrived.traceId() != null ? arrived.traceId() : random() + random();
        return arrived.withTrace(trace, random());
    }

    /** The header for a call made now; null outside of a trace. */
    static String header() {
        LinkContext context = LinkContext.current();
        return context.traceId() == null || context.spanId() == null ? null : "00-" + context.traceId() + "-" + context.spanId() + "-01";
    }

    /** Sixteen hex digits, not all 0. */
    private static String random() {
        return String.format("%016x", ThreadLocalRandom.current().nextLong() | 1);
    }
}
