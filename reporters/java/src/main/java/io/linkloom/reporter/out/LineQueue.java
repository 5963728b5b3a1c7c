package io.linkloom.reporter.out;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Lines that wait to get out: bounded in bytes, in the order they came. When it is full the oldest of the lowest rank goes, and what is
 * lower than everything in it does not get in.
 */
final class LineQueue {
    static final int RANKS = 4;
    /** What a line costs beside its bytes. */
    private static final int OVERHEAD = 64;

    private static final class Waiting {
        final byte[] line;
        final long number;

        Waiting(byte[] line, long number) {
            this.line = line;
            this.number = number;
        }
    }

    private final List<ArrayDeque<Waiting>> ranks = new ArrayList<>();
    private final long bytesMax;
    private long bytes;
    private long count;
    private long next;

    LineQueue(long bytesMax) {
        this.bytesMax = bytesMax;
        for (int i = 0; i < RANKS; i++) {
            ranks.add(new ArrayDeque<>());
        }
    }

    /** Puts a line in; how many had to go for it (the line itself counts, if it could not get in). */
    int offer(byte[] line, int rank) {
        long cost = line.length + OVERHEAD;
        int dropped = 0;
        while (bytes + cost > bytesMax) {
            int lowest = 0;
            while (lowest < RANKS && ranks.get(lowest).isEmpty()) {
                lowest++;
            }
            if (lowest >= RANKS || lowest > rank) {
                return dropped + 1;
            }
            Waiting gone = ranks.get(lowest).pollFirst();
            bytes -= gone.line.length + OVERHEAD;
            count--;
            dropped++;
        }
        ranks.get(rank).addLast(new Waiting(line, next++));
        bytes += cost;
        count++;
        return dropped;
    }

    /** Takes the oldest line, unless it is longer than {@code max}; null if there is none. */
    byte[] poll(int max) {
        ArrayDeque<Waiting> from = null;
        for (ArrayDeque<Waiting> rank : ranks) {
            Waiting head = rank.peekFirst();
            if (head != null && (from == null || head.number < from.peekFirst().number)) {
                from = rank;
            }
        }
        if (from == null || from.peekFirst().line.length > max) {
            return null;
        }
        Waiting taken = from.pollFirst();
        bytes -= taken.line.length + OVERHEAD;
        count--;
        return taken.line;
    }

    boolean isEmpty() {
        return count == 0;
    }

    long count() {
        return count;
    }

    long bytes() {
        return bytes;
    }
}
