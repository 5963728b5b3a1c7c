package io.linkloom.reporter.out;

import io.linkloom.reporter.core.Warnings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A file of lines, rolled by size and age: {@code reports.ndjson} becomes {@code reports.ndjson.20261121-100000.123456}. For one thread. */
final class FileOut {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss.SSSSSS");

    private final Path path;
    private final long bytesMax;
    private final long ageMaxNanos;
    private final int filesMax;
    private FileChannel channel;
    private long bytes;
    private long opened;

    FileOut(Path path, long bytesMax, Duration ageMax, int filesMax) {
        this.path = path;
        this.bytesMax = bytesMax;
        this.ageMaxNanos = ageMax.toNanos();
        this.filesMax = Math.max(0, filesMax);
    }

    /** Writes whole lines. What was written when it failed is cut off again, so that a line is there once and whole. */
    void write(byte[] lines) throws IOException {
        if (channel != null && (bytes > 0 && bytes + lines.length > bytesMax || System.nanoTime() - opened > ageMaxNanos)) {
            roll();
        }
        if (channel == null || !channel.isOpen() || !Files.exists(path)) {
            open();
        }
        long before = channel.position();
        try {
            ByteBuffer buffer = ByteBuffer.wrap(lines);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            bytes += lines.length;
        } catch (IOException e) {
            try {
                channel.truncate(before);
            } catch (IOException | RuntimeException ignored) {
                // Not every file can be cut; a torn line is refused by who reads it.
            }
            close();
            throw e;
        }
    }

    private void open() throws IOException {
        close();
        Path parent = path.toAbsolutePath().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            Files.createDirectories(parent);
        }
        channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        bytes = channel.size();
        channel.position(bytes);
        opened = System.nanoTime();
        if (bytes > 0 && !endsWithLine()) {
            // A process was killed within a line.
            channel.write(ByteBuffer.wrap(new byte[] {'\n'}));
            bytes++;
        }
    }

    private boolean endsWithLine() {
        try (FileChannel reader = FileChannel.open(path, StandardOpenOption.READ)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            return reader.read(last, bytes - 1) != 1 || last.get(0) == '\n';
        } catch (IOException e) {
            return true;
        }
    }

    private void roll() {
        close();
        try {
            if (Files.exists(path) && Files.size(path) > 0) {
                Path to = path.resolveSibling(path.getFileName() + "." + STAMP.format(LocalDateTime.now(ZoneOffset.UTC)));
                Files.move(path, to, StandardCopyOption.ATOMIC_MOVE);
                clean();
            }
        } catch (IOException | RuntimeException e) {
            Warnings.once("roll", "the file of reports could not be rolled, it grows on: " + path, e);
        }
    }

    private void clean() throws IOException {
        Path directory = path.toAbsolutePath().getParent();
        String prefix = path.getFileName() + ".";
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> rolled = files.filter(file -> {
                String name = file.getFileName().toString();
                return name.startsWith(prefix) && name.substring(prefix.length()).matches("[0-9]{8}-[0-9]{6}\\.[0-9]{6}");
            }).sorted().collect(Collectors.toList());
            for (int i = 0; i < rolled.size() - filesMax; i++) {
                Files.deleteIfExists(rolled.get(i));
            }
        }
    }

    void close() {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException ignored) {
                // Everything in it was written.
            }
            channel = null;
        }
    }

    /** Closes the handle behind the back of the writer; for tests. */
    void breakHandle() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
