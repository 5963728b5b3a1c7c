package io.linkloom.reporter;

import io.linkloom.reporter.core.Warnings;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** How a {@link Reporter} is set up. The environment comes before what the code sets, and that before the defaults named here. */
public final class Settings {
    final String service;
    final String instance;
    final String host;
    final long boot;
    final boolean logFirst;
    final Path file;
    final boolean stdout;
    final URI relay;
    final String token;
    final Path spool;
    final long spoolBytesMax;
    final long fileBytesMax;
    final Duration fileAgeMax;
    final int filesMax;
    final long queueBytesMax;
    final Caps caps;
    final List<MaskRule> masks;
    final Function<Object, Object> converter;
    final String level;

    private Settings(Builder from) {
        service = from.service;
        String name = from.host != null ? from.host : hostName();
        host = from.noHost ? from.host : name;
        instance = from.instance != null ? from.instance : name + ':' + ProcessHandle.current().pid();
        boot = from.boot;
        logFirst = from.logFirst;
        file = from.file;
        stdout = from.stdout || from.file == null && from.relay == null;
        relay = from.relay;
        token = from.token;
        spool = from.spool != null ? from.spool : from.relay == null ? null : defaultSpool(service);
        spoolBytesMax = from.spoolBytesMax;
        fileBytesMax = from.fileBytesMax;
        fileAgeMax = from.fileAgeMax;
        filesMax = from.filesMax;
        queueBytesMax = from.queueBytesMax;
        caps = from.caps;
        masks = List.copyOf(from.masks);
        converter = from.converter;
        level = from.level;
    }

