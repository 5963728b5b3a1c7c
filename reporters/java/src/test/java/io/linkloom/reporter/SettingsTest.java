package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Paths;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What counts: the environment, then the code, then the defaults. */
class SettingsTest {
    private static final URI RELAY = URI.create("http://localhost:7070");

    private static Settings.Builder in(Map<String, String> environment) {
        return Settings.bare().environment(environment::get);
    }

    @Test
    void theEnvironmentComesBeforeTheCode() {
        Map<String, String> environment = Map.of("LINKLOOM_SERVICE", "theirs", "LINKLOOM_INSTANCE", "i1", "LINKLOOM_TOKEN", "t1", "LINKLOOM_SPOOL", "/theirs");
        Settings settings = in(environment).service("ours").instance("i0").token("t0").spool(Paths.get("/ours")).build();
        assertEquals("theirs", settings.service);
        assertEquals("i1", settings.instance);
        assertEquals("t1", settings.token);
        assertEquals(Paths.get("/theirs"), settings.spool);
    }

    @Test
    void whatTheEnvironmentDoesNotSayIsAsTheCodeSays() {
        Settings settings = in(Map.of("LINKLOOM_SERVICE", "", "LINKLOOM_OUT", "")).service("ours").file(Paths.get("reports")).build();
        assertEquals("ours", settings.service);
        assertEquals(Paths.get("reports"), settings.file);
        assertTrue(settings.logFirst);
        assertFalse(settings.stdout);
    }

    @Test
    void theWayOutOfTheEnvironmentIsTheFirst() {
        Settings relayed = in(Map.of("LINKLOOM_OUT", "relay:http://localhost:7070")).file(Paths.get("reports")).build();
        assertEquals(RELAY.resolve("/api/v1/reports"), relayed.relay);
        assertFalse(relayed.logFirst);
        assertEquals(Paths.get("reports"), relayed.file, "it stands in for the relay");

        Settings filed = in(Map.of("LINKLOOM_OUT", "file:theirs")).relay(RELAY).build();
        assertTrue(filed.logFirst);
        assertEquals(Paths.get("theirs"), filed.file);
        assertEquals(RELAY.resolve("/api/v1/reports"), filed.relay, "it stands in for the file");

        Settings printed = in(Map.of("LINKLOOM_OUT", "stdout")).file(Paths.get("reports")).build();
        assertTrue(printed.stdout && printed.logFirst);
        assertNull(printed.file);
    }

    @Test
    void aWayOutThatIsNoneDoesNotCount() {
        Settings settings = in(Map.of("LINKLOOM_OUT", "pigeon:post")).file(Paths.get("reports")).build();
        assertEquals(Paths.get("reports"), settings.file);
    }
}
