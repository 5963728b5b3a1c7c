package io.linkloom.reporter.core;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/** Writes any object as JSON: bounded in depth and size, masked, whatever the object does. */
final class Payloads {
    static final int DEPTH_MAX = 32;
    private static final String ELLIPSIS = "…";
    private static final String CYCLE = "…cycle";

    private final Bytes out;
    private final Masks masks;
    private final Function<Object, Object> converter;
    private final Object[] path = new Object[DEPTH_MAX];
    /** The buffer's length behind which nothing can be seen any more. */
    private int until;
    private int cap;

    Payloads(Bytes out, Masks masks, Function<Object, Object> converter) {
        this.out = out;
        this.masks = masks;
        this.converter = converter;
    }

    /** Writes one payload, cut to {@code cap} bytes. */
    void write(Object payload, int cap) {
        int start = out.length();
        this.cap = cap;
        until = start + cap;
        value(payload, 0, true);
        if (out.length() > until) {
            out.cutToString(start, cap);
        }
    }

    private void value(Object value, int level, boolean convert) {
        if (value == null) {
            out.ascii("null");
        } else if (value instanceof CharSequence) {
            text(value);
        } else if (value instanceof Boolean || value instanceof AtomicBoolean) {
            out.ascii(value.toString());
        } else if (value instanceof Number) {
            number((Number) value);
        } else if (value instanceof Map) {
            map((Map<?, ?>) value, level);
        } else if (value instanceof Collection) {
            collection((Collection<?>) value, level);
        } else if (value.getClass().isArray()) {
            array(value, level);
        } else if (value instanceof Optional) {
            value(((Optional<?>) value).orElse(null), level, convert);
        } else if (value instanceof Enum) {
            string(((Enum<?>) value).name());
        } else if (value instanceof Throwable) {
            string(Warnings.describe((Throwable) value));
        } else if (convert && converter != null) {
            Object converted;
            try {
                converted = converter.apply(value);
            } catch (Throwable e) {
                Warnings.once("converter:" + value.getClass().getName(), "the converter failed, toString is written", e);
                converted = value;
            }
            value(converted, level, false);
        } else {
            text(value);
        }
    }

    private void number(Number value) {
        if (value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof Byte
                || value instanceof AtomicInteger || value instanceof AtomicLong) {
            out.number(value.longValue());
        } else if (value instanceof Double || value instanceof Float) {
            double real = value.doubleValue();
            if (Double.isNaN(real) || Double.isInfinite(real)) {
                out.raw('"').ascii(Double.toString(real)).raw('"');
            } else {
                out.ascii(value.toString());
            }
        } else if (value.getClass() == BigInteger.class || value.getClass() == BigDecimal.class) {
            out.ascii(value.toString());
        } else {
            text(value);
        }
    }

    /** The text of an object that is no JSON, or is one; its {@code toString} may do anything. */
    private void text(Object value) {
        String text;
        try {
            text = value.toString();
        } catch (Throwable e) {
            Warnings.once("toString:" + value.getClass().getName(), "toString of " + value.getClass().getName() + " failed", e);
            text = ELLIPSIS;
        }
        string(text == null ? ELLIPSIS : text);
    }

    private void string(String text) {
        out.string(masks.text(text, cap), until);
    }

    private boolean enters(Object container, int level) {
        if (level >= DEPTH_MAX) {
            out.string(ELLIPSIS);
            return false;
        }
        for (int i = 0; i < level; i++) {
            if (path[i] == container) {
                out.string(CYCLE);
                return false;
            }
        }
        path[level] = container;
        return true;
    }

    private void broken(Object container, int level, int start, Throwable e) {
        Warnings.once("payload:" + container.getClass().getName(), "a " + container.getClass().getName() + " could not be read", e);
        path[level] = null;
        out.rewind(start);
        out.string(ELLIPSIS);
    }

    private void map(Map<?, ?> map, int level) {
        if (!enters(map, level)) {
            return;
        }
        int start = out.length();
        try {
            out.raw('{');
            boolean first = true;
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                if (out.length() > until) {
                    break;
                }
                if (!first) {
                    out.raw(',');
                }
                first = false;
                String key = String.valueOf(entry.getKey());
                out.string(key, until).raw(':');
                if (masks.hasKeys() && masks.hidesKey(key)) {
                    out.ascii("\"***\"");
                } else {
                    value(entry.getValue(), level + 1, true);
                }
            }
            out.raw('}');
        } catch (Throwable e) {
            broken(map, level, start, e);
        }
        path[level] = null;
    }

    private void collection(Collection<?> items, int level) {
        if (!enters(items, level)) {
            return;
        }
        int start = out.length();
        try {
            out.raw('[');
            boolean first = true;
            for (Object item : items) {
                if (out.length() > until) {
                    break;
                }
                if (!first) {
                    out.raw(',');
                }
                first = false;
                value(item, level + 1, true);
            }
            out.raw(']');
        } catch (Throwable e) {
            broken(items, level, start, e);
        }
        path[level] = null;
    }

    private void array(Object items, int level) {
        if (!enters(items, level)) {
            return;
        }
        out.raw('[');
        int count = Array.getLength(items);
        for (int i = 0; i < count && out.length() <= until; i++) {
            if (i > 0) {
                out.raw(',');
            }
            value(Array.get(items, i), level + 1, true);
        }
        out.raw(']');
        path[level] = null;
    }
}
