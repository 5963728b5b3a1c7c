package io.linkloom.reporter;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** An executor service whose tasks run within the context of who gave them. */
class LinkExecutor extends AbstractExecutorService {
    private final ExecutorService inner;

    LinkExecutor(ExecutorService inner) {
        this.inner = inner;
    }

    @Override
    public void execute(Runnable task) {
        inner.execute(LinkContext.wrap(task));
    }

    @Override
    public <T> Future<T> submit(Callable<T> task) {
        return inner.submit(LinkContext.wrap(task));
    }

    @Override
    public Future<?> submit(Runnable task) {
        return inner.submit(LinkContext.wrap(task));
    }

    @Override
    public <T> Future<T> submit(Runnable task, T result) {
        return inner.submit(LinkContext.wrap(task), result);
    }

    @Override
    public <T> List<Future<T>> invokeAll(Collection<? extends Callable<T>> tasks) throws InterruptedException {
        return inner.invokeAll(wrapped(tasks));
    }

    @Override
    public <T> List<Future<T>> invokeAll(Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit) throws InterruptedException {
        return inner.invokeAll(wrapped(tasks), timeout, unit);
    }

    @Override
    public <T> T invokeAny(Collection<? extends Callable<T>> tasks) throws InterruptedException, ExecutionException {
        return inner.invokeAny(wrapped(tasks));
    }

    @Override
    public <T> T invokeAny(Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        return inner.invokeAny(wrapped(tasks), timeout, unit);
    }

    private static <T> List<Callable<T>> wrapped(Collection<? extends Callable<T>> tasks) {
        List<Callable<T>> all = new ArrayList<>(tasks.size());
        for (Callable<T> task : tasks) {
            all.add(LinkContext.wrap(task));
        }
        return all;
    }

    @Override
    public void shutdown() {
        inner.shutdown();
    }

    @Override
    public List<Runnable> shutdownNow() {
        return inner.shutdownNow();
    }

    @Override
    public boolean isShutdown() {
        return inner.isShutdown();
    }

    @Override
    public boolean isTerminated() {
        return inner.isTerminated();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return inner.awaitTermination(timeout, unit);
    }

    static final class Scheduled extends LinkExecutor implements ScheduledExecutorService {
        private final ScheduledExecutorService inner;

        Scheduled(ScheduledExecutorService inner) {
            super(inner);
            this.inner = inner;
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            return inner.schedule(LinkContext.wrap(task), delay, unit);
        }

        @Override
        public <T> ScheduledFuture<T> schedule(Callable<T> task, long delay, TimeUnit unit) {
            return inner.schedule(LinkContext.wrap(task), delay, unit);
        }

        @Override
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long delay, long period, TimeUnit unit) {
            return inner.scheduleAtFixedRate(LinkContext.wrap(task), delay, period, unit);
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long delay, long period, TimeUnit unit) {
            return inner.scheduleWithFixedDelay(LinkContext.wrap(task), delay, period, unit);
        }
    }
}
