package io.linkloom.reporter.kafka;

import io.linkloom.reporter.Baggage;
import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.core.Warnings;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** The context in the headers of records of Kafka: {@code baggage}, and {@code traceparent} to read. */
public final class KafkaLinks {
    private KafkaLinks() {}

    /** Puts the context of this thread into headers. */
    public static void inject(Headers headers) {
        try {
            String existing = find(headers, Baggage.HEADER);
            String value = Baggage.write(LinkContext.current(), existing);
            if (value != null && !value.equals(existing)) {
                headers.remove(Baggage.HEADER);
                headers.add(Baggage.HEADER, value.getBytes(StandardCharsets.UTF_8));
            }
        } catch (Throwable e) {
            Warnings.once("kafka:inject", "the context could not be put into the headers of a record", e);
        }
    }

    /** The context headers carry. */
    public static LinkContext extract(Headers headers) {
        try {
            return Baggage.read(name -> find(headers, name));
        } catch (Throwable e) {
            Warnings.once("kafka:extract", "the context could not be read from the headers of a record", e);
            return LinkContext.NONE;
        }
    }

    /** Works for the execution of a record: {@code try (LinkScope link = KafkaLinks.enter(record)) { … }} */
    public static LinkScope enter(ConsumerRecord<?, ?> record) {
        return extract(record.headers()).enter();
    }

    private static String find(Headers headers, String name) {
        StringBuilder all = null;
        for (Header header : headers) {
            if (name.equalsIgnoreCase(header.key()) && header.value() != null) {
                String value = new String(header.value(), StandardCharsets.UTF_8);
                all = all == null ? new StringBuilder(value) : all.append(',').append(value);
            }
        }
        return all == null ? null : all.toString();
    }
}
