package io.linkloom.examples.review;

import io.linkloom.reporter.MaskRule;
import io.linkloom.reporter.Reporter;
import io.linkloom.reporter.Settings;
import io.linkloom.reporter.TraceProxy;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;

/** The review console of the example platform: looks at pictures for whoever asks, and has people review contents. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        try {
            start();
        } catch (IllegalArgumentException | IOException e) {
            System.err.println("review-console: " + e.getMessage());
            System.exit(2);
        }
    }

    private static void start() throws IOException {
        InetSocketAddress listen = address("REVIEW_LISTEN", "127.0.0.1:7082");
        Duration timeout = millis("CALL_TIMEOUT_MS", "5000");
        String contentApi = variable("CONTENT_API_URL", "http://127.0.0.1:7081");
        String brokers = variable("KAFKA_BROKERS", "127.0.0.1:19092");
        String topic = variable("REVIEW_TOPIC", "review-tasks");
        String group = variable("REVIEW_GROUP", "review-console");

        // LINKLOOM_OUT=relay:http://… sends the reports instead.
        Reporter.install(Settings.builder()
                .service("review-console")
                .file(Path.of("reports/review-console.ndjson"))
                .mask(MaskRule.email())
                .build());

        Pictures pictures = TraceProxy.of(Pictures.class, new StoredPictures());
        Desk desk = new Desk(new ContentApi(contentApi, timeout));
        Console console = new Console(listen, pictures, desk);
        TaskListener listener = new TaskListener(brokers, topic, group, desk);
        // The reporter writes what it has when the process ends by itself.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            listener.close();
            console.close();
            desk.close();
        }, "stop"));
        console.start();
        listener.start();
        // For people and for scripts.
        System.out.println("review-console listens on http://" + console.address());
    }

    private static String variable(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    private static InetSocketAddress address(String name, String otherwise) {
        String text = variable(name, otherwise);
        int colon = text.lastIndexOf(':');
        try {
            return new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(name + " is \"" + text + "\", allowed is HOST:PORT", e);
        }
    }

    private static Duration millis(String name, String otherwise) {
        String text = variable(name, otherwise);
        try {
            long millis = Long.parseLong(text);
            if (millis >= 1 && millis <= 3_600_000) {
                return Duration.ofMillis(millis);
            }
        } catch (NumberFormatException e) {
            // as a number that is not allowed
        }
        throw new IllegalArgumentException(name + " is \"" + text + "\", allowed are 1 to 3600000 milliseconds");
    }
}
