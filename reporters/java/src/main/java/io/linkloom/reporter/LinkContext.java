package io.linkloom.reporter;

import io.linkloom.reporter.core.MdcBridge;
import io.linkloom.reporter.core.Warnings;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Where a thread is: the mark of the execution, the node, and what a tracer or another process said. Immutable; the current one belongs to
 * the thread and is carried to others by {@link #wrap(Runnable) wrap}. It is put into the MDC as well (see {@link MdcBridge}).
 */
public final class LinkContext {
    /** The context of a thread that was told nothing. */
    public static final LinkContext NONE = new LinkContext(null, null, null, null, null);

    private static final ThreadLocal<LinkContext> CURRENT = new ThreadLocal<>();

    private final LinkMark mark;
    private final String node;
    private final String parentNode;
    private final String traceId;
    private final String spanId;

    private LinkContext(LinkMark mark, String node, String parentNode, String traceId, String spanId) {
        this.mark = mark;
        this.node = node;
        this.parentNode = parentNode;
        this.traceId = traceId;
        this.spanId = spanId;
    }

    /** The context of this thread, never null. */
    public static LinkContext current() {
        LinkContext current = CURRENT.get();
        return current == null ? NONE : current;
    }

    /** Another mark; the node is kept only if the mark is the same, it is one of another execution otherwise. */
    public LinkContext withMark(LinkMark mark) {
        LinkMark given = mark == null || mark.isNothing() ? null : mark;
        if (Objects.equals(given, this.mark)) {
            return this;
        }
        return new LinkContext(given, null, null, traceId, spanId);
    }

    public LinkContext withNode(String node) {
        return new LinkContext(mark, node, parentNode, traceId, spanId);
    }

    /** The node another process said it was in. */
    public LinkContext withParentNode(String parentNode) {
        return new LinkContext(mark, node, parentNode, traceId, spanId);
    }

    public LinkContext withTrace(String traceId, String spanId) {
        return new LinkContext(mark, node, parentNode, empty(traceId), empty(spanId));
    }

    private static String empty(String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** The mark; null if there is none. It may be {@linkplain LinkMark#isValid() invalid}. */
    public LinkMark mark() {
        return mark;
    }

    /** The innermost node entered; null if there is none. */
    public String node() {
        return node;
    }

    public String parentNode() {
        return parentNode;
    }

    public String traceId() {
        return traceId;
    }

    public String spanId() {
        return spanId;
    }

    /** Makes this the context of the thread until the scope is closed, by the same thread. */
    public LinkScope enter() {
        LinkContext before = CURRENT.get();
        set(before, this);
        return new LinkScope(before, this);
    }

    static void restore(LinkContext before) {
        set(CURRENT.get(), before);
    }

    private static void set(LinkContext before, LinkContext now) {
        if (now == null || now == NONE) {
            CURRENT.remove();
        } else {
            CURRENT.set(now);
        }
        try {
            MdcBridge.change(before == null ? NONE : before, now == null ? NONE : now);
        } catch (Throwable e) {
            Warnings.once("mdc", "the MDC could not be written", e);
        }
    }

    /** Runs within this context. */
    public void run(Runnable task) {
        try (LinkScope scope = enter()) {
            task.run();
        }
    }

    /** Calls within this context. */
    public <T> T call(Callable<T> task) throws Exception {
        try (LinkScope scope = enter()) {
            return task.call();
        }
    }

    // What is wrapped runs within the context of the thread that wrapped it.

    public static Runnable wrap(Runnable task) {
        LinkContext context = current();
        return () -> context.run(task);
    }

    public static <T> Callable<T> wrap(Callable<T> task) {
        LinkContext context = current();
        return () -> context.call(task);
    }

    public static <T> Supplier<T> wrapSupplier(Supplier<T> task) {
        LinkContext context = current();
        return () -> {
            try (LinkScope scope = context.enter()) {
                return task.get();
            }
        };
    }

    public static <A, T> Function<A, T> wrapFunction(Function<A, T> task) {
        LinkContext context = current();
        return argument -> {
            try (LinkScope scope = context.enter()) {
                return task.apply(argument);
            }
        };
    }

    public static <A, B, T> BiFunction<A, B, T> wrapBiFunction(BiFunction<A, B, T> task) {
        LinkContext context = current();
        return (a, b) -> {
            try (LinkScope scope = context.enter()) {
                return task.apply(a, b);
            }
        };
    }

    public static <A> Consumer<A> wrapConsumer(Consumer<A> task) {
        LinkContext context = current();
        return argument -> {
            try (LinkScope scope = context.enter()) {
                task.accept(argument);
            }
        };
    }

    // What a wrapped executor is given runs within the context of the thread that gave it; so do the stages of a CompletableFuture on it.

    public static Executor wrap(Executor executor) {
        return task -> executor.execute(wrap(task));
    }

    public static ExecutorService wrap(ExecutorService executor) {
        return new LinkExecutor(executor);
    }

    public static ScheduledExecutorService wrap(ScheduledExecutorService executor) {
        return new LinkExecutor.Scheduled(executor);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof LinkContext)) {
            return false;
        }
        LinkContext that = (LinkContext) other;
        return Objects.equals(mark, that.mark)
                && Objects.equals(node, that.node)
                && Objects.equals(parentNode, that.parentNode)
                && Objects.equals(traceId, that.traceId)
                && Objects.equals(spanId, that.spanId);
    }

    @Override
    public int hashCode() {
        return Objects.hash(mark, node, parentNode, traceId, spanId);
    }

    @Override
    public String toString() {
        return "LinkContext[mark=" + mark + ", node=" + node + ", parentNode=" + parentNode + ", traceId=" + traceId + "]";
    }
}
