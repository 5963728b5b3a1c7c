package io.linkloom.reporter;

import java.util.Objects;
import java.util.regex.Pattern;

/** One rule of what must not leave the process. What it finds is written as {@code ***}. */
public final class MaskRule {
    /** What a rule looks at. */
    public enum Kind {
        KEY,
        KEY_PATTERN,
        TEXT_PATTERN,
        BANK_CARD
    }

    private final Kind kind;
    private final String key;
    private final Pattern pattern;
    private final boolean ready;

    private MaskRule(Kind kind, String key, Pattern pattern, boolean ready) {
        this.kind = kind;
        this.key = key;
        this.pattern = pattern;
        this.ready = ready;
    }

    /** The value of every key that equals this one but for the case of ASCII letters, at any level. */
    public static MaskRule key(String key) {
        return new MaskRule(Kind.KEY, Objects.requireNonNull(key, "key"), null, true);
    }

    /** The value of every key in which the regular expression is found, whatever its case. */
    public static MaskRule keyPattern(String pattern) {
        return new MaskRule(Kind.KEY_PATTERN, null, Pattern.compile(pattern, Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE), true);
    }

    /** Every match of the regular expression within a string. */
    public static MaskRule textPattern(String pattern) {
        return new MaskRule(Kind.TEXT_PATTERN, null, Pattern.compile(pattern), false);
    }

    /** E-mail addresses. */
    public static MaskRule email() {
        return ready("[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63}){1,8}");
    }

    /** Mobile phone numbers of China. */
    public static MaskRule phone() {
        return ready("(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])");
    }

    /** Identity card numbers of China. */
    public static MaskRule idCard() {
        return ready("(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])");
    }

    /** Bank card numbers: 13 to 19 digits that pass the Luhn check, with single spaces or hyphens between them. */
    public static MaskRule bankCard() {
        return new MaskRule(Kind.BANK_CARD, null, null, true);
    }

    /** A ready rule by its name: {@code email}, {@code phone}, {@code idCard}, {@code bankCard}. */
    public static MaskRule text(String name) {
        switch (name) {
            case "email":
                return email();
            case "phone":
                return phone();
            case "idCard":
                return idCard();
            case "bankCard":
                return bankCard();
            default:
                throw new IllegalArgumentException(
                        "mask: there is no ready rule \"" + name + "\"; there are email, phone, idCard, bankCard");
        }
    }

    private static MaskRule ready(String pattern) {
        return new MaskRule(Kind.TEXT_PATTERN, null, Pattern.compile(pattern), true);
    }

    public Kind kind() {
        return kind;
    }

    /** The key of {@link Kind#KEY}. */
    public String key() {
        return key;
    }

    /** The regular expression of the two kinds that have one. */
    public Pattern pattern() {
        return pattern;
    }

    /** Whether the length of what the rule can find is bounded. */
    public boolean isBounded() {
        return ready;
    }
}
