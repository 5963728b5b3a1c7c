package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.linkloom.reporter.core.Messages;
import java.nio.charset.StandardCharsets;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Nothing an application gives may hurt it. */
class HostileTest {
    private Captured captured = new Captured();

    @AfterEach
    void end() {
        captured.close();
    }

    private Object data(Object data) {
        Reporter.get().log("INFO", "m", data, null);
        return captured.last().get("data");
    }

    static final class NoText {
        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }
    }

    static final class Endless {
        @Override
        public String toString() {
            return toString();
        }
    }

    static final class NoMessage extends RuntimeException {
        @Override
        public String getMessage() {
            throw new IllegalStateException("no message");
        }

        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            throw new IllegalStateException("no stack");
        }
    }

    @Test
    void objectsWithoutText() {
        assertEquals("…", data(new NoText()));
        assertEquals("…", data(new Endless()));
        assertEquals(List.of("…", 1L), data(new Object[] {new NoText(), 1}));
        TraceLogger.error("a {} b {}", new NoText(), new Endless());
        assertEquals("a … b …", captured.last().get("message"));
    }

    @Test
    void exceptionsWithoutAnything() {
        TraceLogger.error("failed", new NoMessage());
        Map<?, ?> exception = (Map<?, ?>) captured.last().get("exception");
        assertEquals(NoMessage.class.getName(), exception.get("type"));
        assertNull(exception.get("message"));
    }

    @Test
    void exceptionsThatCauseEachOther() {
        RuntimeException a = new RuntimeException("a");
        RuntimeException b = new RuntimeException("b", a);
        a.initCause(b);
        a.addSuppressed(b);
        TraceLogger.error("failed", a);
        String stack = (String) ((Map<?, ?>) captured.last().get("exception")).get("stack");
        assertTrue(stack.startsWith("java.lang.RuntimeException: a\n\tat "), stack);
        assertTrue(stack.contains("Suppressed: java.lang.RuntimeException: b"), stack);
        assertTrue(stack.contains("[again]"), stack);
        Throwable deep = new RuntimeException("0");
        for (int i = 1; i < 100_000; i++) {
            deep = new RuntimeException("x", deep);
        }
        TraceLogger.error("failed", deep);
        assertEquals("x", ((Map<?, ?>) captured.last().get("exception")).get("message"));
    }

    @Test
    void causesAreInTheStackWithTheirFrames() {
        Exception failure = new IllegalStateException("row not written", new java.io.IOException("reset"));
        Reporter.get().log("ERROR", "m", null, failure);
        Map<?, ?> exception = (Map<?, ?>) captured.last().get("exception");
        java.io.StringWriter printed = new java.io.StringWriter();
        failure.printStackTrace(new java.io.PrintWriter(printed));
        assertEquals(printed.toString().replace("\r\n", "\n").trim(), exception.get("stack"), "as the language prints it");
    }

    @Test
    void recursion() {
        List<Object> loop = new ArrayList<>();
        Map<String, Object> within = new LinkedHashMap<>();
        loop.add(1);
        loop.add(within);
        within.put("again", loop);
        assertEquals(List.of(1L, Map.of("again", "…cycle")), data(loop));
        Object deep = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            deep = Collections.singletonList(deep);
        }
        assertTrue(String.valueOf(data(deep)).contains("…"));
    }

    @Test
    void mapsThatNeverEndOrBreak() {
        assertTrue(data(new AbstractMap<Integer, Integer>() {
            @Override
            public Set<Map.Entry<Integer, Integer>> entrySet() {
                return new java.util.AbstractSet<Map.Entry<Integer, Integer>>() {
                    @Override
                    public java.util.Iterator<Map.Entry<Integer, Integer>> iterator() {
                        return java.util.stream.Stream.iterate(Map.entry(0, 0), e -> Map.entry(e.getKey() + 1, 0)).iterator();
                    }

                    @Override
                    public int size() {
                        return 1;
                    }
                };
            }
        }) instanceof String);
        assertEquals(Map.of("a", "…"), data(Map.of("a", new AbstractMap<String, String>() {
            @Override
            public Set<Map.Entry<String, String>> entrySet() {
                throw new java.util.ConcurrentModificationException();
            }
        })));
    }

    @Test
    void tenMegabytes() {
        String huge = "é\"".repeat(5_000_000);
        String data = (String) data(huge);
        assertTrue(data.endsWith("…"));
        TraceLogger.info("huge: {}", huge);
        String message = (String) captured.last().get("message");
        assertTrue(message.getBytes(StandardCharsets.UTF_8).length <= 65536);
        assertTrue(data(new byte[10_000_000]) instanceof String);
        try (Captured masked = new Captured(Settings.bare().mask(MaskRule.email(), MaskRule.bankCard()))) {
            Reporter.get().log("INFO", "a@b.cn 4111111111111111 ".repeat(500_000), null, null);
            assertTrue(((String) masked.last().get("message")).startsWith("*** *** *** "));
        }
    }

    @Test
    void aPatternThatOverflowsTheStackMasksEverything() {
        try (Captured masked = new Captured(Settings.bare().mask(MaskRule.textPattern("(?:secret|.)*x")))) {
            Reporter.get().log("INFO", "secret".repeat(100_000), null, null);
            assertEquals("***", masked.last().get("message"));
        }
    }

    @Test
    void everyCharacterAtEveryPlaceOfALongText() {
        for (char c : new char[] {0, 8, 0x1f, ' ', '!', '"', '#', '>', '?', '@', '[', '\\', ']', 0x7f, 0x80, 'é', '图', '\ud83d', '\ude42'}) {
            String expected = Character.isSurrogate(c) ? "\ufffd" : String.valueOf(c);
            for (int length = 28; length < 60; length++) {
                for (int at = 0; at < length; at++) {
                    String text = "a".repeat(at) + c + "?".repeat(at % 2) + "z".repeat(length - at - 1);
                    String json = new io.linkloom.reporter.core.Bytes(16).string(text).toString();
                    assertEquals("a".repeat(at) + expected + "?".repeat(at % 2) + "z".repeat(length - at - 1), Json.parse(json));
                }
            }
        }
    }

    @Test
    void placeholders() {
        assertEquals("a 1 b {}", Messages.format("a {} b {}", 1));
        assertEquals("a 1", Messages.format("a {}", 1, 2));
        assertEquals("a {} 1", Messages.format("a \\{} {}", 1));
        assertEquals("a \\1", Messages.format("a \\\\{}", 1));
        assertEquals("a [1, [2]] [3]", Messages.format("a {} {}", new Object[] {1, new Object[] {2}}, new int[] {3}));
        assertEquals("a null", Messages.format("a {}", new Object[] {null}));
        assertNull(Messages.format(null, 1));
        assertEquals("a {}", Messages.format("a {}", new RuntimeException()));
        assertEquals("{", Messages.format("{", 1));
    }

    @Test
    void nullEverything() {
        TraceLogger.error(null);
        TraceLogger.error(null, (Object) null);
        TraceLogger.error(null, (Object[]) null);
        Reporter.get().log(null, null, null, null);
        TraceUtils.node(null).start(null).complete(null);
        TraceUtils.reportNode(null, null, "RUNNING");
        TraceUtils.reportNode(null, null, "COMPLETED");
        TraceUtils.reportNode("n", null, (String) null);
        try (LinkScope nothing = TraceUtils.passLinkMark((String) null);
                LinkScope none = TraceUtils.passLinkMark(null, null, null)) {
            TraceLogger.info("m");
        }
        assertEquals(10, captured.reports().size());
        assertFalse(captured.last().containsKey("attributes"));
    }

    @Test
    void oddMarks() {
        try (LinkScope link = TraceUtils.passLinkMark("no mark")) {
            TraceLogger.info("m");
        }
        assertEquals(Map.of("invalidMark", Map.of("businessId", "no mark")), captured.last().get("attributes"));
        try (LinkScope link = TraceUtils.passLinkMark("a_b\u0000_c", "s\n", "\ud83d")) {
            TraceLogger.info("m");
        }
        assertEquals("a_b\u0000_c", captured.last().get("businessId"));
        assertEquals("\ufffd", captured.last().get("executionId"));
    }

    @Test
    void anObjectThatReportsWhileItIsReported() {
        assertEquals("chatty", data(new Object() {
            @Override
            public String toString() {
                TraceLogger.info("within");
                return "chatty";
            }
        }));
        assertEquals(List.of("within", "m"), List.of(captured.reports().get(0).get("message"), captured.reports().get(1).get("message")));
    }

    @Test
    void aConverterTurnsObjectsIntoJson() {
        captured.close();
        captured = new Captured(Settings.bare().mask(MaskRule.key("password")).converter(o -> {
            if (o instanceof NoText) {
                throw new IllegalStateException();
            }
            return Map.of("password", "p");
        }));
        assertEquals(List.of(Map.of("password", "***"), "…"), data(List.of(new StringBuilder("text").chars(), new NoText())));
    }
}
