package io.linkloom.reporter;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/** {@code POST /api/v1/reports} that behaves as it is told. */
final class Receiver implements AutoCloseable {
    /** An answer other than taking everything. */
    static final class Told {
        final int status;
        final String retryAfter;
        final String body;

        Told(int status, String retryAfter, String body) {
            this.status = status;
            this.retryAfter = retryAfter;
            this.body = body;
        }
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final IntFunction<Told> behave;
    private final List<Map<String, Object>> taken = new ArrayList<>();
    private final List<List<String>> requests = new ArrayList<>();
    private final List<String> authorizations = new ArrayList<>();
    private final List<Long> times = new ArrayList<>();

    Receiver(int port, IntFunction<Told> behave) throws IOException {
        this.behave = behave;
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/api/v1/reports", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    Receiver() throws IOException {
        this(0, number -> null);
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    static URI url(int port) {
        return URI.create("http://127.0.0.1:" + port);
    }

    URI url() {
        return url(server.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(new GZIPInputStream(exchange.getRequestBody()).readAllBytes(), StandardCharsets.UTF_8);
        List<String> lines = Arrays.asList(body.split("\n"));
        Told told;
        synchronized (this) {
            told = behave.apply(requests.size());
            requests.add(lines);
            times.add(System.nanoTime());
            authorizations.add(exchange.getRequestHeaders().getFirst("Authorization"));
            if (told == null || told.status == 200 || told.status == 400) {
                lines.forEach(line -> taken.add(Json.object(line)));
            }
            notifyAll();
        }
        byte[] answer = (told == null ? "{\"accepted\":" + lines.size() + ",\"refused\":[],\"refusedMore\":0}" : told.body).getBytes(StandardCharsets.UTF_8);
        if (told != null && told.retryAfter != null) {
            exchange.getResponseHeaders().set("Retry-After", told.retryAfter);
        }
        exchange.sendResponseHeaders(told == null ? 200 : told.status, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    synchronized List<Map<String, Object>> taken() {
        return new ArrayList<>(taken);
    }

    synchronized List<List<String>> requests() {
        return new ArrayList<>(requests);
    }

    synchronized List<String> authorizations() {
        return new ArrayList<>(authorizations);
    }

    synchronized List<Long> times() {
        return new ArrayList<>(times);
    }

    /** Waits until something holds, a minute at most. */
    synchronized boolean await(Predicate<Receiver> holds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!holds.test(this)) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
        }
        return true;
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