    private static String hostName() {
        String name = System.getenv("HOSTNAME");
        if (name != null && !name.isEmpty()) {
            return name;
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (Exception e) {
            return "localhost";
        }
    }

    private static Path defaultSpool(String service) {
        String name = service == null ? "app" : service.replaceAll("[^A-Za-z0-9.-]", "_");
        return Paths.get(System.getProperty("java.io.tmpdir", "/tmp"), "linkloom-spool-" + name);
    }

    /** What the environment says. */
    public static Settings fromEnvironment() {
        return builder().build();
    }

    /**
     * Settings that the environment may change: {@code LINKLOOM_SERVICE}, {@code LINKLOOM_INSTANCE}, {@code LINKLOOM_TOKEN}, {@code LINKLOOM_SPOOL}, and
     * {@code LINKLOOM_OUT}, which comes before the ways out that are set here.
     */
    public static Builder builder() {
        return new Builder().environment(System::getenv);
    }

    static Builder bare() {
        return new Builder();
    }

    /** Collects settings. */
    public static final class Builder {
        private String service;
        private String instance;
        private String host;
        private boolean noHost;
        private long boot = START;
        private boolean logFirst;
        private Path file;
        private boolean stdout;
        private URI relay;
        private String token;
        private Path spool;
        private long spoolBytesMax = 256L << 20;
        private long fileBytesMax = 64L << 20;
        private Duration fileAgeMax = Duration.ofHours(24);
        private int filesMax = 5;
        private long queueBytesMax = 8L << 20;
        private Caps caps = Caps.DEFAULT;
        private final List<MaskRule> masks = new ArrayList<>();
        private Function<Object, Object> converter;
        private String level = "INFO";
        private Function<String, String> variables = name -> null;

        /** When this process started. */
        private static final long START = ProcessHandle.current()
                .info()
                .startInstant()
                .map(java.time.Instant::toEpochMilli)
                .orElseGet(System::currentTimeMillis);

        private Builder() {}

        Builder environment(Function<String, String> variables) {
            this.variables = name -> empty(variables.apply(name));
            return this;
        }

        /** Takes over what the environment says. */
        private void readVariables() {
            service = either(variables.apply("LINKLOOM_SERVICE"), service);
            instance = either(variables.apply("LINKLOOM_INSTANCE"), instance);
            token = either(variables.apply("LINKLOOM_TOKEN"), token);
            String folder = variables.apply("LINKLOOM_SPOOL");
            spool = folder == null ? spool : Paths.get(folder);
            String out = variables.apply("LINKLOOM_OUT");
            if (out != null) {
                try {
                    if (out.equals("stdout")) {
                        file = null;
                    }
                    out(out);
                } catch (RuntimeException e) {
                    Warnings.once("out", "LINKLOOM_OUT is not understood and does not count", e);
                }
            }
        }

        private static String either(String first, String second) {
            return first != null ? first : second;
        }

        /** Where reports go: {@code file:PATH}, {@code stdout} or {@code relay:URL}. */
        public Builder out(String out) {
            if (out.equals("stdout")) {
                return stdout();
            }
            if (out.startsWith("file:")) {
                return file(Paths.get(out.substring(5)));
            }
            if (out.startsWith("relay:")) {
                return relay(URI.create(out.substring(6)));
            }
            throw new IllegalArgumentException("out: \"" + out + "\"; allowed are file:PATH, stdout, relay:URL");
        }

        /** Reports go to a file that is rolled by size and age; a relay, if there is one, is for when that fails. */
        public Builder file(Path path) {
            logFirst = true;
            file = path;
            return this;
        }

        /** Reports go to stdout. */
        public Builder stdout() {
            logFirst = true;
            stdout = true;
            return this;
        }

        /** Reports go to Linkloom or a relay, e.g. {@code http://linkloom:8080}; the path defaults to {@code /api/v1/reports}. */
        public Builder relay(URI url) {
            String scheme = url.getScheme();
            if (scheme == null || !(scheme.equals("http") || scheme.equals("https"))) {
                throw new IllegalArgumentException("relay: \"" + url + "\"; allowed are http and https URLs");
            }
            logFirst = false;
            relay = url.getPath() == null || url.getPath().isEmpty() || url.getPath().equals("/") ? url.resolve("/api/v1/reports") : url;
            return this;
        }

        /** The file for when the relay and the spool fail. */
        public Builder fallbackFile(Path path) {
            file = path;
            return this;
        }

        /** The relay for when the file fails. */
        public Builder fallbackRelay(URI url) {
            boolean first = logFirst;
            relay(url);
            logFirst = first;
            return this;
        }

        public Builder service(String service) {
            this.service = empty(service);
            return this;
        }

        /** Which of the instances of the service; {@code host:pid} if not set. */
        public Builder instance(String instance) {
            this.instance = empty(instance);
            return this;
        }

        public Builder host(String host) {
            this.host = empty(host);
            return this;
        }

        /** The host is not written if it was not set. */
        Builder noHost() {
            this.noHost = true;
            return this;
        }

        /** Start of the process in milliseconds since the epoch. */
        public Builder boot(long boot) {
            this.boot = boot;
            return this;
        }

        /** What the relay wants as {@code Authorization: Bearer}. */
        public Builder token(String token) {
            this.token = empty(token);
            return this;
        }

        /** The directory that keeps reports while the relay is down; the processes of a host may share it. */
        public Builder spool(Path directory) {
            this.spool = directory;
            return this;
        }

        public Builder spoolBytesMax(long bytes) {
            this.spoolBytesMax = bytes;
            return this;
        }

        public Builder fileBytesMax(long bytes) {
            this.fileBytesMax = bytes;
            return this;
        }

        public Builder fileAgeMax(Duration age) {
            this.fileAgeMax = age;
            return this;
        }

        /** How many rolled files are kept. */
        public Builder filesMax(int files) {
            this.filesMax = files;
            return this;
        }

        /** How many bytes of reports may wait in memory. */
        public Builder queueBytesMax(long bytes) {
            this.queueBytesMax = bytes;
            return this;
        }

        public Builder caps(Caps caps) {
            this.caps = caps;
            return this;
        }

        public Builder mask(MaskRule... rules) {
            masks.addAll(List.of(rules));
            return this;
        }

        /**
         * Turns an object that is no JSON into one that is (maps, lists, strings, numbers), e.g. {@code o -> mapper.convertValue(o, Object.class)}
         * with Jackson. Without it such objects are written as their {@code toString}.
         */
        public Builder converter(Function<Object, Object> converter) {
            this.converter = converter;
            return this;
        }

        /** The lowest level {@link TraceLogger} reports where there is no slf4j to ask. */
        public Builder level(String level) {
            this.level = level;
            return this;
        }

        public Settings build() {
            readVariables();
            return new Settings(this);
        }

        private static String empty(String text) {
            return text == null || text.isEmpty() ? null : text;
        }
    }
}
