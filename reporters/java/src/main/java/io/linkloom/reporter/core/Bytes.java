package io.linkloom.reporter.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing buffer of UTF-8 that knows how JSON strings are written in reports. */
public final class Bytes {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    /** How an ASCII character is written: 0 as it is, 'u' as four hex digits, else behind a backslash. */
    private static final byte[] ESCAPES = new byte[128];
    private static final int PIECE = 2048;
    /** From so many characters on it pays to look at eight at a time. */
    private static final int LONG = 32;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final byte[] ELLIPSIS = "…".getBytes(StandardCharsets.UTF_8);

    static {
        Arrays.fill(ESCAPES, 0, 0x20, (byte) 'u');
        ESCAPES['"'] = '"';
        ESCAPES['\\'] = '\\';
        ESCAPES['\b'] = 'b';
        ESCAPES['\f'] = 'f';
        ESCAPES['\n'] = 'n';
        ESCAPES['\r'] = 'r';
        ESCAPES['\t'] = 't';
    }

    private byte[] buffer;
    private int length;

    public Bytes(int capacity) {
        buffer = new byte[capacity];
    }

    public int length() {
        return length;
    }

    /** Cuts what was written back to its first {@code to} bytes. */
    public void rewind(int to) {
        length = to;
    }

    public byte[] copy() {
        return Arrays.copyOf(buffer, length);
    }

    /** Empties the buffer; one that has grown beyond {@code keep} bytes is given back. */
    public void reset(int keep) {
        length = 0;
        if (buffer.length > keep) {
            buffer = new byte[Math.min(keep, 1024)];
        }
    }

    @Override
    public String toString() {
        return new String(buffer, 0, length, StandardCharsets.UTF_8);
    }

    private void ensure(int more) {
        if (buffer.length - length < more) {
            buffer = Arrays.copyOf(buffer, Math.max(length + more, buffer.length + (buffer.length >> 1)));
        }
    }

    public Bytes raw(byte[] bytes) {
        ensure(bytes.length);
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
        return this;
    }

    public Bytes raw(int oneByte) {
        ensure(1);
        buffer[length++] = (byte) oneByte;
        return this;
    }

    public Bytes raw(Bytes bytes) {
        ensure(bytes.length);
        System.arraycopy(bytes.buffer, 0, buffer, length, bytes.length);
        length += bytes.length;
        return this;
    }

    /** A JSON string without its quotes. */
    public Bytes within(CharSequence text) {
        escaped(text, 0, text.length());
        return this;
    }

    /** Text that is ASCII and needs no escape. */
    @SuppressWarnings("deprecation")
    public Bytes ascii(String text) {
        int count = text.length();
        ensure(count);
        text.getBytes(0, count, buffer, length);
        length += count;
        return this;
    }

