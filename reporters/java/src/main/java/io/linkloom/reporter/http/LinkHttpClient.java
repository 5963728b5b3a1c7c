package io.linkloom.reporter.http;

import io.linkloom.reporter.Baggage;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.core.Warnings;
import java.net.http.HttpRequest;

/** The context in requests of {@link java.net.http.HttpClient}. */
public final class LinkHttpClient {
    private LinkHttpClient() {}

    /** Puts the context of this thread into a request that is being built: {@code client.send(LinkHttpClient.inject(HttpRequest.newBuilder(uri)).build(), …)}. */
    public static HttpRequest.Builder inject(HttpRequest.Builder request) {
        try {
            // There is no asking a builder for one header, but for what it would build.
            String existing = String.join(",", request.copy().build().headers().allValues(Baggage.HEADER));
            String value = Baggage.write(LinkContext.current(), existing.isEmpty() ? null : existing);
            if (value != null) {
                request.setHeader(Baggage.HEADER, value);
            }
        } catch (Throwable e) {
            Warnings.once("httpclient", "the context could not be put into a request", e);
        }
        return request;
    }
}
