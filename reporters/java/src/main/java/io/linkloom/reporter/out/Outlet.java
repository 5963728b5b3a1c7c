package io.linkloom.reporter.out;

import io.linkloom.reporter.Stats;
import io.linkloom.reporter.core.Warnings;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gets lines out, on a daemon thread of its own: to a file or stdout, or to a relay with a spool behind it, each standing in for the other.
 * Whoever offers a line neither waits for that nor hears of its failures; what had to be dropped is counted, and reported as soon as there
 * is room.
 */
public final class Outlet {
    // Ranks of lines: what is lower goes first when memory is short.
    public static final int DEBUG = 0;
    public static final int INFO = 1;
    public static final int OTHERS = 2;
    public static final int NODES = 3;

    private static final long RELAY_BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long FILE_BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long BACKOFF_MILLIS_MIN = 100;
    private static final long BACKOFF_MILLIS_MAX = 30_000;
    /** How long a send may take while memory is running short. */
    private static final long SEND_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long FILE_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** The ways out there are. */
    public static final class Ways {
        final boolean logFirst;
        final Path file;
        final long fileBytesMax;
        final Duration fileAgeMax;
        final int filesMax;
        final boolean stdout;
        final URI relay;
        final String token;
        final Path spool;
        final long spoolBytesMax;
        final long queueBytesMax;

        public Ways(boolean logFirst, Path file, long fileBytesMax, Duration fileAgeMax, int filesMax, boolean stdout, URI relay, String token,
                Path spool, long spoolBytesMax, long queueBytesMax) {
            this.logFirst = logFirst || relay == null;
            this.file = file;
            this.fileBytesMax = fileBytesMax;
            this.fileAgeMax = fileAgeMax;
            this.filesMax = filesMax;
            this.stdout = stdout;
            this.relay = relay;
            this.token = token;
            this.spool = spool;
            this.spoolBytesMax = spoolBytesMax;
            this.queueBytesMax = queueBytesMax;
        }
    }

    /** Makes the line that tells of drops. */
    public interface Teller {
        byte[] line(String message, Map<String, Object> data);
    }

    private final Ways ways;
    private final Teller teller;
    private final Counters counters = new Counters();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition came = lock.newCondition();
    private final Condition out = lock.newCondition();
    private final Condition hanging = lock.newCondition();
    private final LineQueue queue;
    private final FileOut file;
    private final RelayOut relay;
    private final Thread thread;
    private final OutputStream stdout = new FileOutputStream(FileDescriptor.out);
    private Spool spool;
    /** When the send began that is under way; 0: none is. */
    private long sendingSince;
    /** The send takes long, and memory is running short: it is to be broken off. */
    private boolean hangs;
    private boolean idle;
    private boolean gathering;
    private boolean busy;
    private boolean hurry;
    private boolean closing;
    private boolean closed;
    // Of the writer's thread alone.
    private long relayNotBefore;
    private long backoffMillis;
    private boolean relayDown;
    private long fileNotBefore;
    private boolean fileDown;

    public Outlet(Ways ways, Teller teller) {
        this.ways = ways;
        this.teller = teller;
        queue = new LineQueue(ways.queueBytesMax);
        file = ways.file == null ? null : new FileOut(ways.file, ways.fileBytesMax, ways.fileAgeMax, ways.filesMax);
        relay = ways.relay == null ? null : new RelayOut(ways.relay, ways.token);
        thread = new Thread(this::work, "linkloom-reporter");
        thread.setDaemon(true);
        thread.start();
        if (relay != null) {
            Thread watch = new Thread(this::watch, "linkloom-reporter-watch");
            watch.setDaemon(true);
            watch.start();
        }
    }

    /** Breaks off sends to a relay that hangs while memory is running short: what waits goes into the spool then. */
    private void watch() {
        while (true) {
            lock.lock();
            try {
                while (!hangs && !closed) {
                    hanging.awaitUninterruptibly();
                }
                if (closed) {
                    return;
                }
                hangs = false;
                sendingSince = 0;
            } finally {
                lock.unlock();
            }
            try {
                relay.abort();
            } catch (RuntimeException e) {
                Warnings.once("watch", "a send could not be broken off", e);
            }
        }
    }

