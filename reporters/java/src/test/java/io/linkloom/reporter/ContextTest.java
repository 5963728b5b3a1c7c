package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.linkloom.reporter.core.Warnings;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** The context goes where the work goes, and nowhere else. */
class ContextTest {
    private static final LinkMark MARK = new LinkMark("b", "s", "e");
    private final Captured captured = new Captured();
    private final ExecutorService pool = Executors.newFixedThreadPool(4);
    private final ScheduledExecutorService scheduled = Executors.newScheduledThreadPool(1);

    @AfterEach
    void end() {
        pool.shutdownNow();
        scheduled.shutdownNow();
        captured.close();
        assertSame(LinkContext.NONE, LinkContext.current(), "nothing is left on the thread");
    }

    private static LinkMark seen() {
        return LinkContext.current().mark();
    }

    @Test
    void executors() throws Exception {
        ExecutorService wrapped = LinkContext.wrap(pool);
        ScheduledExecutorService later = LinkContext.wrap(scheduled);
        List<Future<LinkMark>> all = new ArrayList<>();
        CompletableFuture<LinkMark> executed = new CompletableFuture<>();
        CompletableFuture<String> mdc = new CompletableFuture<>();
        try (LinkScope link = TraceUtils.passLinkMark(MARK)) {
            all.add(wrapped.submit(ContextTest::seen));
            all.addAll(wrapped.invokeAll(List.of(ContextTest::seen, ContextTest::seen)));
            all.add(later.schedule(ContextTest::seen, 1, TimeUnit.MILLISECONDS));
            all.add(pool.submit(LinkContext.wrap((Callable<LinkMark>) ContextTest::seen)));
            assertEquals(MARK, wrapped.invokeAny(List.of(ContextTest::seen)));
            wrapped.execute(() -> executed.complete(seen()));
            wrapped.submit(() -> mdc.complete(MDC.get("linkMark")));
        }
        for (Future<LinkMark> each : all) {
            assertEquals(MARK, each.get());
        }
        assertEquals(MARK, executed.get());
        assertEquals("b_s_e", mdc.get());
        for (int i = 0; i < 20; i++) {
            assertNull(pool.submit(ContextTest::seen).get(), "the threads of the pool forget");
            assertNull(pool.submit(() -> MDC.get("linkMark")).get());
        }
    }

    @Test
    void completableFutures() throws Exception {
        Executor executor = LinkContext.wrap((Executor) ForkJoinPool.commonPool());
        CompletableFuture<LinkMark> future;
        CompletableFuture<LinkMark> functions;
        try (LinkScope link = TraceUtils.passLinkMark(MARK)) {
            future = CompletableFuture.supplyAsync(() -> 1, executor).thenApplyAsync(x -> seen(), executor);
            functions = CompletableFuture.supplyAsync(LinkContext.wrapSupplier(ContextTest::seen))
                    .thenCombine(CompletableFuture.completedFuture(1), LinkContext.wrapBiFunction((a, b) -> a))
                    .thenApplyAsync(LinkContext.wrapFunction(x -> seen()));
        }
        assertEquals(MARK, future.get());
        assertEquals(MARK, functions.get());
    }

    @Test
    void parallelStreams() {
        Set<LinkMark> marks = new HashSet<>();
        try (LinkScope link = TraceUtils.passLinkMark(MARK)) {
            LinkContext context = LinkContext.current();
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                numbers.add(i);
            }
            numbers.parallelStream().forEach(i -> context.run(() -> {
                synchronized (marks) {
                    marks.add(seen());
                }
            }));
        }
        assertEquals(Set.of(MARK), marks);
    }

    @Test
    void nothingLeaksBetweenConcurrentRequests() throws Exception {
        ExecutorService wrapped = LinkContext.wrap(pool);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            String id = String.valueOf(i);
            all.add(CompletableFuture.runAsync(() -> {
                try (LinkScope link = TraceUtils.passLinkMark("b" + id, "s", "e");
                        NodeRun run = TraceUtils.node("n" + id).start()) {
                    TraceLogger.info(id);
                    CompletableFuture<Void> inner = CompletableFuture.runAsync(() -> TraceLogger.info(id), wrapped);
                    Thread.yield();
                    TraceLogger.info(id);
                    run.complete();
                    inner.exceptionally(x -> null);
                }
            }, pool).thenRunAsync(() -> assertNull(seen()), pool));
        }
        CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).get(60, TimeUnit.SECONDS);
        pool.shutdown();
        assertTrue(pool.awaitTermination(60, TimeUnit.SECONDS));
        List<Map<String, Object>> logs = captured.logs();
        assertEquals(3000, logs.size());
        for (Map<String, Object> log : logs) {
            assertEquals("b" + log.get("message"), log.get("businessId"));
            assertEquals("n" + log.get("message"), log.get("nodeName"));
        }
        for (Map<String, Object> node : captured.nodes()) {
            assertEquals(((String) node.get("businessId")).substring(1), ((String) node.get("nodeName")).substring(1));
        }
        assertEquals(5000, captured.reports().stream().map(report -> report.get("seq")).distinct().count());
    }

    @Test
    void aScopeClosedByAnotherThreadOrTwice() throws Exception {
        LinkScope scope = TraceUtils.passLinkMark(MARK);
        Thread other = new Thread(scope::close);
        other.start();
        other.join();
        assertEquals(MARK, seen());
        assertTrue(Warnings.said("scope"));
        scope.close();
        scope.close();
        assertNull(seen());
    }

    @Test
    void anotherMarkIsAnotherExecution() {
        try (LinkScope link = TraceUtils.passLinkMark(MARK);
                NodeRun run = TraceUtils.node("n").start()) {
            try (LinkScope same = TraceUtils.passLinkMark("b_s_e")) {
                assertEquals("n", LinkContext.current().node());
            }
            try (LinkScope review = TraceUtils.passLinkMark("b", "review", "task")) {
                assertNull(LinkContext.current().node());
            }
            assertEquals("n", LinkContext.current().node());
            run.complete();
        }
    }
}
