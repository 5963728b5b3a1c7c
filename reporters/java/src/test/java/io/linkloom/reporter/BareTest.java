package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The toolkit alone: no slf4j, no framework, nothing set up. */
class BareTest {
    public static final class Alone {
        interface Work {
            @TraceNode(nodeName = "work")
            int work(int x);
        }

        public static void main(String[] args) {
            try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
                TraceProxy.of(Work.class, x -> {
                    TraceLogger.error("failed, param:{}", x, new IllegalStateException("i"));
                    TraceLogger.debug("off");
                    return x + 1;
                }).work(1);
            }
        }
    }

    @Test
    void itReportsToStdout() throws Exception {
        String path = List.of(Reporter.class, BareTest.class).stream()
                .map(of -> Paths.get(location(of)).toString())
                .collect(Collectors.joining(System.getProperty("path.separator")));
        Path java = Paths.get(System.getProperty("java.home"), "bin", "java");
        Process child = new ProcessBuilder(java.toString(), "-cp", path, Alone.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<Map<String, Object>> reports = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .map(Json::object)
                .collect(Collectors.toList());
        assertEquals(0, child.waitFor());
        assertEquals(List.of("RUNNING", "ERROR", "COMPLETED"),
                reports.stream().map(each -> each.getOrDefault("status", each.get("level"))).collect(Collectors.toList()));
        assertEquals("failed, param:1", reports.get(1).get("message"));
        assertEquals("work", reports.get(1).get("nodeName"));
        assertEquals(2L, reports.get(2).get("output"));
    }

    private static java.net.URI location(Class<?> of) {
        try {
            return of.getProtectionDomain().getCodeSource().getLocation().toURI();
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
