package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.linkloom.reporter.core.ExceptionInfo;
import io.linkloom.reporter.core.Report;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The vectors all toolkits share. */
class ConformanceTest {
    private static final Map<String, Object> VECTORS = read();

    private static Map<String, Object> read() {
        try {
            String path = System.getProperty("linkloom.conformance", "../../schema/conformance/reporter-v1.json");
            return Json.object(Files.readString(Paths.get(path)));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> cases() {
        List<Map<String, Object>> cases = list("cases");
        assertTrue(cases.size() >= 60, "all vectors are there");
        return cases.stream().map(each -> dynamicTest((String) each.get("name"), () -> {
            List<Object> expected = cast(each.get("lines"));
            List<String> lines = play(each);
            for (int i = 0; i < Math.min(expected.size(), lines.size()); i++) {
                assertEquals(expected.get(i), lines.get(i), "line " + i);
            }
            assertEquals(expected.size(), lines.size());
            assertEquals(LinkContext.NONE, LinkContext.current(), "nothing is left on the thread");
        }));
    }

    private static List<String> play(Map<String, Object> each) {
        List<String> lines = new ArrayList<>();
        long[] time = {0};
        Reporter reporter = new Reporter(settings(cast(each.get("settings"))), () -> time[0], (line, rank) -> {
            String text = new String(line, StandardCharsets.UTF_8);
            assertTrue(text.endsWith("\n"));
            lines.add(text.substring(0, text.length() - 1));
        });
        Deque<NodeRun> open = new ArrayDeque<>();
        try (LinkScope scope = context(cast(each.get("context"))).enter()) {
            for (Object one : ConformanceTest.<List<Object>>cast(each.get("calls"))) {
                Map<String, Object> call = cast(one);
                time[0] = (Long) call.get("time");
                call(reporter, open, call);
            }
        }
        return lines;
    }

    private static void call(Reporter reporter, Deque<NodeRun> open, Map<String, Object> call) {
        switch ((String) call.get("call")) {
            case "log":
                Report report = new Report();
                report.context = LinkContext.current();
                report.nodeName = report.context.node();
                report.time = reporter.micros();
                report.level = (String) call.get("level");
                report.message = call.containsKey("messageUtf16") ? utf16(cast(call.get("messageUtf16"))) : (String) call.get("message");
                report.data = call.get("data");
                report.exception = exception(cast(call.get("exception")));
                report.meta = call.get("meta");
                reporter.report(report);
                break;
            case "start":
                NodeStart start = reporter.node((String) call.get("node")).input(call.get("input")).meta(call.get("meta"));
                if (call.get("iteration") != null) {
                    start.iteration((Long) call.get("iteration"));
                }
                open.push(start.subExecutionId((String) call.get("subExecutionId")).start());
                break;
            case "complete":
                ending(open, call).complete(call.get("output"));
                break;
            case "fail":
                ending(open, call).end("FAILED", call.get("output"), exception(cast(call.get("error"))), reporter.micros());
                break;
            case "skip":
                if (call.get("node") != null) {
                    reporter.node((String) call.get("node")).skip(call.get("reason"));
                } else {
                    ending(open, call).skip(call.get("reason"));
                }
                break;
            default:
                throw new IllegalArgumentException(call.toString());
        }
    }

    private static NodeRun ending(Deque<NodeRun> open, Map<String, Object> call) {
        return open.pop()
                .outcome((String) call.get("case"))
                .subExecutionId((String) call.get("subExecutionId"))
                .meta(call.get("meta"));
    }

    private static String utf16(List<Object> units) {
        StringBuilder text = new StringBuilder();
        units.forEach(unit -> text.append((char) ((Long) unit).intValue()));
        return text.toString();
    }

    private static ExceptionInfo exception(Map<String, Object> given) {
        if (given == null) {
            return null;
        }
        List<ExceptionInfo.Cause> causes = new ArrayList<>();
        if (given.get("causes") != null) {
            for (Object one : ConformanceTest.<List<Object>>cast(given.get("causes"))) {
                Map<String, Object> cause = cast(one);
                causes.add(new ExceptionInfo.Cause((String) cause.get("type"), (String) cause.get("message")));
            }
        }
        return new ExceptionInfo((String) given.get("type"), (String) given.get("message"), (String) given.get("stack"), causes);
    }

    private static Settings settings(Map<String, Object> given) {
        Settings.Builder settings = Settings.bare()
                .service((String) given.get("service"))
                .instance((String) given.get("instance"))
                .host((String) given.get("host"))
                .noHost()
                .boot((Long) given.get("boot"));
        if (given.get("masks") != null) {
            for (Object one : ConformanceTest.<List<Object>>cast(given.get("masks"))) {
                Map.Entry<String, Object> mask = ConformanceTest.<Map<String, Object>>cast(one).entrySet().iterator().next();
                String of = (String) mask.getValue();
                settings.mask(mask.getKey().equals("key") ? MaskRule.key(of)
                        : mask.getKey().equals("keyPattern") ? MaskRule.keyPattern(of)
                        : mask.getKey().equals("textPattern") ? MaskRule.textPattern(of)
                        : MaskRule.text(of));
            }
        }
        Map<String, Object> caps = cast(given.get("caps"));
        if (caps != null) {
            settings.caps(new Caps(cap(caps, "payload"), cap(caps, "message"), cap(caps, "stack")));
        }
        return settings.build();
    }

    private static int cap(Map<String, Object> caps, String key) {
        return ((Long) caps.get(key)).intValue();
    }

    private static LinkMark mark(Map<String, Object> given) {
        return given == null
                ? null
                : new LinkMark((String) given.get("businessId"), (String) given.get("sceneId"), (String) given.get("executionId"));
    }

    private static LinkContext context(Map<String, Object> given) {
        return LinkContext.NONE
                .withMark(mark(cast(given.get("mark"))))
                .withNode((String) given.get("node"))
                .withParentNode((String) given.get("parentNode"))
                .withTrace((String) given.get("traceId"), (String) given.get("spanId"));
    }

    @TestFactory
    Stream<DynamicTest> baggage() {
        return list("baggage").stream().map(each -> dynamicTest(String.valueOf(each.get("header")), () -> assertEquals(each.get("header"),
                Baggage.write(mark(cast(each.get("mark"))), (String) each.get("parentNode"), (String) each.get("existing")))));
    }

    @TestFactory
    Stream<DynamicTest> baggageIn() {
        return list("baggageIn").stream().map(each -> dynamicTest("header " + each.get("header"), () -> {
            LinkContext read = Baggage.read((String) each.get("header"));
            assertEquals(mark(cast(each.get("mark"))), read.mark());
            assertEquals(each.get("parentNode"), read.parentNode());
        }));
    }

    @TestFactory
    Stream<DynamicTest> traceparentIn() {
        return list("traceparentIn").stream().map(each -> dynamicTest("header " + each.get("header"), () -> {
            String[] read = Baggage.traceparent((String) each.get("header"));
            assertEquals(each.get("traceId"), read == null ? null : read[0]);
            assertEquals(each.get("spanId"), read == null ? null : read[1]);
        }));
    }

    @TestFactory
    Stream<DynamicTest> markText() {
        return list("markText").stream()
                .map(each -> dynamicTest("text " + each.get("text"), () -> assertEquals(each.get("text"), mark(cast(each.get("mark"))).text())));
    }

    @TestFactory
    Stream<DynamicTest> markTextIn() {
        return list("markTextIn").stream().map(each ->
                dynamicTest("text " + each.get("text"), () -> assertEquals(mark(cast(each.get("mark"))), LinkMark.parse((String) each.get("text")))));
    }

    private static List<Map<String, Object>> list(String part) {
        return cast(VECTORS.get(part));
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }
}