    public Bytes number(long value) {
        if (value < 0) {
            return ascii(Long.toString(value));
        }
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) {
            digits++;
        }
        ensure(digits);
        long rest = value;
        for (int at = length + digits - 1; at >= length; at--) {
            buffer[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        length += digits;
        return this;
    }

    /** So many digits of a number, with leading zeros. */
    public Bytes digits(long value, int count) {
        ensure(count);
        long rest = value;
        for (int at = length + count - 1; at >= length; at--) {
            buffer[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        length += count;
        return this;
    }

    /** A JSON string with its quotes. */
    public Bytes string(CharSequence text) {
        raw('"');
        escaped(text, 0, text.length());
        return raw('"');
    }

    /**
     * A JSON string with its quotes that may be given up when the buffer has more than {@code until} bytes: what was written up to there
     * is right.
     */
    public Bytes string(CharSequence text, int until) {
        raw('"');
        int count = text.length();
        int from = 0;
        while (from < count && length <= until) {
            int to = Math.min(count, from + PIECE);
            if (to < count && Character.isHighSurrogate(text.charAt(to - 1))) {
                to--;
            }
            escaped(text, from, to == from ? from + 1 : to);
            from = to == from ? from + 1 : to;
        }
        return raw('"');
    }

    /**
     * A JSON string of at most {@code max} bytes between its quotes: of a longer one as many characters as fit, and {@code …}.
     */
    public Bytes cutString(CharSequence text, int max) {
        raw('"');
        int start = length;
        if ((long) text.length() * 6 <= max) {
            escaped(text, 0, text.length());
            return raw('"');
        }
        int fits = start;
        int count = text.length();
        for (int at = 0; at < count; ) {
            int next = at + 1;
            if (Character.isHighSurrogate(text.charAt(at)) && next < count && Character.isLowSurrogate(text.charAt(next))) {
                next++;
            }
            escaped(text, at, next);
            at = next;
            if (length - start <= max - ELLIPSIS.length) {
                fits = length;
            } else if (length - start > max) {
                length = fits;
                ellipsis(max);
                break;
            }
        }
        return raw('"');
    }

    /**
     * Replaces the JSON that was written from {@code start} on by a JSON string of its beginning, of at most {@code max} bytes with its quotes.
     */
    public void cutToString(int start, int max) {
        byte[] json = Arrays.copyOfRange(buffer, start, Math.min(length, start + max));
        length = start;
        raw('"');
        int begin = length;
        int room = max - 2;
        int fits = begin;
        for (int at = 0; at < json.length; ) {
            int next = at + 1;
            while (next < json.length && (json[next] & 0xC0) == 0x80) {
                next++;
            }
            if (next - at == 1) {
                if (json[at] >= 0) {
                    ascii7(json[at]);
                } else {
                    break;
                }
            } else {
                ensure(next - at);
                System.arraycopy(json, at, buffer, length, next - at);
                length += next - at;
            }
            at = next;
            if (length - begin <= room - ELLIPSIS.length) {
                fits = length;
            } else {
                break;
            }
        }
        length = fits;
        ellipsis(room);
        raw('"');
    }

    private void ellipsis(int max) {
        if (max >= ELLIPSIS.length) {
            raw(ELLIPSIS);
        }
    }

    private void ascii7(int c) {
        byte escape = ESCAPES[c];
        if (escape == 0) {
            raw(c);
        } else if (escape != 'u') {
            raw('\\').raw(escape);
        } else {
            ascii("\\u00").raw(HEX[c >> 4]).raw(HEX[c & 15]);
        }
    }

    /** The characters from {@code from} to {@code to} as they stand within quotes. */
    private void escaped(CharSequence text, int from, int to) {
        if (to - from >= LONG && text instanceof String && ascii((String) text, from, to)) {
            return;
        }
        for (int piece = from; piece < to; ) {
            int end = Math.min(to, piece + PIECE);
            if (end < to && end - piece > 1 && Character.isHighSurrogate(text.charAt(end - 1))) {
                end--;
            }
            ensure((end - piece) * 6);
            piece(text, piece, end);
            piece = end;
        }
    }

    /** Writes a text that is ASCII, eight characters at a time where none needs an escape; false: it is not, nothing was written. */
    private boolean ascii(String text, int from, int to) {
        String part = from == 0 && to == text.length() ? text : text.substring(from, to);
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        if (bytes.length != part.length()) {
            return false;
        }
        int start = length;
        for (int at = 0; at < bytes.length; ) {
            int run = plain(bytes, at);
            if (run > at) {
                ensure(run - at);
                System.arraycopy(bytes, at, buffer, length, run - at);
                length += run - at;
                at = run;
            }
            if (at < bytes.length) {
                // Half a surrogate pair has become a question mark.
                if (bytes[at] == '?' && part.charAt(at) != '?') {
                    length = start;
                    return false;
                }
                ascii7(bytes[at++]);
            }
        }
        return true;
    }

    /** Where the next byte is that has an escape or is a question mark, of bytes that are ASCII. */
    private static int plain(byte[] bytes, int from) {
        int at = from;
        for (; at + 8 <= bytes.length; at += 8) {
            long eight = (long) LONGS.get(bytes, at);
            // A byte of each term is 0x80 or more if that of `eight` is below 0x20, or equal.
            long found = eight - 0x2020202020202020L | zeros(eight ^ 0x2222222222222222L) | zeros(eight ^ 0x5C5C5C5C5C5C5C5CL)
                    | zeros(eight ^ 0x3F3F3F3F3F3F3F3FL);
            if ((found & 0x8080808080808080L) != 0) {
                break;
            }
        }
        while (at < bytes.length && ESCAPES[bytes[at]] == 0 && bytes[at] != '?') {
            at++;
        }
        return at;
    }

    /** Of bytes below 0x80: 0x80 or more where (or below where) there is a zero. */
    private static long zeros(long bytes) {
        return bytes - 0x0101010101010101L;
    }

    private void piece(CharSequence text, int from, int to) {
        byte[] out = buffer;
        int at = length;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                byte escape = ESCAPES[c];
                if (escape == 0) {
                    out[at++] = (byte) c;
                } else if (escape == 'u') {
                    out[at++] = '\\';
                    out[at++] = 'u';
                    out[at++] = '0';
                    out[at++] = '0';
                    out[at++] = HEX[c >> 4];
                    out[at++] = HEX[c & 15];
                } else {
                    out[at++] = '\\';
                    out[at++] = escape;
                }
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | c >> 6);
                out[at++] = (byte) (0x80 | c & 0x3F);
            } else if (!Character.isSurrogate(c)) {
                out[at++] = (byte) (0xE0 | c >> 12);
                out[at++] = (byte) (0x80 | c >> 6 & 0x3F);
                out[at++] = (byte) (0x80 | c & 0x3F);
            } else if (Character.isHighSurrogate(c) && i + 1 < to && Character.isLowSurrogate(text.charAt(i + 1))) {
                int code = Character.toCodePoint(c, text.charAt(++i));
                out[at++] = (byte) (0xF0 | code >> 18);
                out[at++] = (byte) (0x80 | code >> 12 & 0x3F);
                out[at++] = (byte) (0x80 | code >> 6 & 0x3F);
                out[at++] = (byte) (0x80 | code & 0x3F);
            } else {
                out[at++] = (byte) 0xEF;
                out[at++] = (byte) 0xBF;
                out[at++] = (byte) 0xBD;
            }
        }
        length = at;
    }

    /** Whether a text has at most {@code max} bytes of UTF-8. */
    public static boolean fits(String text, int max) {
        return text.length() * 3L <= max || text.length() <= max && prefix(text, max) == text.length();
    }

    /** How many chars of a text make at most {@code max} bytes of UTF-8, whole characters. */
    public static int prefix(String text, int max) {
        int bytes = 0;
        for (int at = 0; at < text.length(); ) {
            int code = text.codePointAt(at);
            bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
            if (bytes > max) {
                return at;
            }
            at += Character.charCount(code);
        }
        return text.length();
    }
}
