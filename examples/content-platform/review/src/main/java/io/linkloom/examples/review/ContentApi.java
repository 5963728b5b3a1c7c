package io.linkloom.examples.review;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.linkloom.reporter.NodeRun;
import io.linkloom.reporter.TraceUtils;
import io.linkloom.reporter.http.LinkHttpClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;

/**
 * The content API, written in Rust. The mark goes along, so that it reports its steps of the review; a step that nobody took is reported
 * here, as failed.
 */
final class ContentApi {
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String url;
    private final Duration timeout;

    ContentApi(String url, Duration timeout) {
        this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.timeout = timeout;
        // Found out now and not at the first call.
        URI.create(this.url).resolve("/");
    }

    /** The step {@code loadContent}. */
    JsonObject load(String contentId) throws IOException {
        return call("loadContent", request("/contents/" + contentId).GET(), Map.of("contentId", contentId));
    }

    /** The step {@code applyVerdict}, or {@code applyFinalVerdict} if a second reviewer said so. */
    void apply(String contentId, String verdict, boolean isFinal) throws IOException {
        JsonObject body = new JsonObject();
        body.addProperty("verdict", verdict);
        body.addProperty("final", isFinal);
        HttpRequest.Builder request = request("/contents/" + contentId + "/verdict").POST(BodyPublishers.ofString(body.toString()));
        call(isFinal ? "applyFinalVerdict" : "applyVerdict", request, Map.of("contentId", contentId, "verdict", verdict));
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path)).timeout(timeout);
        String trace = Traces.header();
        if (trace != null) {
            request.setHeader("traceparent", trace);
        }
        return LinkHttpClient.inject(request);
    }

    private JsonObject call(String step, HttpRequest.Builder request, Map<String, Object> input) throws IOException {
        HttpResponse<String> answer;
        try {
            answer = client.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            IOException failure = new IOException("the content API cannot be reached", e);
            try (NodeRun run = TraceUtils.node(step).start(input)) {
                run.fail(failure);
            }
            throw failure;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the service ends", e);
        }
        JsonElement parsed;
        try {
            parsed = JsonParser.parseString(answer.body());
        } catch (JsonParseException e) {
            throw new IOException("the answer of the content API is not understood", e);
        }
        if (answer.statusCode() != 200 || !parsed.isJsonObject()) {
            throw new IOException("the content API answered " + answer.statusCode() + ": " + answer.body().trim());
        }
        return parsed.getAsJsonObject();
    }
}
