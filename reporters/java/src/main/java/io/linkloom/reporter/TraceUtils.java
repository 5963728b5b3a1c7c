package io.linkloom.reporter;

import io.linkloom.reporter.core.Warnings;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** Marks and nodes in a line each. Nothing here throws, but what a task given to it throws. */
public final class TraceUtils {
    private static final int OPEN_MAX = 10_000;
    /** Runs that {@link #reportNode} has started and not ended, by mark and name, oldest first. */
    private static final Map<List<Object>, Deque<NodeRun>> OPEN = new LinkedHashMap<>();
    private static int open;

    private TraceUtils() {}

    /**
     * From here on the thread works for this execution: its logs and nodes carry the mark, until the scope is closed.
     *
     * <pre>{@code try (LinkScope link = TraceUtils.passLinkMark(contentId, "realtime-input", taskId)) { … }}</pre>
     */
    public static LinkScope passLinkMark(String businessId, String sceneId, String executionId) {
        return passLinkMark(new LinkMark(businessId, sceneId, executionId));
    }

    /** As above, with a mark as text: {@code businessId_sceneId_executionId}. */
    public static LinkScope passLinkMark(String text) {
        LinkMark mark = LinkMark.parse(text);
        return passLinkMark(mark != null || text == null || text.isEmpty() ? mark : new LinkMark(text, null, null));
    }

    public static LinkScope passLinkMark(LinkMark mark) {
        return LinkContext.current().withMark(mark).enter();
    }

    /** The mark of this thread; null if there is none. */
    public static LinkMark linkMark() {
        return LinkContext.current().mark();
    }

    /** Begins a node: {@code try (NodeRun run = TraceUtils.node("contentStore").start(input)) { …; run.complete(output); }} */
    public static NodeStart node(String name) {
        return Reporter.get().node(name);
    }

    /** Runs a task as a node. */
    public static <T> T node(String name, Object input, Callable<T> task) throws Exception {
        return node(name).input(input).call(task);
    }

    /**
     * Reports a node by its status: {@code RUNNING} starts a run with the data as its input; {@code COMPLETED}, {@code FAILED} and {@code SKIPPED} end the oldest run
     * of that node and mark, on whatever thread, with the data as output (or the exception, if it is one). An end without a start is reported
     * all the same. The thread does not enter the node: {@link #node(String)} does.
     */
    public static void reportNode(String name, Object data, String status) {
        try {
            String known = status == null ? "" : status.toUpperCase(Locale.ROOT);
            if (!Arrays.asList("RUNNING", "COMPLETED", "FAILED", "SKIPPED").contains(known)) {
                Warnings.once("status:" + status, "a node has the status \"" + status + "\"; allowed are RUNNING, COMPLETED, FAILED, SKIPPED");
                Reporter.get().log("WARN", "node " + name + " reported with an unknown status: " + status, data, null);
                return;
            }
            List<Object> key = Arrays.asList(LinkContext.current().mark(), name);
            if (known.equals("RUNNING")) {
                remember(key, node(name).start(data).leave());
                return;
            }
            NodeRun run = recall(key);
            if (run == null) {
                NodeRun.alone(node(name), known, data);
            } else {
                run.finish(known, data);
            }
        } catch (Throwable e) {
            Warnings.once("reportNode", "a node could not be reported", e);
        }
    }

    public static void reportNode(String name, Object data, NodeStatus status) {
        reportNode(name, data, String.valueOf(status));
    }

    private static void remember(List<Object> key, NodeRun run) {
        synchronized (OPEN) {
            OPEN.computeIfAbsent(key, of -> new ArrayDeque<>()).addLast(run);
            if (++open > OPEN_MAX) {
                Iterator<Deque<NodeRun>> all = OPEN.values().iterator();
                open -= all.next().size();
                all.remove();
                Warnings.once("open", "more than " + OPEN_MAX + " nodes were started and not ended, the oldest are forgotten");
            }
        }
    }

    private static NodeRun recall(List<Object> key) {
        synchronized (OPEN) {
            Deque<NodeRun> runs = OPEN.get(key);
            if (runs == null) {
                return null;
            }
            open--;
            NodeRun run = runs.pollFirst();
            if (runs.isEmpty()) {
                OPEN.remove(key);
            }
            return run;
        }
    }
}
