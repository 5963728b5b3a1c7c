package io.linkloom.reporter;

/**
 * An argument of a log that is also a fact: {@code log.info("stored {}", Fact.of("contentId", 42))} reads "stored contentId=42" and has
 * {@code {"contentId":42}} as its data.
 */
public final class Fact {
    private final String key;
    private final Object value;

    private Fact(String key, Object value) {
        this.key = key;
        this.value = value;
    }

    public static Fact of(String key, Object value) {
        return new Fact(String.valueOf(key), value);
    }

    public String key() {
        return key;
    }

    public Object value() {
        return value;
    }

    @Override
    public String toString() {
        return key + '=' + value;
    }
}
