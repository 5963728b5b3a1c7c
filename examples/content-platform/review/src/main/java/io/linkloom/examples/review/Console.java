package io.linkloom.examples.review;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Gson;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.linkloom.reporter.Baggage;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.TraceLogger;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The HTTP side: requests, answers, and what is refused. */
final class Console {
    private static final int BODY_MAX = 64 << 10;
    private static final int PICTURES_MAX = 8;
    private static final Gson JSON = new Gson();

    /** What is answered to a request that comes to nothing. */
    private static final class Refused extends Exception {
        final int status;

        Refused(int status, String reason) {
            super(reason);
            this.status = status;
        }
    }

    private interface Handler {
        Object answer(HttpExchange exchange) throws Refused, IOException;
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newFixedThreadPool(4);
    private final Pictures pictures;
    private final Desk desk;

    Console(InetSocketAddress listen, Pictures pictures, Desk desk) throws IOException {
        this.pictures = pictures;
        this.desk = desk;
        try {
            server = HttpServer.create(listen, 0);
        } catch (IOException e) {
            throw new IOException("listening on " + listen + ": " + e.getMessage(), e);
        }
        server.setExecutor(threads);
        route("/pictures/audit", exchange -> this.pictures.audit(contentId(body(exchange)), names(body(exchange))));
        route("/pictures/ocr", exchange -> this.pictures.ocr(contentId(body(exchange)), names(body(exchange))));
        route("/tasks", this::tasks);
        route("/", exchange -> {
            throw new Refused(404, "there is nothing here; see GET /tasks");
        });
    }

    /** The context of a request: all work on it belongs to the execution and trace its headers name. */
    private static final Filter CONTEXT = new Filter() {
        @Override
        public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
            // Several headers of one name are one, joined by commas.
            try (LinkScope link = Traces.within(Baggage.read(name -> {
                List<String> values = exchange.getRequestHeaders().get(name);
                return values == null ? null : String.join(",", values);
            })).enter()) {
                chain.doFilter(exchange);
            }
        }

        @Override
        public String description() {
            return "the mark of the caller";
        }
    };

    private void route(String path, Handler handler) {
        server.createContext(path, exchange -> {
            int status = 200;
            Object answer;
            try {
                if (exchange.getHttpContext().getPath().startsWith("/pictures/")) {
                    method(exchange, "POST");
                    exchange.setAttribute("body", object(exchange));
                }
                answer = handler.answer(exchange);
            } catch (Refused e) {
                status = e.status;
                answer = Map.of("error", e.getMessage());
            } catch (Pictures.Unknown e) {
                status = 422;
                answer = Map.of("error", e.getMessage());
            } catch (IOException e) {
                // Said by who knew more about it.
                status = 500;
                answer = Map.of("error", withCauses(e));
            } catch (RuntimeException e) {
                TraceLogger.error("{} {} failed", exchange.getRequestMethod(), exchange.getRequestURI(), e);
                status = 500;
                answer = Map.of("error", withCauses(e));
            }
            byte[] bytes = (JSON.toJson(answer) + "\n").getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        }).getFilters().add(CONTEXT);
    }

    private static JsonObject body(HttpExchange exchange) {
        return (JsonObject) exchange.getAttribute("body");
    }

    /** {@code GET /tasks}, {@code GET /tasks/ID}, {@code POST /tasks/ID/decision} */
    private Object tasks(HttpExchange exchange) throws Refused, IOException {
        String[] parts = exchange.getRequestURI().getPath().split("/");
        if (parts.length == 2) {
            method(exchange, "GET");
            List<Object> all = new ArrayList<>();
            for (Task task : desk.tasks()) {
                all.add(shown(task));
            }
            return Map.of("tasks", all);
        }
        boolean deciding = parts.length == 4 && parts[3].equals("decision");
        if (parts.length > 3 && !deciding) {
            throw new Refused(404, "there is nothing here; see GET /tasks");
        }
        method(exchange, deciding ? "POST" : "GET");
        Task task = desk.task(parts[2]);
        if (task == null) {
            throw new Refused(404, "there is no task " + parts[2]);
        }
        if (deciding) {
            JsonObject body = object(exchange);
            String verdict = text(body, "verdict", null);
            if (!verdict.equals("keep") && !verdict.equals("reject")) {
                throw new Refused(400, "verdict is \"" + verdict + "\", allowed are keep, reject");
            }
            try {
                desk.decide(task, text(body, "reviewer", null), verdict, text(body, "note", ""));
            } catch (Desk.NotNow e) {
                throw new Refused(409, e.getMessage());
            } catch (IOException e) {
                throw new Refused(502, withCauses(e));
            }
        }
        return shown(task);
    }

    private static Map<String, Object> shown(Task task) {
        Map<String, Object> shown = new LinkedHashMap<>();
        synchronized (task) {
            shown.put("taskId", task.id);
            shown.put("contentId", task.contentId);
            shown.put("state", task.state.name());
            shown.put("verdict", task.verdict);
        }
        return shown;
    }

    private static void method(HttpExchange exchange, String allowed) throws Refused {
        if (!exchange.getRequestMethod().equals(allowed)) {
            throw new Refused(405, exchange.getRequestMethod() + " has no meaning here, " + allowed + " has");
        }
    }

    private static JsonObject object(HttpExchange exchange) throws Refused, IOException {
        byte[] bytes = exchange.getRequestBody().readNBytes(BODY_MAX + 1);
        if (bytes.length > BODY_MAX) {
            throw new Refused(413, "the body has more than " + BODY_MAX + " bytes");
        }
        try {
            JsonElement parsed = JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8));
            if (parsed.isJsonObject()) {
                return parsed.getAsJsonObject();
            }
        } catch (JsonParseException e) {
            // Without the link to a manual.
            throw new Refused(400, "the body is no JSON: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
        throw new Refused(400, "the body is no JSON object");
    }

    /** A text of the body; the default where there is none, unless that is null. */
    private static String text(JsonObject body, String name, String otherwise) throws Refused {
        JsonElement value = body.get(name);
        if (value == null && otherwise != null) {
            return otherwise;
        }
        if (value == null || !value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString() || value.getAsString().isEmpty()) {
            throw new Refused(400, "the body has no text " + name);
        }
        return value.getAsString();
    }

    private static String contentId(JsonObject body) throws Refused {
        return text(body, "contentId", null);
    }

    private static List<String> names(JsonObject body) throws Refused {
        JsonElement value = body.get("pictures");
        List<String> names = new ArrayList<>();
        for (JsonElement name : value != null && value.isJsonArray() ? value.getAsJsonArray() : new JsonArray()) {
            if (!name.isJsonPrimitive() || !name.getAsJsonPrimitive().isString() || !name.getAsString().matches("[A-Za-z0-9._-]{1,64}")) {
                throw new Refused(400, "a picture is named " + name + ", allowed are 1 to 64 of a-z, A-Z, 0-9, -, . and _");
            }
            names.add(name.getAsString());
        }
        if (names.isEmpty() || names.size() > PICTURES_MAX) {
            throw new Refused(400, "pictures has " + names.size() + " names, allowed are 1 to " + PICTURES_MAX);
        }
        return names;
    }

    private static String withCauses(Throwable e) {
        StringBuilder text = new StringBuilder(String.valueOf(e.getMessage()));
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text.append(": ").append(cause.getMessage());
        }
        return text.toString();
    }

    void start() {
        server.start();
    }

    String address() {
        return server.getAddress().getAddress().getHostAddress() + ":" + server.getAddress().getPort();
    }

    void close() {
        server.stop(1);
        threads.shutdown();
    }
}
