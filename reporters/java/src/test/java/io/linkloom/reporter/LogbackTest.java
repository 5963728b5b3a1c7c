package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.read.ListAppender;
import io.linkloom.reporter.errors.ErrorEvent;
import io.linkloom.reporter.errors.ErrorReporter;
import io.linkloom.reporter.errors.ErrorReporters;
import io.linkloom.reporter.logback.LinkloomAppender;
import io.linkloom.reporter.logback.LinkloomEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** slf4j and Logback: what is logged is reported once, and every exception reaches the error platform once. */
class LogbackTest {
    private final LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    private final ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    private final Logger log = LoggerFactory.getLogger("app");
    private final ListAppender<ILoggingEvent> ordinary = new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
            event.prepareForDeferredProcessing();
            event.getCallerData();
            super.append(event);
        }
    };
    private final List<ErrorEvent> platform = new ArrayList<>();
    private final ErrorReporter errors = platform::add;
    private Captured captured;

    @BeforeEach
    void begin() {
        captured = new Captured();
        ordinary.setContext(context);
        ordinary.start();
        root.addAppender(ordinary);
        ErrorReporters.add(errors);
    }

    @AfterEach
    void end() {
        root.detachAndStopAllAppenders();
        root.setLevel(Level.INFO);
        ErrorReporters.remove(errors);
        MDC.clear();
        captured.close();
    }

    private void appender() {
        LinkloomAppender appender = new LinkloomAppender();
        appender.setContext(context);
        appender.start();
        root.addAppender(appender);
    }

    @Test
    void ordinaryLoggersReport() {
        appender();
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e");
                NodeRun run = TraceUtils.node("picProcess").start()) {
            log.atWarn().addKeyValue("contentId", 42).log("picProcess failed, contentId:{}", 42);
            log.info("stored {}", Fact.of("rows", 3));
            log.debug("off");
            run.complete();
        }
        List<Map<String, Object>> logs = captured.logs();
        assertEquals(2, logs.size());
        assertEquals("picProcess failed, contentId:42", logs.get(0).get("message"));
        assertEquals("WARN", logs.get(0).get("level"));
        assertEquals(Map.of("contentId", 42L), logs.get(0).get("data"));
        assertEquals("picProcess", logs.get(0).get("nodeName"));
        assertEquals("b", logs.get(0).get("businessId"));
        assertEquals(Map.of("rows", 3L), logs.get(1).get("data"));
        assertEquals("stored rows=3", logs.get(1).get("message"));
    }

    @Test
    void theContextIsInTheMdc() {
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            assertEquals("b_s_e", MDC.get("linkMark"));
            try (NodeRun run = TraceUtils.node("n").start()) {
                assertEquals("n", MDC.get("linkloom.node"));
                run.complete();
            }
            log.info("m");
        }
        assertEquals("b_s_e", ordinary.list.get(0).getMDCPropertyMap().get("linkMark"));
        assertTrue(MDC.getCopyOfContextMap() == null || MDC.getCopyOfContextMap().isEmpty(), "nothing is left");
    }

    @Test
    void aMarkAndATraceOthersPutIntoTheMdc() {
        appender();
        MDC.put("linkMark", "b_s_e");
        MDC.put("traceId", "4bf92f3577b34da6a3ce929d0e0e4736");
        MDC.put("spanId", "00f067aa0ba902b7");
        log.info("m");
        TraceUtils.node("n").skip(null);
        assertEquals("b", captured.logs().get(0).get("businessId"));
        assertEquals("4bf92f3577b34da6a3ce929d0e0e4736", captured.logs().get(0).get("traceId"));
        assertEquals("00f067aa0ba902b7", captured.nodes().get(0).get("spanId"));
        assertEquals("e", captured.nodes().get(0).get("executionId"));
    }

    @Test
    void theContextCrossesAnAsyncAppender() {
        LinkloomAppender appender = new LinkloomAppender();
        appender.setContext(context);
        appender.start();
        AsyncAppender async = new AsyncAppender();
        async.setContext(context);
        async.addAppender(appender);
        async.start();
        root.addAppender(async);
        try (LinkScope link = TraceUtils.passLinkMark("a_b", "s_c", "e_d");
                NodeRun run = TraceUtils.node("n").start()) {
            log.error("m", new IllegalStateException("i"));
            TraceLogger.warn("once");
            run.complete();
        }
        log.info("without");
        async.stop();
        List<Map<String, Object>> logs = captured.logs().stream().filter(each -> !each.get("message").equals("once")).collect(Collectors.toList());
        assertEquals(List.of("m", "without"), logs.stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals("s_c", logs.get(0).get("sceneId"));
        assertEquals("n", logs.get(0).get("nodeName"));
        assertFalse(logs.get(1).containsKey("businessId"));
        assertEquals(3, captured.logs().size());
    }

    @Test
    void anExceptionIsReportedOnceAndReachesTheErrorPlatformOnce() {
        appender();
        Exception failure = new IllegalStateException("row not written");
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            TraceLogger.error("update struct failed, param:{}", "json", failure);
        }
        assertEquals(1, captured.logs().size(), "the appender saw it, too, and left it");
        assertEquals("update struct failed, param:json", captured.last().get("message"));
        assertEquals("java.lang.IllegalStateException", ((Map<?, ?>) captured.last().get("exception")).get("type"));
        assertEquals(1, ordinary.list.size(), "it is in the application's own log");
        assertEquals("update struct failed, param:json", ordinary.list.get(0).getFormattedMessage());
        assertEquals(failure.getMessage(), ordinary.list.get(0).getThrowableProxy().getMessage());
        assertEquals(1, platform.size());
        assertEquals(failure, platform.get(0).thrown());
        assertEquals("b", platform.get(0).context().mark().businessId());

        // The caller logs what it was thrown, with an ordinary logger.
        log.error("failed", failure);
        assertEquals(2, captured.logs().size(), "another log");
        assertEquals(1, platform.size(), "the same exception");
        log.error("failed", new IllegalStateException("another"));
        assertEquals(2, platform.size());
        assertEquals("app", platform.get(1).logger());
    }

    @Test
    void anErrorReporterMayFailAndLog() {
        appender();
        ErrorReporter hostile = event -> {
            log.error("within", new RuntimeException("of the error reporter"));
            throw new IllegalStateException();
        };
        ErrorReporters.add(hostile);
        try {
            log.error("m", new RuntimeException("r"));
        } finally {
            ErrorReporters.remove(hostile);
        }
        assertEquals(2, captured.logs().size());
        assertEquals(1, platform.size());
    }

    @Test
    void instanceLoggersReport() {
        appender();
        Logger traced = TraceLoggerFactory.getLogger(LogbackTest.class);
        traced.info("one {}", 1);
        traced.error("two", new RuntimeException("r"));
        traced.debug("off");
        traced.atInfo().log("three");
        assertEquals(List.of("one 1", "two", "three"), captured.logs().stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals(3, ordinary.list.size());
        assertEquals(LogbackTest.class.getName(), ordinary.list.get(0).getLoggerName());
        assertEquals(LogbackTest.class.getName(), ordinary.list.get(0).getCallerData()[0].getClassName(), "who called");
        assertEquals(1, platform.size());
    }

    @Test
    void levelsAreThoseOfTheLogger() {
        TraceLogger.debug("off {}", new Object() {
            @Override
            public String toString() {
                throw new AssertionError("not even formatted");
            }
        });
        root.setLevel(Level.DEBUG);
        TraceLogger.debug("on");
        assertEquals(1, captured.logs().size());
        TraceLogger.info("m");
        assertEquals(LogbackTest.class.getName(), ordinary.list.get(1).getCallerData()[0].getClassName(), "who called");
    }

    @Test
    void theEncoderWritesReportLines(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("reports.ndjson");
        LinkloomEncoder encoder = new LinkloomEncoder();
        encoder.setContext(context);
        encoder.start();
        FileAppender<ILoggingEvent> appender = new FileAppender<>();
        appender.setContext(context);
        appender.setFile(file.toString());
        appender.setEncoder(encoder);
        appender.start();
        root.addAppender(appender);
        try (LinkScope link = TraceUtils.passLinkMark("b", "s", "e")) {
            log.info("one");
            TraceLogger.info("reported already");
            log.error("two", new RuntimeException("r"));
        }
        appender.stop();
        List<Map<String, Object>> reports = Files.readAllLines(file).stream().map(Json::object).collect(Collectors.toList());
        assertEquals(List.of("one", "two"), reports.stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals("e", reports.get(1).get("executionId"));
        assertEquals(List.of("reported already"), captured.logs().stream().map(each -> each.get("message")).collect(Collectors.toList()));
        assertEquals(List.of(0L, 1L, 2L), List.of(reports.get(0).get("seq"), captured.last().get("seq"), reports.get(1).get("seq")));
        assertEquals(1, platform.size());
    }
}
