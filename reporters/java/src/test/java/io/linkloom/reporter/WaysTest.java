package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.linkloom.reporter.core.Warnings;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Files, relay, spool; what stands in for what; what is dropped and told. */
class WaysTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    private final List<AutoCloseable> open = new ArrayList<>();
    private Path spool;
    private Path file;

    @BeforeEach
    void begin() {
        Warnings.forget();
        spool = directory.resolve("spool");
        file = directory.resolve("sub/reports.ndjson");
    }

    @AfterEach
    void end() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T closing(T it) {
        open.add(it);
        return it;
    }

    private Reporter reporter(Settings.Builder settings) {
        return closing(new Reporter(settings.service("s").instance("i").build()));
    }

    private static List<Map<String, Object>> read(Path path) throws IOException {
        return Files.readAllLines(path).stream().map(Json::object).collect(Collectors.toList());
    }

    private static List<Object> messages(List<Map<String, Object>> reports) {
        return reports.stream().map(report -> report.get("message")).collect(Collectors.toList());
    }

    private static List<Object> numbered(int count) {
        return IntStream.range(0, count).mapToObj(i -> "m" + i).collect(Collectors.toList());
    }

    private static void log(Reporter reporter, String message) {
        reporter.log("INFO", message, null, null);
    }

    @Test
    void aFile() throws Exception {
        Reporter reporter = reporter(Settings.bare().file(file));
        for (int i = 0; i < 100; i++) {
            log(reporter, "m" + i);
        }
        assertTrue(reporter.flush(LONG));
        assertEquals(numbered(100), messages(read(file)));
        assertEquals(100, reporter.stats().logged());
    }

    @Test
    void aFileRollsAndKeepsSoMany() throws Exception {
        Reporter reporter = reporter(Settings.bare().file(file).fileBytesMax(300).filesMax(2));
        for (int i = 0; i < 10; i++) {
            log(reporter, "m" + i);
            assertTrue(reporter.flush(LONG));
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(file.getParent())) {
            files = all.sorted().collect(Collectors.toList());
        }
        assertEquals(3, files.size(), files.toString());
        List<Object> kept = new ArrayList<>();
        for (Path each : List.of(files.get(1), files.get(2), files.get(0))) {
            kept.addAll(messages(read(each)));
        }
        List<Object> expected = numbered(10);
        assertEquals(expected.subList(10 - kept.size(), 10), kept);
    }

    @Test
    void aClosedHandleAndADeletedFile() throws Exception {
        Reporter reporter = reporter(Settings.bare().file(file));
        log(reporter, "one");
        assertTrue(reporter.flush(LONG));
        reporter.outlet().breakHandle();
        log(reporter, "two");
        assertTrue(reporter.flush(LONG));
        assertEquals(List.of("one", "two"), messages(read(file)));
        Files.delete(file);
        log(reporter, "three");
        assertTrue(reporter.flush(LONG));
        assertEquals(List.of("three"), messages(read(file)));
        assertEquals(0, reporter.stats().droppedInAll());
    }

    @Test
    void aTornLineOfAKilledProcessStaysAlone() throws Exception {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "{\"torn");
        Reporter reporter = reporter(Settings.bare().file(file));
        log(reporter, "whole");
        assertTrue(reporter.flush(LONG));
        List<String> lines = Files.readAllLines(file);
        assertEquals("{\"torn", lines.get(0));
        assertEquals("whole", Json.object(lines.get(1)).get("message"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDirectoryThatCannotBeWrittenGivesWayToTheRelay() throws Exception {
        Receiver receiver = closing(new Receiver());
        Reporter reporter = reporter(Settings.bare().file(Paths.get("/proc/linkloom/reports.ndjson")).fallbackRelay(receiver.url()).spool(spool));
        log(reporter, "kept");
        assertTrue(receiver.await(r -> !r.taken().isEmpty()));
        assertEquals("kept", receiver.taken().get(0).get("message"));
        assertTrue(Warnings.said("file"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFullDiskGivesWayToStderr() throws Exception {
        PrintStream stderr = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true));
        try {
            Reporter reporter = reporter(Settings.bare().file(Paths.get("/dev/full")));
            log(reporter, "kept");
            log(reporter, "kept, too");
            assertTrue(reporter.flush(LONG));
            assertEquals(2, reporter.stats().stderr());
        } finally {
            System.setErr(stderr);
        }
        String text = said.toString(StandardCharsets.UTF_8);
        assertTrue(text.contains("\"message\":\"kept\""), text);
        assertEquals(2, text.split("/dev/full cannot be written", -1).length, "said once: " + text);
    }

    @Test
    void aRelay() throws Exception {
        Receiver receiver = closing(new Receiver());
        Reporter reporter = reporter(Settings.bare().relay(receiver.url()).token("t0").spool(spool));
        for (int i = 0; i < 2500; i++) {
            log(reporter, "m" + i);
        }
        assertTrue(reporter.flush(LONG));
        assertEquals(numbered(2500), messages(receiver.taken()));
        assertEquals("Bearer t0", receiver.authorizations().get(0));
        assertTrue(receiver.requests().stream().allMatch(lines -> lines.size() <= 1000));
        assertEquals(2500, reporter.stats().sent());
    }

    @Test
    void aRelayThatIsDownForAWhile() throws Exception {
        int port = Receiver.freePort();
        Reporter reporter = reporter(Settings.bare().relay(Receiver.url(port)).spool(spool));
        for (int i = 0; i < 10; i++) {
            log(reporter, "m" + i);
        }
        assertTrue(reporter.flush(LONG));
        assertEquals(10, reporter.stats().spooled());
        assertTrue(reporter.stats().spoolBytes() > 0);
        Receiver receiver = closing(new Receiver(port, number -> null));
        for (int i = 10; i < 20; i++) {
            log(reporter, "m" + i);
        }
        assertTrue(receiver.await(r -> r.taken().size() >= 20));
        assertEquals(numbered(20), messages(receiver.taken()));
        assertEquals(20, receiver.taken().stream().map(report -> report.get("id")).distinct().count());
        assertEquals(0, reporter.stats().droppedInAll());
    }

    @Test
    void whatIsSentAgainIsTheSameAnd429IsObeyed() throws Exception {
        Receiver receiver = closing(new Receiver(0, number -> number == 0 ? new Receiver.Told(429, "1", "{}") : null));
        Reporter reporter = reporter(Settings.bare().relay(receiver.url()).spool(spool));
        log(reporter, "once");
        assertTrue(receiver.await(r -> !r.taken().isEmpty()));
        List<Long> times = receiver.times();
        assertTrue(times.get(1) - times.get(0) >= TimeUnit.MILLISECONDS.toNanos(990));
        assertEquals(receiver.requests().get(0), receiver.requests().get(1));
    }

    @Test
    void refusedLinesAreCountedAndTold() throws Exception {
        String answer = "{\"accepted\":1,\"refused\":[{\"line\":1,\"reason\":\"bad_mark\",\"detail\":\"d\"}],\"refusedMore\":1}";
        for (int status : new int[] {200, 400}) {
            Warnings.forget();
            Receiver receiver = closing(new Receiver(0, number -> number == 0 ? new Receiver.Told(status, null, answer) : null));
            Reporter reporter = reporter(Settings.bare().relay(receiver.url()).spool(directory.resolve("spool" + status)));
            for (int i = 0; i < 3; i++) {
                log(reporter, "m" + i);
            }
            assertTrue(receiver.await(r -> r.requests().size() >= 2));
            assertEquals(Map.of("refused", 2L), reporter.stats().dropped());
            List<Map<String, Object>> taken = receiver.taken();
            Map<String, Object> told = taken.get(taken.size() - 1);
            assertEquals("linkloom reporter dropped 2 reports", told.get("message"));
            assertEquals("WARN", told.get("level"));
            assertEquals(Map.of("refused", 2L), told.get("data"));
            assertTrue(Warnings.said("refused:bad_mark"));
        }
    }

    @Test
    void aBatchNobodyWantsIsDropped() throws Exception {
        Receiver receiver = closing(new Receiver(0, number -> number == 0 ? new Receiver.Told(403, null, "no") : null));
        Reporter reporter = reporter(Settings.bare().relay(receiver.url()).spool(spool));
        log(reporter, "m");
        assertTrue(receiver.await(r -> r.requests().size() >= 2));
        assertEquals(Map.of("refused", 1L), reporter.stats().dropped());
    }

    /** A process of its own that spools and waits to be killed. */
    public static final class Spooling {
        public static void main(String[] args) throws Exception {
            Reporter reporter = Reporter.install(
                    Settings.bare().service("s").instance("killed").relay(URI.create(args[0])).spool(Paths.get(args[1])).build());
            for (int i = 0; i < 50; i++) {
                log(reporter, "m" + i);
            }
            reporter.flush(LONG);
            System.out.println("spooled " + reporter.stats().spooled());
            Thread.sleep(60_000);
        }
    }

    @Test
    void theSpoolIsReplayedAfterAKill() throws Exception {
        int port = Receiver.freePort();
        Process child = new ProcessBuilder(Paths.get(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Spooling.class.getName(), Receiver.url(port).toString(), spool.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        BufferedReader out = new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
        assertEquals("spooled 50", out.readLine());
        child.destroyForcibly().waitFor();
        Receiver receiver = closing(new Receiver(port, number -> null));
        Reporter reporter = reporter(Settings.bare().relay(receiver.url()).spool(spool));
        log(reporter, "new");
        assertTrue(receiver.await(r -> r.taken().size() >= 51));
        List<Map<String, Object>> old =
                receiver.taken().stream().filter(report -> report.get("instance").equals("killed")).collect(Collectors.toList());
        assertEquals(numbered(50), messages(old));
        assertTrue(reporter.flush(LONG));
        reporter.close();
        try (Stream<Path> left = Files.list(spool)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void theSpoolIsBounded() throws Exception {
        Reporter reporter = reporter(Settings.bare().relay(Receiver.url(Receiver.freePort())).spool(spool).spoolBytesMax(3 << 20));
        String text = "x".repeat(800);
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < 1000; i++) {
                log(reporter, text);
            }
            assertTrue(reporter.flush(LONG));
        }
        assertTrue(reporter.stats().spoolBytes() <= 3 << 20);
        assertTrue(reporter.stats().dropped().get("spoolFull") > 1000, reporter.stats().toString());
        try (Stream<Path> all = Files.walk(spool)) {
            long kept = all.filter(Files::isRegularFile).mapToLong(each -> each.toFile().length()).sum();
            assertTrue(kept <= 3 << 20, "on disk " + kept);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aSpoolThatCannotBeWrittenGivesWayToTheFile() throws Exception {
        Reporter reporter =
                reporter(Settings.bare().relay(Receiver.url(Receiver.freePort())).spool(Paths.get("/proc/linkloom/spool")).fallbackFile(file));
        log(reporter, "kept");
        assertTrue(reporter.flush(LONG));
        assertEquals(List.of("kept"), messages(read(file)));
    }

    @Test
    void aRelayThatHangsDoesNotHoldUpTheEndAndLosesNothing() throws Exception {
        int port = Receiver.freePort();
        // Accepts connections and never answers.
        closing(new java.net.ServerSocket(port, 50, java.net.InetAddress.getByName("127.0.0.1")));
        Reporter reporter = new Reporter(Settings.bare().service("s").instance("hung").relay(Receiver.url(port)).spool(spool).build());
        log(reporter, "kept");
        long before = System.nanoTime();
        reporter.close();
        assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(8), "the end waits for two seconds");
        try (Stream<Path> all = Files.walk(spool)) {
            String kept = all.filter(each -> each.toString().endsWith(".ndjson")).map(WaysTest::text).collect(Collectors.joining());
            assertTrue(kept.contains("\"message\":\"kept\""), kept);
        }
    }

    @Test
    void aRelayThatHangsUnderLoadLosesNothingWhileThereIsRoomOnDisk() throws Exception {
        java.net.ServerSocket hanging = closing(new java.net.ServerSocket(0, 50, java.net.InetAddress.getByName("127.0.0.1")));
        Reporter reporter = reporter(Settings.bare().relay(Receiver.url(hanging.getLocalPort())).spool(spool));
        // 3 MB a second for five seconds: nearly twice what may wait in memory, while a send would hang for ten.
        String text = "x".repeat(800);
        long begin = System.nanoTime();
        for (int i = 0; i < 15_000; i++) {
            log(reporter, text);
            long ahead = begin + i * 333_333L - System.nanoTime();
            if (ahead > 0) {
                java.util.concurrent.locks.LockSupport.parkNanos(ahead);
            }
        }
        reporter.close();
        assertEquals(0, reporter.stats().droppedInAll(), reporter.stats().toString());
        assertEquals(15_000, reporter.stats().spooled());
    }

    private static String text(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatDoesNotFitIsDroppedAndTold() throws Exception {
        // Settings that let a line be longer than a report may be.
        Reporter reporter = reporter(Settings.bare().file(file).caps(new Caps(4 << 20, 100, 100)));
        reporter.log("INFO", "too long", "x".repeat(2 << 20), null);
        log(reporter, "m");
        assertTrue(reporter.flush(LONG));
        List<Map<String, Object>> reports = read(file);
        assertEquals(List.of("m", "linkloom reporter dropped 1 reports"), messages(reports));
        assertEquals(Map.of("tooLong", 1L), reports.get(1).get("data"));
        assertFalse(reports.get(1).containsKey("businessId"));
    }

    @Test
    void aFullQueueDropsTheLowestAndNodesLast() throws Exception {
        int port = Receiver.freePort();
        // Nothing gets out while the relay hangs.
        java.net.ServerSocket hanging = closing(new java.net.ServerSocket(port, 50, java.net.InetAddress.getByName("127.0.0.1")));
        assertNotNull(hanging);
        Reporter reporter = reporter(Settings.bare().relay(Receiver.url(port)).spool(spool).queueBytesMax(20_000));
        for (int i = 0; i < 2000; i++) {
            reporter.log("DEBUG", "d" + i, null, null);
        }
        for (int i = 0; i < 30; i++) {
            reporter.node("n").skip(i);
        }
        for (int i = 0; i < 2000; i++) {
            reporter.log("INFO", "i" + i, null, null);
        }
        assertTrue(reporter.stats().queuedBytes() <= 20_000);
        assertTrue(reporter.stats().dropped().get("queueFull") > 3000, reporter.stats().toString());
        reporter.close();
        try (Stream<Path> all = Files.walk(spool)) {
            String kept = all.filter(each -> each.toString().endsWith(".ndjson")).map(WaysTest::text).collect(Collectors.joining());
            assertEquals(31, kept.split("\"type\":\"node\"", -1).length, "all nodes are there");
            assertTrue(kept.contains("linkloom reporter dropped"));
        }
    }
}