    /** Takes a line, or drops and counts it. */
    public void offer(byte[] line, int rank) {
        if (line.length > Batch.BYTES_MAX) {
            counters.drop(Counters.Cause.TOO_LONG, 1);
            return;
        }
        int dropped;
        lock.lock();
        try {
            if (closing) {
                dropped = 0;
                counters.drop(Counters.Cause.NO_WAY_OUT, 1);
            } else {
                dropped = queue.offer(line, rank);
                if (idle || gathering && isBatch()) {
                    idle = false;
                    gathering = false;
                    came.signal();
                }
                if (sendingSince != 0 && !hangs && queue.bytes() > ways.queueBytesMax / 2 && System.nanoTime() - sendingSince > SEND_PATIENCE_NANOS) {
                    hangs = true;
                    hanging.signal();
                }
            }
        } finally {
            lock.unlock();
        }
        if (dropped > 0) {
            counters.drop(Counters.Cause.QUEUE_FULL, dropped);
        }
    }

    public Stats stats() {
        lock.lock();
        try {
            Spool kept = spool;
            return counters.stats(queue.bytes(), kept == null ? 0 : kept.bytes());
        } finally {
            lock.unlock();
        }
    }

    /** Waits until everything offered before is out or in the spool. */
    public boolean flush(Duration atMost) {
        long left = atMost.toNanos();
        lock.lock();
        try {
            hurry = true;
            came.signal();
            while (!queue.isEmpty() || busy) {
                if (left <= 0 || closed) {
                    return false;
                }
                left = out.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    public void close(Duration atMost) {
        long left = atMost.toNanos();
        lock.lock();
        try {
            closing = true;
            came.signalAll();
            long patience = left / 4;
            while (!closed && left > patience) {
                left = patience + out.awaitNanos(left - patience);
            }
            if (!closed && relay != null) {
                // A relay that hangs: what it was to get goes into the spool.
                relay.abort();
            }
            while (!closed && left > 0) {
                left = out.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void work() {
        if (relay != null && ways.spool != null) {
            Spool opened = new Spool(ways.spool, ways.spoolBytesMax, counters);
            lock.lock();
            spool = opened;
            lock.unlock();
        }
        while (true) {
            try {
                Batch batch = take();
                if (batch == null) {
                    break;
                }
                if (!batch.lines.isEmpty()) {
                    write(batch);
                }
                tell();
                if (relay != null && spool != null && !spool.isEmpty()) {
                    replay();
                }
            } catch (Throwable e) {
                Warnings.once("writer", "the writer of reports failed, it goes on", e);
            }
        }
        end();
    }

    private void end() {
        try {
            if (file != null) {
                file.close();
            }
            if (spool != null) {
                spool.close();
            }
        } finally {
            lock.lock();
            closed = true;
            busy = false;
            out.signalAll();
            hanging.signalAll();
            lock.unlock();
        }
    }

    /** The next batch: empty if only time has passed, null if there will be none. */
    private Batch take() throws InterruptedException {
        lock.lock();
        try {
            busy = false;
            if (queue.isEmpty()) {
                hurry = false;
                out.signalAll();
            }
            while (queue.isEmpty() && !closing) {
                idle = true;
                boolean spooled = relay != null && spool != null && !spool.isEmpty();
                if (spooled) {
                    long wait = relayNotBefore - System.nanoTime();
                    if (wait <= 0 || came.awaitNanos(wait) <= 0) {
                        idle = false;
                        break;
                    }
                } else {
                    came.await();
                }
                idle = false;
            }
            if (queue.isEmpty() && closing) {
                return null;
            }
            long gather = ways.logFirst ? FILE_BATCH_NANOS : RELAY_BATCH_NANOS;
            long left = gather;
            while (!queue.isEmpty() && !closing && !hurry && left > 0 && !isBatch()) {
                gathering = true;
                left = came.awaitNanos(left);
            }
            gathering = false;
            List<byte[]> lines = new ArrayList<>((int) Math.min(queue.count(), Batch.LINES_MAX));
            int bytes = 0;
            while (lines.size() < Batch.LINES_MAX) {
                byte[] line = queue.poll(Batch.BYTES_MAX - bytes);
                if (line == null) {
                    break;
                }
                lines.add(line);
                bytes += line.length;
            }
            busy = true;
            return new Batch(lines);
        } finally {
            lock.unlock();
        }
    }

    private boolean isBatch() {
        return queue.count() >= Batch.LINES_MAX || queue.bytes() >= Batch.BYTES_MAX / 2;
    }

    /** Tells what was dropped since this was told last. */
    private void tell() {
        Map<String, Object> news = counters.takeUntold();
        if (news.isEmpty()) {
            return;
        }
        long sum = 0;
        for (Object count : news.values()) {
            sum += (Long) count;
        }
        Warnings.once("dropped", "reports had to be dropped: " + news);
        write(new Batch(List.of(teller.line("linkloom reporter dropped " + sum + " reports", news))));
    }

    private void write(Batch batch) {
        if (ways.logFirst) {
            if (log(batch) || relay != null && relayOrSpool(batch)) {
                return;
            }
        } else if (relayOrSpool(batch) || log(batch)) {
            return;
        }
        stderr(batch);
    }

    private boolean log(Batch batch) {
        if (file == null && !ways.stdout) {
            return false;
        }
        if (fileDown && System.nanoTime() < fileNotBefore) {
            return false;
        }
        byte[] lines = batch.joined();
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                if (file != null) {
                    file.write(lines);
                } else {
                    stdout.write(lines);
                }
                counters.logged.addAndGet(batch.lines.size());
                fileDown = false;
                return true;
            } catch (IOException | RuntimeException e) {
                if (attempt > 0 || file == null) {
                    Warnings.once("file", (file == null ? "stdout" : ways.file.toString()) + " cannot be written", e);
                }
                if (file == null) {
                    break;
                }
            }
        }
        fileDown = true;
        fileNotBefore = System.nanoTime() + FILE_RETRY_NANOS;
        return false;
    }

    /** Sends the batch, or puts it behind what waits already. */
    private boolean relayOrSpool(Batch batch) {
        if (spool == null) {
            return send(batch) || retryInMemory(batch);
        }
        if (spool.isEmpty() && send(batch)) {
            return true;
        }
        try {
            spool.append(batch);
            return true;
        } catch (IOException | RuntimeException e) {
            Warnings.once("spool:write", "the spool cannot be written: " + ways.spool, e);
            // Nothing is before it on disk any more that could be overtaken for long.
            return relayDown ? false : send(batch);
        }
    }

    /** Without a spool: a few more attempts, then the next way out. */
    private boolean retryInMemory(Batch batch) {
        for (int attempt = 0; attempt < 3; attempt++) {
            lock.lock();
            try {
                if (closing) {
                    break;
                }
                long wait = relayNotBefore - System.nanoTime();
                while (wait > 0 && !closing) {
                    wait = came.awaitNanos(wait);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            } finally {
                lock.unlock();
            }
            if (send(batch)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the relay has it, or never will; false: it is to be sent again. */
    private boolean send(Batch batch) {
        if (relayDown && (System.nanoTime() - relayNotBefore < 0 || closing())) {
            return false;
        }
        sending(true);
        RelayOut.Answer answer = relay.send(batch);
        sending(false);
        if (answer.kind == RelayOut.Answer.Kind.AGAIN) {
            backoffMillis = Math.min(BACKOFF_MILLIS_MAX, Math.max(BACKOFF_MILLIS_MIN, backoffMillis * 2));
            long jittered = backoffMillis / 2 + ThreadLocalRandom.current().nextLong(backoffMillis / 2 + 1);
            relayNotBefore = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Math.max(jittered, answer.waitMillis));
            relayDown = true;
            return false;
        }
        backoffMillis = 0;
        relayDown = false;
        counters.sent.addAndGet(batch.lines.size() - answer.refused);
        if (answer.refused > 0) {
            counters.drop(Counters.Cause.REFUSED, answer.refused);
        }
        return true;
    }

    private void sending(boolean now) {
        lock.lock();
        try {
            // Never 0 while one is under way.
            sendingSince = now ? System.nanoTime() | 1 : 0;
            hangs = false;
        } finally {
            lock.unlock();
        }
    }

    private void replay() {
        while (!closing()) {
            Batch oldest = spool.oldest();
            if (oldest == null || !send(oldest)) {
                return;
            }
            spool.done();
            // What waits in memory must not overflow meanwhile.
            if (queueIsFilling()) {
                return;
            }
        }
    }

    private boolean closing() {
        lock.lock();
        try {
            return closing;
        } finally {
            lock.unlock();
        }
    }

    private boolean queueIsFilling() {
        lock.lock();
        try {
            return queue.bytes() > ways.queueBytesMax / 4;
        } finally {
            lock.unlock();
        }
    }

    private void stderr(Batch batch) {
        for (byte[] line : batch.lines) {
            System.err.write(line, 0, line.length);
        }
        if (System.err.checkError()) {
            counters.drop(Counters.Cause.NO_WAY_OUT, batch.lines.size());
        } else {
            counters.stderr.addAndGet(batch.lines.size());
        }
    }

    /** Closes the handle of the file behind the back of the writer; for tests. */
    public void breakHandle() throws IOException {
        file.breakHandle();
    }
}
