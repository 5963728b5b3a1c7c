package io.linkloom.reporter.core;

import io.linkloom.reporter.MaskRule;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Mask rules, ready to be applied. */
public final class Masks {
    public static final Masks NONE = new Masks(List.of());
    public static final String MASKED = "***";
    /** Longer than anything a ready rule finds. */
    private static final int MATCH_CHARS_MAX = 1024;

    private final List<MaskRule> rules;
    private final String[] keys;
    private final Pattern[] keyPatterns;
    private final MaskRule[] texts;
    private final boolean bounded;

    public Masks(List<MaskRule> rules) {
        this.rules = List.copyOf(rules);
        List<String> keys = new ArrayList<>();
        List<Pattern> patterns = new ArrayList<>();
        List<MaskRule> texts = new ArrayList<>();
        boolean bounded = true;
        for (MaskRule rule : rules) {
            switch (rule.kind()) {
                case KEY:
                    keys.add(rule.key());
                    break;
                case KEY_PATTERN:
                    patterns.add(rule.pattern());
                    break;
                default:
                    texts.add(rule);
                    bounded &= rule.isBounded();
            }
        }
        this.keys = keys.toArray(new String[0]);
        this.keyPatterns = patterns.toArray(new Pattern[0]);
        this.texts = texts.toArray(new MaskRule[0]);
        this.bounded = bounded;
    }

    /** These rules and the given keys. */
    public Masks withKeys(String... more) {
        if (more == null || more.length == 0) {
            return this;
        }
        List<MaskRule> all = new ArrayList<>(rules);
        for (String key : more) {
            all.add(MaskRule.key(key));
        }
        return new Masks(all);
    }

    public boolean hasKeys() {
        return keys.length + keyPatterns.length > 0;
    }

    public boolean hidesKey(String key) {
        for (String hidden : keys) {
            if (equalsAscii(hidden, key)) {
                return true;
            }
        }
        for (Pattern pattern : keyPatterns) {
            try {
                if (pattern.matcher(key).find()) {
                    return true;
                }
            } catch (RuntimeException | StackOverflowError e) {
                Warnings.once("mask", "a mask could not be applied to a key, its value is masked: " + pattern.pattern(), e);
                return true;
            }
        }
        return false;
    }

    private static boolean equalsAscii(String a, String b) {
        if (a.length() != b.length()) {
            return false;
        }
        for (int i = 0; i < a.length(); i++) {
            if (lower(a.charAt(i)) != lower(b.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }

    /**
     * The text with everything masked that the rules find. Of a text of which only {@code shown} characters can be seen in the end, a part
     * may be left out behind those.
     */
    public String text(String text, int shown) {
        if (texts.length == 0 || text.isEmpty()) {
            return text;
        }
        String masked = text;
        boolean cut = bounded && text.length() > 8L * shown + 4 * MATCH_CHARS_MAX;
        if (cut) {
            masked = text.substring(0, 8 * shown + 4 * MATCH_CHARS_MAX);
        }
        try {
            for (MaskRule rule : texts) {
                masked = rule.kind() == MaskRule.Kind.BANK_CARD ? cards(masked) : replaced(rule.pattern(), masked);
            }
        } catch (RuntimeException | StackOverflowError e) {
            Warnings.once("mask", "a mask could not be applied, the whole text is masked", e);
            return MASKED;
        }
        // What the cut may have made unrecognisable goes.
        return cut ? masked.substring(0, Math.max(0, masked.length() - MATCH_CHARS_MAX)) + '…' : masked;
    }

    private static String replaced(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int from = 0;
        do {
            if (matcher.end() > matcher.start()) {
                out.append(text, from, matcher.start()).append(MASKED);
                from = matcher.end();
            }
        } while (matcher.find());
        return out.append(text, from, text.length()).toString();
    }

    private static String cards(String text) {
        StringBuilder out = null;
        int from = 0;
        int count = text.length();
        for (int at = 0; at < count; ) {
            if (!digit(text, at)) {
                at++;
                continue;
            }
            int end = digit(text, at - 1) ? -1 : cardEnd(text, at);
            if (end < 0) {
                at++;
                continue;
            }
            if (out == null) {
                out = new StringBuilder(count);
            }
            out.append(text, from, at).append(MASKED);
            from = end;
            at = end;
        }
        return out == null ? text : out.append(text, from, count).toString();
    }

    /** The end of the longest card number that begins here, or -1. */
    private static int cardEnd(String text, int start) {
        int[] digits = new int[19];
        int count = 0;
        int best = -1;
        for (int at = start; at < text.length() && count < 19; ) {
            if (digit(text, at)) {
                digits[count++] = text.charAt(at) - '0';
                at++;
                if (count >= 13 && !digit(text, at) && luhn(digits, count)) {
                    best = at;
                }
            } else if ((text.charAt(at) == ' ' || text.charAt(at) == '-') && digit(text, at + 1)) {
                at++;
            } else {
                break;
            }
        }
        return best;
    }

    private static boolean luhn(int[] digits, int count) {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            int digit = digits[count - 1 - i];
            if (i % 2 == 1) {
                digit *= 2;
                if (digit > 9) {
                    digit -= 9;
                }
            }
            sum += digit;
        }
        return sum % 10 == 0;
    }

    private static boolean digit(String text, int at) {
        return at >= 0 && at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9';
    }
}
