package io.linkloom.examples.review;

import com.google.gson.JsonObject;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.NodeRun;
import io.linkloom.reporter.TraceLogger;
import io.linkloom.reporter.TraceUtils;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The link {@code human-review}, step by step: {@code links/human-review.json} as a program. A first call takes the task up to where a second reviewer
 * is needed; the reviewer's own call, with another trace, minutes or days later, takes it to its end. Both are one execution.
 */
final class Desk {
    private static final int TASKS_MAX = 10_000;
    /** Stands for the first reviewer, who looks at the words alone. */
    private static final String FIRST_REVIEWER = "r-17";

    /** What the caller may do about a decision that does not count. */
    static final class NotNow extends Exception {
        NotNow(String message) {
            super(message);
        }
    }

    private final ContentApi contents;
    /** What is given to it works in the context of who gave it. */
    private final ExecutorService advisers = LinkContext.wrap(Executors.newFixedThreadPool(2));
    private final Map<String, Task> tasks = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Task> eldest) {
            return size() > TASKS_MAX;
        }
    };

    Desk(ContentApi contents) {
        this.contents = contents;
    }

    /** The task; null if there is none. */
    Task task(String id) {
        synchronized (tasks) {
            return tasks.get(id);
        }
    }

    List<Task> tasks() {
        synchronized (tasks) {
            return new ArrayList<>(tasks.values());
        }
    }

    /** The first call: within the execution that came with the task. */
    void take(Task task) {
        synchronized (tasks) {
            if (tasks.putIfAbsent(task.id, task) != null) {
                TraceLogger.warn("task {} came twice, which changes nothing", task.id);
                return;
            }
        }
        synchronized (task) {
            try {
                review(task);
            } catch (Exception e) {
                task.state = Task.State.FAILED;
                TraceLogger.error("review failed, taskId:{} contentId:{}", task.id, task.contentId, e);
            }
        }
    }

    private void review(Task task) throws Exception {
        TraceUtils.node("claimTask").meta(Map.of("trigger", "event")).input(Map.of("taskId", task.id, "score", task.score)).call(() -> {
            TraceLogger.info("reviewer {} claimed {}", FIRST_REVIEWER, task.id);
            return Map.of("reviewer", FIRST_REVIEWER);
        });
        JsonObject content = contents.load(task.contentId).getAsJsonObject("content");
        String text = content.get("title").getAsString() + " " + content.get("text").getAsString();
        int before = TraceUtils.node("loadHistory", Map.of("contentId", task.contentId), () -> history(task));

        CompletableFuture<String> advice = CompletableFuture.supplyAsync(() -> advise(task, text), advisers);
        String first = firstReview(text, before);
        String machine = advice.join();
        TraceUtils.node("adviceJoin", null, () -> Map.of("machine", machine, "first", first));

        boolean agree = machine.equals(first);
        try (NodeRun run = TraceUtils.node("compareVerdicts").start(Map.of("machine", machine, "first", first))) {
            if (!agree) {
                TraceLogger.warn("the machine says {}, the first reviewer says {}: a second reviewer is asked", machine, first);
            }
            run.outcome(agree ? "agree" : "differ").complete();
        }
        if (agree) {
            contents.apply(task.contentId, first, false);
            close(task, first);
        } else {
            task.secondReview = TraceUtils.node("secondReview").start(Map.of("first", first, "machine", machine)).leave();
            task.state = Task.State.WAITING;
        }
    }

    private int history(Task task) {
        return (int) tasks().stream().filter(other -> other.contentId.equals(task.contentId) && other != task).count();
    }

    private String advise(Task task, String text) {
        try {
            String advice = TraceUtils.node("machineAdvice", Map.of("score", task.score), () -> task.score < 0.6 ? "keep" : "reject");
            TraceUtils.node("similarContent", Map.of("words", text.split("\\s+").length), () -> Map.of("found", 0));
            return advice;
        } catch (Exception e) {
            throw new IllegalStateException("no advice", e);
        }
    }

    private static String firstReview(String text, int before) throws Exception {
        return TraceUtils.node("firstReview", Map.of("reviewer", FIRST_REVIEWER, "before", before), () -> {
            String verdict = text.toLowerCase(java.util.Locale.ROOT).contains("discount") ? "reject" : "keep";
            TraceLogger.info("{}: {}", FIRST_REVIEWER, verdict);
            return verdict;
        });
    }

    /**
     * The second call: a reviewer has decided. The caller works within a trace of its own; the mark is that of the task.
     *
     * @throws NotNow nobody waits for a decision on this task
     * @throws IOException the verdict was not applied: deciding again tries again
     */
    void decide(Task task, String reviewer, String verdict, String note) throws NotNow, IOException {
        synchronized (task) {
            if (task.state != Task.State.WAITING) {
                throw new NotNow("task " + task.id + " is " + task.state + ", only one that is WAITING can be decided");
            }
            try (LinkScope link = TraceUtils.passLinkMark(task.contentId, Task.SCENE, task.id)) {
                // One that was decided before, in vain, is reviewed again.
                NodeRun run = task.secondReview != null ? task.secondReview : TraceUtils.node("secondReview").start().leave();
                task.secondReview = null;
                try (LinkScope within = LinkContext.current().withNode("secondReview").enter()) {
                    TraceLogger.info("{}: {}, {}", reviewer, verdict, note);
                }
                run.complete(Map.of("reviewer", reviewer, "verdict", verdict, "note", note));
                try {
                    contents.apply(task.contentId, verdict, true);
                } catch (IOException e) {
                    TraceLogger.error("verdict not applied, taskId:{} contentId:{}", task.id, task.contentId, e);
                    throw e;
                }
                close(task, verdict);
            }
        }
    }

    private static void close(Task task, String verdict) {
        TraceUtils.node("notifyAuthor").input(Map.of("contentId", task.contentId, "verdict", verdict)).run(() -> TraceLogger.info("the author is told: {}", verdict));
        TraceUtils.node("closeTask").input(Map.of("taskId", task.id)).run(() -> {
            task.verdict = verdict;
            task.state = Task.State.CLOSED;
        });
    }

    void close() {
        advisers.shutdown();
        try {
            advisers.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
