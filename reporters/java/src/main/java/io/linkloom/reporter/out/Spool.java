package io.linkloom.reporter.out;

import io.linkloom.reporter.core.Warnings;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Keeps batches on disk while the relay is down, in order. Processes may share its directory: each has a folder in it, held by a lock. The
 * folders of processes that are gone are adopted at the start. For one thread.
 *
 * <pre>
 * {directory}/{boot, 15 digits}-{pid}/lock
 *                                    /00000001.ndjson   lines, at most a batch
 * </pre>
 */
final class Spool {
    private static final String SUFFIX = ".ndjson";

    private static final class Segment {
        final Path file;
        long bytes;
        int lines;

        Segment(Path file, long bytes, int lines) {
            this.file = file;
            this.bytes = bytes;
            this.lines = lines;
        }
    }

    private final Path directory;
    private final long bytesMax;
    private final Counters counters;
    private final ArrayDeque<Segment> segments = new ArrayDeque<>();
    private final List<FileChannel> locks = new ArrayList<>();
    private final List<Path> adopted = new ArrayList<>();
    private Path folder;
    /** The segment that grows; always the last one. */
    private Segment growing;
    private int next = 1;
    private volatile long bytes;

    Spool(Path directory, long bytesMax, Counters counters) {
        this.directory = directory;
        this.bytesMax = bytesMax;
        this.counters = counters;
        try {
            adopt();
        } catch (IOException | RuntimeException e) {
            Warnings.once("spool", "what is in the spool could not be read: " + directory, e);
        }
    }

    private void adopt() throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        List<Path> folders;
        try (Stream<Path> all = Files.list(directory)) {
            folders = all.filter(Files::isDirectory).sorted().collect(Collectors.toList());
        }
        for (Path left : folders) {
            if (!lock(left)) {
                continue;
            }
            adopted.add(left);
            List<Path> files;
            try (Stream<Path> all = Files.list(left)) {
                files = all.filter(file -> file.toString().endsWith(SUFFIX)).sorted().collect(Collectors.toList());
            }
            for (Path file : files) {
                int lines = 0;
                for (byte b : Files.readAllBytes(file)) {
                    lines += b == '\n' ? 1 : 0;
                }
                segments.add(new Segment(file, Files.size(file), lines));
            }
        }
        bound();
    }

    private boolean lock(Path of) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(of.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock != null) {
                locks.add(channel);
                return true;
            }
            channel.close();
        } catch (IOException | OverlappingFileLockException e) {
            try {
                if (channel != null) {
                    channel.close();
                }
            } catch (IOException ignored) {
                // It was only for the lock.
            }
        }
        return false;
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    long bytes() {
        return bytes;
    }

    /** Appends a batch; throws if it is not on disk. */
    void append(Batch batch) throws IOException {
        if (folder == null) {
            long pid = ProcessHandle.current().pid();
            for (int attempt = 0; folder == null; attempt++) {
                Path mine = directory.resolve(String.format("%015d-%d%s", System.currentTimeMillis(), pid, attempt == 0 ? "" : "-" + attempt));
                Files.createDirectories(mine);
                if (lock(mine)) {
                    folder = mine;
                } else if (attempt > 100) {
                    throw new IOException("no folder of the spool can be locked: " + directory);
                }
            }
        }
        if (growing == null || growing.bytes + batch.bytes > Batch.BYTES_MAX || growing.lines + batch.lines.size() > Batch.LINES_MAX) {
            growing = new Segment(folder.resolve(String.format("%08d%s", next++, SUFFIX)), 0, 0);
            segments.addLast(growing);
        }
        try (OutputStream out = Files.newOutputStream(growing.file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            out.write(batch.joined());
        } catch (IOException e) {
            // What is torn must not be followed by a line, and the segment must not be there without a file.
            Segment torn = growing;
            growing = null;
            try (FileChannel channel = FileChannel.open(torn.file, StandardOpenOption.WRITE)) {
                channel.truncate(torn.bytes);
            } catch (IOException ignored) {
                // Reading leaves out what has no end.
            }
            if (torn.lines == 0) {
                segments.removeLast();
                Files.deleteIfExists(torn.file);
            }
            throw e;
        }
        growing.bytes += batch.bytes;
        growing.lines += batch.lines.size();
        counters.spooled.addAndGet(batch.lines.size());
        bound();
    }

    /** The oldest batch, which stays until it is {@linkplain #done done}; null if there is none. */
    Batch oldest() {
        while (!segments.isEmpty()) {
            Segment first = segments.peekFirst();
            if (first == growing) {
                growing = null;
            }
            try {
                Batch batch = Batch.of(Files.readAllBytes(first.file));
                if (!batch.lines.isEmpty()) {
                    return batch;
                }
            } catch (IOException e) {
                Warnings.once("spool", "a segment of the spool could not be read, it is dropped: " + first.file, e);
                counters.drop(Counters.Cause.SPOOL_FULL, first.lines);
            }
            done();
        }
        return null;
    }

    /** Forgets the oldest batch. */
    void done() {
        Segment first = segments.pollFirst();
        if (first != null) {
            if (first == growing) {
                growing = null;
            }
            delete(first.file);
        }
        bound();
    }

    private void bound() {
        long sum = 0;
        for (Segment segment : segments) {
            sum += segment.bytes;
        }
        while (sum > bytesMax && !segments.isEmpty()) {
            Segment oldest = segments.pollFirst();
            if (oldest == growing) {
                growing = null;
            }
            sum -= oldest.bytes;
            counters.drop(Counters.Cause.SPOOL_FULL, oldest.lines);
            delete(oldest.file);
        }
        bytes = sum;
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            Warnings.once("spool", "a segment of the spool could not be deleted, it may be sent again: " + file, e);
        }
    }

    /** Lets go of the folders; those that are empty go. */
    void close() {
        List<Path> folders = new ArrayList<>(adopted);
        if (folder != null) {
            folders.add(folder);
        }
        for (FileChannel lock : locks) {
            try {
                lock.close();
            } catch (IOException ignored) {
                // The process lets go of it in any case.
            }
        }
        for (Path left : folders) {
            try (Stream<Path> files = Files.list(left)) {
                if (files.allMatch(file -> file.endsWith("lock"))) {
                    Files.deleteIfExists(left.resolve("lock"));
                    Files.deleteIfExists(left);
                }
            } catch (IOException ignored) {
                // An empty folder does no harm.
            }
        }
        locks.clear();
    }
}
