package io.linkloom.reporter;

/** How many bytes of a report its parts may take, as they are written. */
public final class Caps {
    public static final Caps DEFAULT = new Caps(256 * 1024, 64 * 1024, 64 * 1024);

    private final int payload;
    private final int message;
    private final int stack;

    /** At least 16 bytes each; less is read as 16. */
    public Caps(int payload, int message, int stack) {
        this.payload = Math.max(16, payload);
        this.message = Math.max(16, message);
        this.stack = Math.max(16, stack);
    }

    /** Of input, output, data and meta, each, with their quotes. */
    public int payload() {
        return payload;
    }

    /** Of a message, between its quotes. */
    public int message() {
        return message;
    }

    /** Of the stack of an exception, between its quotes. */
    public int stack() {
        return stack;
    }
}
