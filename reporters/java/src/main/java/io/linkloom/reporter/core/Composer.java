package io.linkloom.reporter.core;

import io.linkloom.reporter.Caps;
import io.linkloom.reporter.LinkMark;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * Makes lines of reports, byte for byte as {@code schema/conformance/README.md} says. Any number of threads may use one.
 */
public final class Composer {
    private static final int TEXT_BYTES_MAX = 256;
    private static final int NAME_BYTES_MAX = 128;
    private static final int CUT_NAME_BYTES = 125;
    private static final int ATTRIBUTE_BYTES_MAX = 512;
    private static final int SETTING_BYTES_MAX = 200;
    private static final int TYPE_BYTES_MAX = 1024;
    private static final int KEPT_BYTES = 256 * 1024;
    private static final byte[] LOG = "{\"v\":1,\"type\":\"log\",".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NODE = "{\"v\":1,\"type\":\"node\",".getBytes(StandardCharsets.US_ASCII);

    private final Caps caps;
    private final Masks masks;
    private final Function<Object, Object> converter;
    private final byte[] idStart;
    private final byte[] settings;
    private final byte[] bootEnd;
    private final String bootText;
    private final AtomicLong seq = new AtomicLong();
    private final AtomicLong runs = new AtomicLong();
    private final ThreadLocal<Work> work = ThreadLocal.withInitial(Work::new);

    public Composer(
            String service, String instance, String host, long boot, Caps caps, Masks masks, Function<Object, Object> converter) {
        this.caps = caps;
        this.masks = masks;
        this.converter = converter;
        this.bootText = Long.toString(boot, 36);
        String name = setting(instance);
        Bytes id = new Bytes(64).ascii("\"id\":").string((name == null ? "" : name) + '/' + boot + '/');
        id.rewind(id.length() - 1);
        idStart = id.copy();
        Bytes who = new Bytes(128);
        member(who, ",\"service\":", setting(service));
        member(who, ",\"instance\":", name);
        member(who, ",\"host\":", setting(host));
        settings = who.copy();
        bootEnd = new Bytes(32).ascii(",\"boot\":").number(boot).copy();
    }

    private static void member(Bytes out, String key, String value) {
        if (value != null) {
            out.ascii(key).string(value);
        }
    }

    private static String setting(String value) {
        return value == null || value.isEmpty() ? null : value.substring(0, Bytes.prefix(value, SETTING_BYTES_MAX));
    }

    /** The buffers of one thread. An object being written may report itself: then there is another {@code Work} for that. */
    private static final class Work {
        final Bytes out = new Bytes(1024);
        boolean busy;
        long second = Long.MIN_VALUE;
        final Bytes secondText = new Bytes(24);
    }

    /** A run id that was not given before. */
    public String nextRun() {
        return bootText + '-' + Long.toString(runs.getAndIncrement(), 36);
    }

    public Masks masks() {
        return masks;
    }

    /** The line of a report, with its line feed. */
    public byte[] line(Report report) {
        Work mine = work.get();
        Work free = mine.busy ? new Work() : mine;
        free.busy = true;
        try {
            write(free, report);
            return free.out.copy();
        } finally {
            free.out.reset(KEPT_BYTES);
            free.busy = false;
        }
    }

