package io.linkloom.reporter.out;

import io.linkloom.reporter.core.Warnings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** Posts batches to Linkloom or a relay. For one thread. */
final class RelayOut {
    /** What became of a batch. */
    static final class Answer {
        enum Kind {
            /** The receiver has it, but for {@link #refused} lines. */
            TAKEN,
            /** To be sent again, not before {@link #waitMillis} if that is not 0. */
            AGAIN,
            /** The receiver will never take it. */
            NEVER
        }

        final Kind kind;
        final long refused;
        final long waitMillis;

        Answer(Kind kind, long refused, long waitMillis) {
            this.kind = kind;
            this.refused = refused;
            this.waitMillis = waitMillis;
        }
    }

    private static final int CONNECT_MILLIS = 2000;
    private static final int READ_MILLIS = 10_000;
    private static final int ANSWER_BYTES_MAX = 1 << 20;
    private static final long WAIT_MILLIS_MAX = Duration.ofMinutes(5).toMillis();
    private static final Pattern REFUSED = Pattern.compile("\"line\"\\s*:\\s*([0-9]+)[^{}]*?\"reason\"\\s*:\\s*\"([^\"]*)\"");
    private static final Pattern MORE = Pattern.compile("\"refusedMore\"\\s*:\\s*([0-9]+)");

    private final URI url;
    private final String token;
    private volatile HttpURLConnection current;

    RelayOut(URI url, String token) {
        this.url = url;
        this.token = token;
    }

    Answer send(Batch batch) {
        HttpURLConnection connection = null;
        try {
            byte[] body = gzip(batch);
            connection = (HttpURLConnection) url.toURL().openConnection();
            current = connection;
            connection.setConnectTimeout(CONNECT_MILLIS);
            connection.setReadTimeout(READ_MILLIS);
            connection.setRequestMethod("POST");
            connection.setInstanceFollowRedirects(false);
            connection.setUseCaches(false);
            connection.setDoOutput(true);
            connection.setRequestProperty("Content-Type", "application/x-ndjson");
            connection.setRequestProperty("Content-Encoding", "gzip");
            if (token != null) {
                connection.setRequestProperty("Authorization", "Bearer " + token);
            }
            connection.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
            int status = connection.getResponseCode();
            String answer = read(status >= 400 ? connection.getErrorStream() : connection.getInputStream());
            return judge(batch, status, answer, connection.getHeaderField("Retry-After"));
        } catch (IOException | RuntimeException e) {
            Warnings.once("relay", "the relay cannot be reached, reports are kept: " + url, e);
            if (connection != null) {
                connection.disconnect();
            }
            return new Answer(Answer.Kind.AGAIN, 0, 0);
        } finally {
            current = null;
        }
    }

    /** Breaks off what is being sent, from another thread. */
    void abort() {
        HttpURLConnection now = current;
        if (now != null) {
            now.disconnect();
        }
    }

    private Answer judge(Batch batch, int status, String answer, String retryAfter) {
        if (status >= 200 && status < 300 || status == 400 && REFUSED.matcher(answer).find()) {
            long refused = 0;
            Matcher lines = REFUSED.matcher(answer);
            while (lines.find()) {
                refused++;
                Warnings.once("refused:" + lines.group(2), "a report was refused: " + lines.group(2) + " (line " + lines.group(1) + ")");
            }
            Matcher more = MORE.matcher(answer);
            if (more.find() && more.group(1).length() < 18) {
                refused += Long.parseLong(more.group(1));
            }
            return new Answer(Answer.Kind.TAKEN, Math.min(refused, batch.lines.size()), 0);
        }
        if (status == 408 || status == 429 || status >= 500 || status < 0) {
            Warnings.once("relay:" + status, "the relay answers " + status + ", reports are kept: " + url);
            return new Answer(Answer.Kind.AGAIN, 0, waitMillis(retryAfter));
        }
        Warnings.once("relay:" + status, "the relay answers " + status + ", reports are dropped: " + url + " " + head(answer));
        return new Answer(Answer.Kind.NEVER, batch.lines.size(), 0);
    }

    private static String head(String text) {
        return text.substring(0, Math.min(200, text.length())).replaceAll("\\s+", " ");
    }

    private static long waitMillis(String retryAfter) {
        if (retryAfter == null) {
            return 0;
        }
        long wait;
        try {
            wait = Long.parseLong(retryAfter.trim()) * 1000;
        } catch (NumberFormatException e) {
            try {
                wait = Duration.between(Instant.now(), ZonedDateTime.parse(retryAfter.trim(), DateTimeFormatter.RFC_1123_DATE_TIME)).toMillis();
            } catch (RuntimeException noDate) {
                wait = 0;
            }
        }
        return Math.max(0, Math.min(wait, WAIT_MILLIS_MAX));
    }

    private static String read(InputStream in) throws IOException {
        if (in == null) {
            return "";
        }
        try (in) {
            return new String(in.readNBytes(ANSWER_BYTES_MAX), StandardCharsets.UTF_8);
        }
    }

    private static byte[] gzip(Batch batch) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(batch.bytes / 4 + 64);
        try (GZIPOutputStream out = new GZIPOutputStream(bytes, 8192)) {
            for (byte[] line : batch.lines) {
                out.write(line);
            }
        }
        return bytes.toByteArray();
    }
}
