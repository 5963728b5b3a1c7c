package io.linkloom.reporter.http;

import io.linkloom.reporter.Baggage;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.core.Warnings;
import java.io.IOException;
import java.util.List;
import okhttp3.Call;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Puts the context into requests of OkHttp that are executed by the thread that makes them:
 * {@code new OkHttpClient.Builder().addInterceptor(new LinkOkHttpInterceptor())}. Calls that are enqueued meet interceptors on threads of OkHttp; make those by
 * {@link #callsOf}, which does for all calls.
 */
public final class LinkOkHttpInterceptor implements Interceptor {
    @Override
    public Response intercept(Chain chain) throws IOException {
        return chain.proceed(with(chain.request()));
    }

    /** Makes calls with the context of the thread that makes them: {@code LinkOkHttpInterceptor.callsOf(client).newCall(request).enqueue(…)}. */
    public static Call.Factory callsOf(Call.Factory client) {
        return request -> client.newCall(with(request));
    }

    private static Request with(Request request) {
        try {
            List<String> existing = request.headers(Baggage.HEADER);
            String value = Baggage.write(LinkContext.current(), existing.isEmpty() ? null : String.join(",", existing));
            return value == null ? request : request.newBuilder().header(Baggage.HEADER, value).build();
        } catch (Throwable e) {
            Warnings.once("okhttp", "the context could not be put into a request", e);
            return request;
        }
    }
}
