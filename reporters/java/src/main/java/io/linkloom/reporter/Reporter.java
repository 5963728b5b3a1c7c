package io.linkloom.reporter;

import io.linkloom.reporter.core.Composer;
import io.linkloom.reporter.core.ExceptionInfo;
import io.linkloom.reporter.core.Masks;
import io.linkloom.reporter.core.MdcBridge;
import io.linkloom.reporter.core.Report;
import io.linkloom.reporter.core.Warnings;
import io.linkloom.reporter.out.Outlet;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Turns what an application says into report lines and gets them out, on a thread of its own. There is one for the process
 * ({@link #get()}). Nothing here throws or blocks.
 */
public final class Reporter implements AutoCloseable {
    private static volatile Reporter global;

    private final Composer composer;
    private final LongSupplier clock;
    /** Takes the lines that are made. */
    interface Sink {
        void offer(byte[] line, int rank);
    }

    private final Sink sink;
    /** Null: the lines go elsewhere. */
    private final Outlet outlet;
    private final Settings settings;

    /** A reporter beside the one of the process. */
    public Reporter(Settings settings) {
        this(settings, Reporter::now);
    }

    private Reporter(Settings settings, LongSupplier clock) {
        this.settings = settings;
        this.clock = clock;
        this.composer = composer(settings);
        this.outlet = new Outlet(new Outlet.Ways(settings.logFirst, settings.file, settings.fileBytesMax, settings.fileAgeMax, settings.filesMax,
                settings.stdout, settings.relay, settings.token, settings.spool, settings.spoolBytesMax, settings.queueBytesMax), this::news);
        this.sink = outlet::offer;
    }

    /** A reporter whose lines go elsewhere, and whose time is another's. */
    Reporter(Settings settings, LongSupplier clock, Sink sink) {
        this.settings = settings;
        this.clock = clock;
        this.composer = composer(settings);
        this.outlet = null;
        this.sink = sink;
    }

    private static Composer composer(Settings settings) {
        return new Composer(settings.service, settings.instance, settings.host, settings.boot, settings.caps, new Masks(settings.masks),
                settings.converter);
    }

    /** The line that tells of drops: a warning without mark and node. */
    private byte[] news(String message, Map<String, Object> data) {
        Report report = new Report();
        report.time = clock.getAsLong();
        report.level = "WARN";
        report.message = message;
        report.data = data;
        report.masks = Masks.NONE;
        return composer.line(report);
    }

    /** The reporter of this process; made from the environment if none was {@linkplain #install installed}. */
    public static Reporter get() {
        Reporter current = global;
        return current != null ? current : makeGlobal();
    }

    private static synchronized Reporter makeGlobal() {
        if (global == null) {
            global = new Reporter(Settings.fromEnvironment());
            atExit();
        }
        return global;
    }

    /** Makes a reporter the one of this process, and closes the one that was. */
    public static Reporter install(Settings settings) {
        Reporter made = new Reporter(settings);
        Reporter before;
        synchronized (Reporter.class) {
            before = global;
            global = made;
            atExit();
        }
        if (before != null) {
            before.close();
        }
        return made;
    }

    /** Makes a reporter the one of this process without closing the one that was, which is returned; for tests. */
    static synchronized Reporter swap(Reporter reporter) {
        Reporter before = global;
        global = reporter;
        return before;
    }

    private static boolean hooked;

    private static void atExit() {
        if (!hooked) {
            hooked = true;
            try {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    Reporter last = global;
                    if (last != null) {
                        last.close();
                    }
                }, "linkloom-reporter-exit"));
            } catch (RuntimeException e) {
                Warnings.once("exit", "the process is going down already", e);
            }
        }
    }

    static long now() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000L + now.getNano() / 1000;
    }

    Outlet outlet() {
        return outlet;
    }

    long micros() {
        return clock.getAsLong();
    }

    Settings settings() {
        return settings;
    }

    Composer composer() {
        return composer;
    }

    /** Reports a business log within the context of this thread. Any argument may be null. */
    public void log(String level, String message, Object data, Throwable thrown) {
        log(LinkContext.current(), level, message, data, thrown, null, micros());
    }

    /** Reports a business log. */
    public void log(LinkContext context, String level, String message, Object data, Throwable thrown, Object meta, long micros) {
        try {
            log(context, level, message, data, ExceptionInfo.of(thrown), meta, micros);
        } catch (Throwable e) {
            Warnings.once("log", "a log could not be reported", e);
        }
    }

    /** As above, with an exception of which only the text is left. */
    public void log(LinkContext context, String level, String message, Object data, ExceptionInfo exception, Object meta, long micros) {
        try {
            offer(logLine(context, level, message, data, exception, meta, micros), rank(level));
        } catch (Throwable e) {
            Warnings.once("log", "a log could not be reported", e);
        }
    }

    /** The line of a business log, with its line feed, for who brings it out in another way. */
    public byte[] logLine(LinkContext context, String level, String message, Object data, ExceptionInfo exception, Object meta, long micros) {
        Report report = new Report();
        report.context = context.mark() != null && context.traceId() != null ? context : MdcBridge.fill(context);
        report.nodeName = report.context.node();
        report.level = level;
        report.message = message;
        report.data = data;
        report.exception = exception;
        report.meta = meta;
        report.time = micros;
        return composer.line(report);
    }

    /** Begins to say what is known of a node before it is started. */
    public NodeStart node(String name) {
        return new NodeStart(this, name);
    }

    void report(Report report) {
        try {
            offer(composer.line(report), report.status == null ? rank(report.level) : Outlet.NODES);
        } catch (Throwable e) {
            Warnings.once("report", "a report could not be made", e);
        }
    }

    private void offer(byte[] line, int rank) {
        sink.offer(line, rank);
    }

    private static int rank(String level) {
        if (level == null) {
            return Outlet.OTHERS;
        }
        switch (level) {
            case "TRACE":
            case "DEBUG":
                return Outlet.DEBUG;
            case "INFO":
                return Outlet.INFO;
            default:
                return Outlet.OTHERS;
        }
    }

    /** What became of the reports so far. */
    public Stats stats() {
        return outlet == null ? new Stats(0, 0, 0, 0, 0, 0, Map.of()) : outlet.stats();
    }

    /** Waits until what was reported before is out (or in the spool); false if that took longer. */
    public boolean flush(Duration atMost) {
        return outlet == null || outlet.flush(atMost);
    }

    /** Gets out what waits, for two seconds at most, and ends the thread. What is reported afterwards is counted as dropped. */
    @Override
    public void close() {
        if (outlet != null) {
            outlet.close(Duration.ofSeconds(2));
        }
    }
}
