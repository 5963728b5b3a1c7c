package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.linkloom.reporter.errors.ErrorReporter;
import io.linkloom.reporter.errors.ErrorReporters;
import io.linkloom.reporter.log4j2.AppenderErrorReporter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.logging.log4j.ThreadContext;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.apache.logging.log4j.message.StringMapMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Log4j 2, configured by {@code log4j2-test.xml}. */
class Log4jTest {
    /** The kind of appender an error platform comes with. */
    private static final class ErrorAppender extends AbstractAppender {
        private final List<LogEvent> seen = new ArrayList<>();

        ErrorAppender() {
            super("errors", null, null, true, Property.EMPTY_ARRAY);
        }

        @Override
        public void append(LogEvent event) {
            seen.add(event.toImmutable());
        }
    }

    private final Logger log = LogManager.getLogger("direct");
    private final ErrorAppender platform = new ErrorAppender();
    private final ErrorReporter errors = new AppenderErrorReporter(platform);
    private Captured captured;

    @BeforeEach
    void begin() {
        captured = new Captured();
        platform.start();
        ErrorReporters.add(errors);
    }

    @AfterEach
    void end() {
        ErrorReporters.remove(errors);
        ThreadContext.clearAll();
        captured.close();
    }

    @Test
    void ordinaryLoggersReport() {
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e");
                NodeRun run = TraceUtils.node("n").start()) {
            log.info("stored {}", Fact.of("rows", 3));
            log.warn(new StringMapMessage().with("contentId", "42"));
            log.log(Level.forName("NOTICE", 350), "of its own");
            log.fatal("fatal");
            run.complete();
        }
        List<Map<String, Object>> logs = captured.logs();
        assertEquals(List.of("INFO", "WARN", "NOTICE", "FATAL"), logs.stream().map(each -> each.get("level")).collect(Collectors.toList()));
        assertEquals(Map.of("rows", 3L), logs.get(0).get("data"));
        assertEquals(Map.of("contentId", "42"), logs.get(1).get("data"));
        assertEquals("n", logs.get(3).get("nodeName"));
        assertEquals("b", logs.get(3).get("businessId"));
    }

    @Test
    void theErrorAppenderSeesEachExceptionOnce() {
        Exception failure = new IllegalStateException("row not written");
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            TraceLogger.error("update struct failed, param:{}", "json", failure);
            log.error("failed", failure);
            log.error("no exception");
        }
        assertEquals(3, captured.logs().size());
        assertEquals(1, platform.seen.size());
        assertEquals(failure, platform.seen.get(0).getThrown());
        assertEquals(Level.ERROR, platform.seen.get(0).getLevel());
        assertEquals("update struct failed, param:json", platform.seen.get(0).getMessage().getFormattedMessage());
    }

    @Test
    void theMarkerOfWhatIsReportedIsKnown() {
        log.info(org.apache.logging.log4j.MarkerManager.getMarker("LINKLOOM_REPORTED"), "reported already");
        assertTrue(captured.logs().isEmpty());
    }

    @Test
    void theContextCrossesAnAsyncAppender() throws Exception {
        ThreadContext.put("linkMark", "b_s_e");
        LogManager.getLogger("async").error("m", new RuntimeException("r"));
        ThreadContext.clearAll();
        LogManager.getLogger("async").info("without");
        Appender async = LoggerContext.getContext(false).getConfiguration().getAppender("async");
        async.stop();
        async.start();
        List<Map<String, Object>> logs = captured.logs();
        assertEquals(List.of("m", "without"), logs.stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals("e", logs.get(0).get("executionId"));
        assertFalse(logs.get(1).containsKey("executionId"));
    }

    @Test
    void theLayoutWritesReportLines() throws Exception {
        Path file = Paths.get("target/log4j2-test.ndjson");
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            LogManager.getLogger("file").info("图片 {}\n", 1);
            LogManager.getLogger("file").error("two", new RuntimeException("r"));
        }
        List<Map<String, Object>> reports = Files.readAllLines(file).stream().map(Json::object).collect(Collectors.toList());
        assertEquals(List.of("图片 1\n", "two"), reports.stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals("b", reports.get(1).get("businessId"));
        assertTrue(captured.logs().isEmpty());
        assertEquals(1, platform.seen.size());
    }
}
