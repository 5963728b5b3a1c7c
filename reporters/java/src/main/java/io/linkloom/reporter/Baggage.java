package io.linkloom.reporter;

import io.linkloom.reporter.core.Composer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * How a context goes over the network: the W3C headers {@code baggage} (the mark and the node; written and read) and {@code traceparent}
 * (trace and span; only read).
 */
public final class Baggage {
    public static final String HEADER = "baggage";
    public static final String TRACEPARENT = "traceparent";

    private static final String BUSINESS_ID = "linkloom.business-id";
    private static final String SCENE_ID = "linkloom.scene-id";
    private static final String EXECUTION_ID = "linkloom.execution-id";
    private static final String PARENT_NODE = "linkloom.parent-node";
    private static final char[] HEX = "0123456789ABCDEF".toCharArray();

    private Baggage() {}

    /** The header for a call made within a context, given the one that is there (null: none). Null: there is to be none. */
    public static String write(LinkContext context, String existing) {
        String parent = context.node() != null ? context.node() : context.parentNode();
        return write(context.mark(), parent, existing);
    }

    static String write(LinkMark mark, String parentNode, String existing) {
        if (mark == null || !mark.isValid()) {
            return existing;
        }
        StringBuilder out = new StringBuilder(160);
        if (existing != null) {
            for (String member : existing.split(",", -1)) {
                String kept = trim(member);
                if (!kept.isEmpty() && !isOurs(key(kept))) {
                    out.append(kept).append(',');
                }
            }
        }
        encode(out.append(BUSINESS_ID).append('='), mark.businessId());
        encode(out.append(',').append(SCENE_ID).append('='), mark.sceneId());
        encode(out.append(',').append(EXECUTION_ID).append('='), mark.executionId());
        if (parentNode != null && Composer.isName(parentNode)) {
            encode(out.append(',').append(PARENT_NODE).append('='), parentNode);
        }
        return out.toString();
    }

    /** The context a header carries; {@link LinkContext#NONE} if none. Several headers are one, joined by commas. */
    public static LinkContext read(String header) {
        if (header == null || header.isEmpty()) {
            return LinkContext.NONE;
        }
        String[] values = new String[4];
        boolean[] seen = new boolean[4];
        for (String member : header.split(",", -1)) {
            int equals = member.indexOf('=');
            if (equals < 0) {
                continue;
            }
            int which = index(trim(member.substring(0, equals)));
            if (which < 0 || seen[which]) {
                continue;
            }
            seen[which] = true;
            int end = member.indexOf(';', equals);
            values[which] = decode(trim(member.substring(equals + 1, end < 0 ? member.length() : end)));
        }
        LinkMark mark = new LinkMark(values[0], values[1], values[2]);
        if (!mark.isValid()) {
            return LinkContext.NONE;
        }
        LinkContext context = LinkContext.NONE.withMark(mark);
        return values[3] != null && Composer.isName(values[3]) ? context.withParentNode(values[3]) : context;
    }

    /** The context of a request, from its headers by name (null: not there). */
    public static LinkContext read(Function<String, String> headers) {
        LinkContext context = read(headers.apply(HEADER));
        String[] trace = traceparent(headers.apply(TRACEPARENT));
        return trace == null ? context : context.withTrace(trace[0], trace[1]);
    }

    /** Trace id and span id of a {@code traceparent}; null if it is none. */
    public static String[] traceparent(String header) {
        if (header == null) {
            return null;
        }
        String text = trim(header);
        if (text.length() < 55 || text.charAt(2) != '-' || text.charAt(35) != '-' || text.charAt(52) != '-') {
            return null;
        }
        String version = text.substring(0, 2);
        String trace = text.substring(3, 35);
        String span = text.substring(36, 52);
        if (!isHex(version) || !isHex(trace) || !isHex(span) || !isHex(text.substring(53, 55)) || version.equals("ff")) {
            return null;
        }
        boolean more = text.length() > 55;
        if (more && (version.equals("00") || text.charAt(55) != '-')) {
            return null;
        }
        return isZero(trace) || isZero(span) ? null : new String[] {trace, span};
    }

    private static boolean isHex(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
                return false;
            }
        }
        return true;
    }

    private static boolean isZero(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) != '0') {
                return false;
            }
        }
        return true;
    }

    private static String key(String member) {
        int end = 0;
        while (end < member.length() && member.charAt(end) != '=' && member.charAt(end) != ';') {
            end++;
        }
        return trim(member.substring(0, end));
    }

    private static boolean isOurs(String key) {
        return index(key) >= 0;
    }

    private static int index(String key) {
        switch (key) {
            case BUSINESS_ID:
                return 0;
            case SCENE_ID:
                return 1;
            case EXECUTION_ID:
                return 2;
            case PARENT_NODE:
                return 3;
            default:
                return -1;
        }
    }

    /** Without the spaces and tabs around it. */
    private static String trim(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && (text.charAt(from) == ' ' || text.charAt(from) == '\t')) {
            from++;
        }
        while (to > from && (text.charAt(to - 1) == ' ' || text.charAt(to - 1) == '\t')) {
            to--;
        }
        return text.substring(from, to);
    }

    private static void encode(StringBuilder out, String value) {
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            int c = b & 0xFF;
            if (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~') {
                out.append((char) c);
            } else {
                out.append('%').append(HEX[c >> 4]).append(HEX[c & 15]);
            }
        }
    }

    /** Null if the value is not percent-encoded UTF-8. */
    private static String decode(String value) {
        byte[] from = value.getBytes(StandardCharsets.UTF_8);
        byte[] to = new byte[from.length];
        int count = 0;
        for (int i = 0; i < from.length; i++) {
            if (from[i] != '%') {
                to[count++] = from[i];
                continue;
            }
            int high = i + 2 <= from.length - 1 ? Character.digit(from[i + 1], 16) : -1;
            int low = i + 2 <= from.length - 1 ? Character.digit(from[i + 2], 16) : -1;
            if (high < 0 || low < 0) {
                return null;
            }
            to[count++] = (byte) (high << 4 | low);
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(to, 0, count)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}
