package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Nodes: by hand, by status, by annotation. */
class NodeTest {
    private final Captured captured = new Captured();

    @AfterEach
    void end() {
        captured.close();
    }

    interface Store {
        @TraceNode(nodeName = "store", mask = "password", skip = "connection")
        Map<String, Object> store(String user, String password, Object connection) throws IOException;

        CompletableFuture<String> later(CompletableFuture<String> of);

        @TraceNode(decision = true, input = false)
        boolean route(double risk);

        int plain(int x);
    }

    static final class StoreBehind implements Store {
        @Override
        public Map<String, Object> store(String user, String password, Object connection) throws IOException {
            if (user == null) {
                throw new IOException("no user");
            }
            return Map.of("password", password);
        }

        @Override
        @TraceNode(nodeName = "later", output = false)
        public CompletableFuture<String> later(CompletableFuture<String> of) {
            return of;
        }

        @Override
        public boolean route(double risk) {
            return risk > 0.5;
        }

        @Override
        public int plain(int x) {
            return x;
        }
    }

    private List<Object> statuses() {
        return captured.nodes().stream().map(node -> node.get("nodeName") + " " + node.get("status")).collect(Collectors.toList());
    }

    @Test
    void aProxyMakesNodesOfAnnotatedMethods() throws Exception {
        Store store = TraceProxy.of(Store.class, new StoreBehind());
        store.store("u", "p", new Object());
        assertThrows(IOException.class, () -> store.store(null, "p", null));
        assertFalse(store.route(0.1));
        assertEquals(7, store.plain(7));
        CompletableFuture<String> later = new CompletableFuture<>();
        assertEquals(later, store.later(later));
        assertNull(LinkContext.current().node(), "the node is left while its work goes on elsewhere");
        CompletableFuture<String> failing = new CompletableFuture<>();
        store.later(failing.thenApply(x -> x));
        later.complete("done");
        failing.completeExceptionally(new IOException("late"));
        List<Map<String, Object>> nodes = captured.nodes();
        assertEquals(List.of("store RUNNING", "store COMPLETED", "store RUNNING", "store FAILED", "route RUNNING", "route COMPLETED",
                "later RUNNING", "later RUNNING", "later COMPLETED", "later FAILED"), statuses());
        assertEquals(Map.of("user", "u", "password", "***"), nodes.get(0).get("input"));
        assertEquals(Map.of("password", "***"), nodes.get(1).get("output"));
        assertEquals("no user", ((Map<?, ?>) nodes.get(3).get("exception")).get("message"));
        assertEquals("false", nodes.get(5).get("case"));
        assertFalse(nodes.get(4).containsKey("input"));
        assertFalse(nodes.get(8).containsKey("output"));
        assertEquals("java.io.IOException", ((Map<?, ?>) nodes.get(9).get("exception")).get("type"));
        assertEquals(nodes.get(6).get("runId"), nodes.get(8).get("runId"));
    }

    @Test
    void byHand() throws Exception {
        try (NodeRun run = TraceUtils.node("outer").iteration(2).meta(Map.of("k", 1)).start("in")) {
            assertEquals("out", TraceUtils.node("inner", null, () -> "out"));
            assertThrows(IllegalStateException.class, () -> TraceUtils.node("inner").run(() -> {
                throw new IllegalStateException("i");
            }));
            run.outcome("yes").complete(List.of(1));
        }
        try (NodeRun run = TraceUtils.node("left").start()) {
            assertEquals("left", LinkContext.current().node());
        }
        assertEquals(List.of("outer RUNNING", "inner RUNNING", "inner COMPLETED", "inner RUNNING", "inner FAILED", "outer COMPLETED",
                "left RUNNING", "left FAILED"), statuses());
        assertEquals("outer", captured.nodes().get(4).get("parentNode"));
        assertEquals("yes", captured.nodes().get(5).get("case"));
        assertEquals(LinkContext.NONE, LinkContext.current());
    }

    @Test
    void byStatus() throws Exception {
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            TraceUtils.reportNode("n", Map.of("i", 0), "RUNNING");
            TraceUtils.reportNode("n", Map.of("i", 1), NodeStatus.RUNNING);
            Thread other = new Thread(LinkContext.wrap(() -> TraceUtils.reportNode("n", "first", "completed")));
            other.start();
            other.join();
            TraceUtils.reportNode("n", new IOException("second"), "FAILED");
            TraceUtils.reportNode("m", "no start", "SKIPPED");
            TraceUtils.reportNode("m", "?", "LOST");
        }
        List<Map<String, Object>> nodes = captured.nodes();
        assertEquals(List.of("n RUNNING", "n RUNNING", "n COMPLETED", "n FAILED", "m SKIPPED"), statuses());
        assertEquals(nodes.get(0).get("runId"), nodes.get(2).get("runId"));
        assertEquals(nodes.get(1).get("runId"), nodes.get(3).get("runId"));
        assertEquals("first", nodes.get(2).get("output"));
        assertEquals("second", ((Map<?, ?>) nodes.get(3).get("exception")).get("message"));
        assertEquals("WARN", captured.last().get("level"), "what is no status is a log");
    }
}
