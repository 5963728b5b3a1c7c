package io.linkloom.reporter;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Just enough JSON for the tests: objects are ordered maps, numbers Long, BigInteger or Double. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.blank();
        if (json.at != text.length()) {
            throw new IllegalArgumentException("more than one value at " + json.at + " in " + text);
        }
        return value;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(String text) {
        return (Map<String, Object>) parse(text);
    }

    private void blank() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private void expect(char c) {
        if (at >= text.length() || text.charAt(at) != c) {
            throw new IllegalArgumentException("expected '" + c + "' at " + at + " in " + text);
        }
        at++;
    }

    private Object value() {
        blank();
        char c = text.charAt(at);
        switch (c) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            default:
                if (text.startsWith("true", at)) {
                    at += 4;
                    return true;
                }
                if (text.startsWith("false", at)) {
                    at += 5;
                    return false;
                }
                if (text.startsWith("null", at)) {
                    at += 4;
                    return null;
                }
                return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        expect('{');
        blank();
        if (text.charAt(at) == '}') {
            at++;
            return map;
        }
        while (true) {
            blank();
            String key = string();
            blank();
            expect(':');
            if (map.put(key, value()) != null) {
                throw new IllegalArgumentException("twice: " + key);
            }
            blank();
            if (text.charAt(at) == ',') {
                at++;
            } else {
                expect('}');
                return map;
            }
        }
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        expect('[');
        blank();
        if (text.charAt(at) == ']') {
            at++;
            return list;
        }
        while (true) {
            list.add(value());
            blank();
            if (text.charAt(at) == ',') {
                at++;
            } else {
                expect(']');
                return list;
            }
        }
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        expect('"');
        while (true) {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c < 0x20) {
                throw new IllegalArgumentException("a control character at " + at + " in " + text);
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            c = text.charAt(at++);
            int escape = "bfnrt\"\\/".indexOf(c);
            if (escape >= 0) {
                out.append("\b\f\n\r\t\"\\/".charAt(escape));
            } else {
                out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                at += 4;
            }
        }
    }

    private Number number() {
        int from = at;
        while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(from, at);
        if (number.matches("-?[0-9]+")) {
            BigInteger whole = new BigInteger(number);
            return whole.bitLength() < 64 ? (Number) whole.longValue() : whole;
        }
        return Double.valueOf(number);
    }
}
