package io.linkloom.reporter.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.NodeRun;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.Settings;
import io.linkloom.reporter.TraceUtils;
import io.linkloom.reporter.logback.LinkloomAppender;
import io.linkloom.reporter.logback.LinkloomEncoder;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a log call costs the application within an execution, from the call to the bytes: this toolkit beside Logback's own JSON encoder, in the
 * same run.
 *
 * <p>{@code logback} and {@code linkloom} are two encoders of one appender, into nothing ({@code null}) or a file; {@code appender} is the appender of this toolkit, whose
 * thread writes the file.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class LogBench {
    @Param({"logback-null", "linkloom-null", "logback-file", "linkloom-file", "appender-file"})
    public String way;

    private final Exception failure = new IllegalStateException("row not written", new java.io.IOException("reset"));
    private LoggerContext context;
    private Logger logger;
    private Path directory;
    private LinkScope link;

    @Setup
    public void begin() throws Exception {
        directory = Files.createTempDirectory("linkloom-bench");
        Reporter.install(Settings.builder().service("bench").instance("i").file(directory.resolve("reports.ndjson")).filesMax(1).build());
        // That of slf4j, so that the MDC is that of the events.
        context = (LoggerContext) org.slf4j.LoggerFactory.getILoggerFactory();
        context.reset();
        logger = context.getLogger("io.linkloom.reporter.bench.LogBench");
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        logger.addAppender(appender());
    }

    private Appender<ILoggingEvent> appender() {
        if (way.equals("appender-file")) {
            LinkloomAppender appender = new LinkloomAppender();
            appender.setContext(context);
            appender.start();
            return appender;
        }
        Encoder<ILoggingEvent> encoder = way.startsWith("logback") ? new JsonEncoder() : new LinkloomEncoder();
        encoder.setContext(context);
        encoder.start();
        OutputStreamAppender<ILoggingEvent> appender;
        if (way.endsWith("file")) {
            FileAppender<ILoggingEvent> file = new FileAppender<>();
            file.setFile(directory.resolve("log.ndjson").toString());
            file.setImmediateFlush(false);
            appender = file;
        } else {
            appender = new OutputStreamAppender<>();
            appender.setOutputStream(OutputStream.nullOutputStream());
        }
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.start();
        return appender;
    }

    @Setup(org.openjdk.jmh.annotations.Level.Iteration)
    public void enter() {
        link = TraceUtils.passLinkMark("content-42", "realtime-input", "5f2c8a7e");
    }

    @TearDown(org.openjdk.jmh.annotations.Level.Iteration)
    public void leave() throws Exception {
        link.close();
        // Disks are finite.
        try (java.util.stream.Stream<Path> files = Files.list(directory)) {
            files.filter(file -> file.toString().contains("reports")).forEach(file -> file.toFile().delete());
        }
    }

    @TearDown
    public void end() throws Exception {
        context.stop();
        System.out.println(Reporter.get().stats());
        Reporter.get().close();
        try (java.util.stream.Stream<Path> files = Files.list(directory)) {
            files.forEach(file -> file.toFile().delete());
        }
        Files.delete(directory);
    }

    @Benchmark
    public void message() {
        logger.info("picProcess looks at contentId:{} of {}", 42, "realtime-input");
    }

    @Benchmark
    public void exception() {
        logger.error("picProcess failed, contentId:{}", 42, failure);
    }

    @Benchmark
    public void off() {
        logger.debug("picProcess looks at contentId:{} of {}", 42, "realtime-input");
    }

    @Benchmark
    public void node() {
        NodeRun run = TraceUtils.node("picProcess").start("42");
        run.complete("ok");
    }
}
