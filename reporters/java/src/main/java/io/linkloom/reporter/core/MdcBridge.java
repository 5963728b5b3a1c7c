package io.linkloom.reporter.core;

import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.LinkMark;
import java.util.Map;
import java.util.Objects;

/**
 * The context in the MDC: for patterns of ordinary appenders ({@code %X{linkMark}}), and for appenders that work on another thread.
 *
 * <p>Keys: {@code linkMark} (the text form, if the mark has one), {@code linkloom.businessId}, {@code linkloom.sceneId},
 * {@code linkloom.executionId}, {@code linkloom.node}, {@code linkloom.parentNode}, {@code linkloom.traceId}, {@code linkloom.spanId}. A tracer's {@code traceId} or
 * {@code trace_id} and {@code spanId} or {@code span_id} are read, never written.
 */
public final class MdcBridge {
    public static final String LINK_MARK = "linkMark";
    public static final String BUSINESS_ID = "linkloom.businessId";
    public static final String SCENE_ID = "linkloom.sceneId";
    public static final String EXECUTION_ID = "linkloom.executionId";
    public static final String NODE = "linkloom.node";
    public static final String PARENT_NODE = "linkloom.parentNode";
    public static final String TRACE_ID = "linkloom.traceId";
    public static final String SPAN_ID = "linkloom.spanId";

    /** Who keeps an MDC. */
    interface Mdc {
        void put(String key, String value);

        void remove(String key);

        String get(String key);
    }

    private static final Mdc MDC = find();

    private MdcBridge() {}

    private static Mdc find() {
        try {
            return new Slf4jMdc();
        } catch (Throwable absent) {
            try {
                return new Log4jMdc();
            } catch (Throwable absentToo) {
                return null;
            }
        }
    }

    private static final class Slf4jMdc implements Mdc {
        Slf4jMdc() {
            org.slf4j.MDC.get(LINK_MARK);
        }

        @Override
        public void put(String key, String value) {
            org.slf4j.MDC.put(key, value);
        }

        @Override
        public void remove(String key) {
            org.slf4j.MDC.remove(key);
        }

        @Override
        public String get(String key) {
            return org.slf4j.MDC.get(key);
        }
    }

    private static final class Log4jMdc implements Mdc {
        Log4jMdc() {
            org.apache.logging.log4j.ThreadContext.get(LINK_MARK);
        }

        @Override
        public void put(String key, String value) {
            org.apache.logging.log4j.ThreadContext.put(key, value);
        }

        @Override
        public void remove(String key) {
            org.apache.logging.log4j.ThreadContext.remove(key);
        }

        @Override
        public String get(String key) {
            return org.apache.logging.log4j.ThreadContext.get(key);
        }
    }

    /** Writes what differs between two contexts. */
    public static void change(LinkContext before, LinkContext now) {
        if (MDC == null || before == now) {
            return;
        }
        LinkMark from = before.mark();
        LinkMark to = now.mark();
        if (!Objects.equals(from, to)) {
            put(LINK_MARK, to == null ? null : to.text());
            put(BUSINESS_ID, to == null ? null : to.businessId());
            put(SCENE_ID, to == null ? null : to.sceneId());
            put(EXECUTION_ID, to == null ? null : to.executionId());
        }
        changed(NODE, before.node(), now.node());
        changed(PARENT_NODE, before.parentNode(), now.parentNode());
        changed(TRACE_ID, before.traceId(), now.traceId());
        changed(SPAN_ID, before.spanId(), now.spanId());
    }

    private static void changed(String key, String before, String now) {
        if (!Objects.equals(before, now)) {
            put(key, now);
        }
    }

    private static void put(String key, String value) {
        if (value == null) {
            MDC.remove(key);
        } else {
            MDC.put(key, value);
        }
    }

    /** The context with what the MDC of this thread knows and it does not. */
    public static LinkContext fill(LinkContext context) {
        if (MDC == null || context.mark() != null && context.traceId() != null) {
            return context;
        }
        LinkContext filled = context;
        if (filled.mark() == null) {
            LinkMark mark = mark(MDC.get(BUSINESS_ID), MDC.get(SCENE_ID), MDC.get(EXECUTION_ID), MDC.get(LINK_MARK));
            if (mark != null) {
                filled = filled.withMark(mark);
                String node = MDC.get(NODE);
                if (node != null) {
                    filled = filled.withNode(node);
                }
            }
        }
        if (filled.traceId() == null) {
            String trace = either(MDC.get("traceId"), MDC.get("trace_id"));
            if (trace != null) {
                filled = filled.withTrace(trace, either(MDC.get("spanId"), MDC.get("span_id")));
            }
        }
        return filled;
    }

    /** The context as an event carries it to another thread. */
    public static LinkContext read(Map<String, String> mdc) {
        if (mdc == null || mdc.isEmpty()) {
            return LinkContext.NONE;
        }
        LinkContext context = LinkContext.NONE;
        LinkMark mark = mark(mdc.get(BUSINESS_ID), mdc.get(SCENE_ID), mdc.get(EXECUTION_ID), mdc.get(LINK_MARK));
        if (mark != null) {
            context = context.withMark(mark);
        }
        String node = mdc.get(NODE);
        if (node != null) {
            context = context.withNode(node);
        }
        String trace = either(mdc.get(TRACE_ID), either(mdc.get("traceId"), mdc.get("trace_id")));
        if (trace != null) {
            context = context.withTrace(trace, either(mdc.get(SPAN_ID), either(mdc.get("spanId"), mdc.get("span_id"))));
        }
        return context;
    }

    private static LinkMark mark(String business, String scene, String execution, String text) {
        if (business != null || scene != null || execution != null) {
            return new LinkMark(business, scene, execution);
        }
        if (text == null || text.isEmpty()) {
            return null;
        }
        LinkMark mark = LinkMark.parse(text);
        return mark != null ? mark : new LinkMark(text, null, null);
    }

    private static String either(String first, String second) {
        return first != null && !first.isEmpty() ? first : second != null && !second.isEmpty() ? second : null;
    }
}
