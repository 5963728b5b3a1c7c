package io.linkloom.reporter.kafka;

import io.linkloom.reporter.LinkContext;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.core.Warnings;
import java.util.AbstractList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Makes the context of each record that of the thread while it is iterated: {@code for (ConsumerRecord<…> record : consumer.poll(…))} works for the record's
 * execution within the loop, as do listeners called from such a loop. It ends with the iteration, or with the next poll if that is broken off.
 *
 * <p>{@code interceptor.classes=io.linkloom.reporter.kafka.LinkConsumerInterceptor}. Where records are handed to other threads, use {@link KafkaLinks#enter}
 * there.
 */
public final class LinkConsumerInterceptor<K, V> implements ConsumerInterceptor<K, V> {
    /** What the last iteration on this thread has not closed. */
    private static final ThreadLocal<LinkScope> OPEN = new ThreadLocal<>();

    @Override
    public ConsumerRecords<K, V> onConsume(ConsumerRecords<K, V> records) {
        leave();
        try {
            Map<TopicPartition, List<ConsumerRecord<K, V>>> entering = new HashMap<>();
            for (TopicPartition partition : records.partitions()) {
                entering.put(partition, new Entering<>(records.records(partition)));
            }
            return remake(records, entering);
        } catch (Throwable e) {
            Warnings.once("kafka:consume", "records could not be intercepted", e);
            return records;
        }
    }

    @SuppressWarnings("deprecation")
    private static <K, V> ConsumerRecords<K, V> remake(ConsumerRecords<K, V> from, Map<TopicPartition, List<ConsumerRecord<K, V>>> records) {
        try {
            return new ConsumerRecords<>(records, from.nextOffsets());
        } catch (NoSuchMethodError before4) {
            return new ConsumerRecords<>(records);
        }
    }

    private static void leave() {
        LinkScope scope = OPEN.get();
        if (scope != null) {
            OPEN.remove();
            scope.close();
        }
    }

    private static void enter(ConsumerRecord<?, ?> record) {
        leave();
        LinkContext context = KafkaLinks.extract(record.headers());
        OPEN.set(context.enter());
    }

    private static final class Entering<K, V> extends AbstractList<ConsumerRecord<K, V>> {
        private final List<ConsumerRecord<K, V>> records;

        Entering(List<ConsumerRecord<K, V>> records) {
            this.records = records;
        }

        @Override
        public ConsumerRecord<K, V> get(int index) {
            return records.get(index);
        }

        @Override
        public int size() {
            return records.size();
        }

        @Override
        public Iterator<ConsumerRecord<K, V>> iterator() {
            Iterator<ConsumerRecord<K, V>> all = records.iterator();
            return new Iterator<ConsumerRecord<K, V>>() {
                @Override
                public boolean hasNext() {
                    boolean more = all.hasNext();
                    if (!more) {
                        leave();
                    }
                    return more;
                }

                @Override
                public ConsumerRecord<K, V> next() {
                    ConsumerRecord<K, V> record = all.next();
                    enter(record);
                    return record;
                }
            };
        }
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {
        leave();
    }

    @Override
    public void configure(Map<String, ?> configs) {}
}