    private void write(Work work, Report report) {
        Bytes out = work.out;
        Masks masks = report.masks == null ? this.masks : report.masks;
        LinkMark mark = report.context.mark();
        boolean isNode = report.status != null;
        String node = report.nodeName;
        boolean validNode = node == null || isName(node);
        boolean marked = mark != null && !mark.isNothing() && mark.isValid() && validNode;
        boolean invalid = !validNode || mark != null && !mark.isNothing() && !mark.isValid();
        if (invalid) {
            Warnings.once("mark", "a mark or a node name is not valid, the report is written without mark: " + mark + ", " + node);
        }
        String trace = text(report.context.traceId());
        String span = text(report.context.spanId());
        String sub = text(report.subExecutionId);
        String outcome = report.outcome;
        boolean longTrace = tooLong(trace);
        boolean longSpan = tooLong(span);
        boolean longSub = tooLong(sub);
        boolean longCase = tooLong(outcome);
        long number = seq.getAndIncrement();

        out.raw(isNode ? NODE : LOG);
        if (marked) {
            out.raw(mark.members());
        }
        if (trace != null && !longTrace) {
            out.ascii("\"traceId\":").string(trace).raw(',');
        }
        out.raw(idStart).number(number).raw('"');
        if (node != null) {
            out.ascii(",\"nodeName\":").string(validNode ? node : node.substring(0, Bytes.prefix(node, CUT_NAME_BYTES)) + '…');
        }
        if (isNode) {
            out.ascii(",\"status\":\"").ascii(report.status).raw('"');
        }
        out.ascii(",\"time\":\"");
        time(work, report.time);
        out.raw('"');
        if (report.runId != null) {
            out.ascii(",\"runId\":\"").ascii(report.runId).raw('"');
        }
        if (outcome != null && !longCase) {
            out.ascii(",\"case\":").string(outcome);
        }
        if (report.iteration != null && report.iteration >= 0) {
            out.ascii(",\"iteration\":").number(report.iteration);
        }
        if (sub != null && !longSub) {
            out.ascii(",\"subExecutionId\":").string(sub);
        }
        if (report.parentNode != null && isName(report.parentNode)) {
            out.ascii(",\"parentNode\":").string(report.parentNode);
        }
        if (report.level != null && !report.level.isEmpty()) {
            out.ascii(",\"level\":").cutString(report.level, NAME_BYTES_MAX);
        }
        if (report.message != null) {
            out.ascii(",\"message\":").cutString(masks.text(report.message, caps.message()), caps.message());
        }
        if (report.input != null || report.output != null || report.data != null) {
            Payloads payloads = new Payloads(out, masks, converter);
            payload(payloads, out, ",\"input\":", report.input);
            payload(payloads, out, ",\"output\":", report.output);
            payload(payloads, out, ",\"data\":", report.data);
        }
        if (report.exception != null) {
            exception(out, masks, report.exception);
        }
        if (span != null && !longSpan) {
            out.ascii(",\"spanId\":").string(span);
        }
        out.raw(settings);
        if (report.meta != null) {
            payload(new Payloads(out, masks, converter), out, ",\"meta\":", report.meta);
        }
        out.ascii(",\"seq\":").number(number).raw(bootEnd);
        if (invalid || longTrace || longSpan || longCase || longSub) {
            out.ascii(",\"attributes\":{");
            int start = out.length();
            if (invalid) {
                out.ascii("\"invalidMark\":{");
                int inner = out.length();
                if (mark != null) {
                    attribute(out, inner, "businessId", mark.businessId());
                    attribute(out, inner, "sceneId", mark.sceneId());
                    attribute(out, inner, "executionId", mark.executionId());
                }
                attribute(out, inner, "nodeName", validNode ? null : node);
                out.raw('}');
            }
            attribute(out, start, "invalidTraceId", longTrace ? trace : null);
            attribute(out, start, "invalidSpanId", longSpan ? span : null);
            attribute(out, start, "invalidCase", longCase ? outcome : null);
            attribute(out, start, "invalidSubExecutionId", longSub ? sub : null);
            out.raw('}');
        }
        out.ascii("}\n");
    }

    private static void attribute(Bytes out, int start, String key, String value) {
        if (value != null) {
            if (out.length() > start) {
                out.raw(',');
            }
            out.raw('"').ascii(key).ascii("\":").cutString(value, ATTRIBUTE_BYTES_MAX);
        }
    }

    private void payload(Payloads payloads, Bytes out, String key, Object payload) {
        if (payload != null) {
            out.ascii(key);
            payloads.write(payload, caps.payload());
        }
    }

    private void exception(Bytes out, Masks masks, ExceptionInfo exception) {
        out.ascii(",\"exception\":{");
        int start = out.length();
        if (exception.type != null) {
            out.ascii("\"type\":").cutString(exception.type, TYPE_BYTES_MAX);
        }
        if (exception.message != null) {
            out.ascii(out.length() > start ? ",\"message\":" : "\"message\":");
            out.cutString(masks.text(exception.message, caps.message()), caps.message());
        }
        String lines = exception.lines();
        if (lines != null) {
            out.ascii(out.length() > start ? ",\"stack\":" : "\"stack\":");
            stack(out, masks.text(lines, caps.stack()));
        }
        out.raw('}');
    }

    /** A stack is cut at the end of a line, if there is one to cut it at. */
    private void stack(Bytes out, String lines) {
        int start = out.length();
        int max = caps.stack();
        out.string(lines, start + max + 2);
        if (out.length() - start - 2 <= max) {
            return;
        }
        out.rewind(start);
        out.raw('"');
        int whole = 0;
        for (int at = 0; ; ) {
            int end = lines.indexOf('\n', at);
            if (end < 0 || end - at > max) {
                break;
            }
            out.within(lines.substring(at, end)).ascii("\\n");
            if (out.length() - start - 1 + 3 > max) {
                break;
            }
            whole = out.length();
            at = end + 1;
        }
        if (whole == 0) {
            out.rewind(start);
            out.cutString(lines, max);
        } else {
            out.rewind(whole);
            out.raw("…\"".getBytes(StandardCharsets.UTF_8));
        }
    }

    private static String text(String value) {
        return value == null || value.isEmpty() ? null : value;
    }

    private static boolean tooLong(String value) {
        return value != null && !Bytes.fits(value, TEXT_BYTES_MAX);
    }

    /** Whether this can be the name of a node. */
    public static boolean isName(String name) {
        return !name.isEmpty() && Bytes.fits(name, NAME_BYTES_MAX);
    }

    private static void time(Work work, long micros) {
        long second = Math.floorDiv(micros, 1_000_000L);
        if (second != work.second) {
            LocalDateTime at = LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC);
            Bytes text = work.secondText;
            text.rewind(0);
            text.digits(at.getYear(), 4).raw('-').digits(at.getMonthValue(), 2).raw('-').digits(at.getDayOfMonth(), 2).raw('T');
            text.digits(at.getHour(), 2).raw(':').digits(at.getMinute(), 2).raw(':').digits(at.getSecond(), 2).raw('.');
            work.second = second;
        }
        work.out.raw(work.secondText).digits(Math.floorMod(micros, 1_000_000L), 6).raw('Z');
    }
}
