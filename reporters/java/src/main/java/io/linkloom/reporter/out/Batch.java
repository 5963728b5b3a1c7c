package io.linkloom.reporter.out;

import java.util.ArrayList;
import java.util.List;

/** Lines that get out together: at most {@link #LINES_MAX} of them, {@link #BYTES_MAX} bytes. */
final class Batch {
    static final int LINES_MAX = 1000;
    static final int BYTES_MAX = 1 << 20;

    final List<byte[]> lines;
    final int bytes;

    Batch(List<byte[]> lines) {
        this.lines = lines;
        int sum = 0;
        for (byte[] line : lines) {
            sum += line.length;
        }
        bytes = sum;
    }

    static Batch of(byte[] text) {
        List<byte[]> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < text.length; i++) {
            if (text[i] == '\n') {
                lines.add(java.util.Arrays.copyOfRange(text, from, i + 1));
                from = i + 1;
            }
        }
        return new Batch(lines);
    }

    byte[] joined() {
        byte[] all = new byte[bytes];
        int at = 0;
        for (byte[] line : lines) {
            System.arraycopy(line, 0, all, at, line.length);
            at += line.length;
        }
        return all;
    }
}
