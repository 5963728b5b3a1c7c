package io.linkloom.examples.review;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.linkloom.reporter.LinkScope;
import io.linkloom.reporter.TraceLogger;
import io.linkloom.reporter.kafka.KafkaLinks;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes review tasks from Kafka: each within the execution and trace its headers name. Goes on when the broker is away, or a task is no task. */
final class TaskListener {
    private static final Logger LOG = LoggerFactory.getLogger(TaskListener.class);
    private static final Duration POLL = Duration.ofMillis(500);

    private final KafkaConsumer<String, String> consumer;
    private final String topic;
    private final Desk desk;
    private final Thread thread = new Thread(this::listen, "tasks");

    TaskListener(String brokers, String topic, String group, Desk desk) {
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        try {
            consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        } catch (KafkaException e) {
            throw new IllegalArgumentException("KAFKA_BROKERS is \"" + brokers + "\", allowed is HOST:PORT,…: " + rootOf(e).getMessage(), e);
        }
        this.topic = topic;
        this.desk = desk;
    }

    private static Throwable rootOf(Throwable e) {
        return e.getCause() == null ? e : rootOf(e.getCause());
    }

    void start() {
        thread.start();
    }

    private void listen() {
        try (consumer) {
            consumer.subscribe(List.of(topic));
            while (true) {
                try {
                    for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                        try (LinkScope link = Traces.within(KafkaLinks.extract(record.headers())).enter()) {
                            take(record);
                        }
                    }
                    consumer.commitSync();
                } catch (WakeupException e) {
                    throw e;
                } catch (KafkaException e) {
                    // It reads on from where it committed; a task that comes twice changes nothing.
                    LOG.warn("tasks are not read: {}", e.getMessage());
                }
            }
        } catch (WakeupException end) {
            // close() was called
        }
    }

    private void take(ConsumerRecord<String, String> record) {
        Task task;
        try {
            JsonObject message = JsonParser.parseString(record.value()).getAsJsonObject();
            task = new Task(message.get("taskId").getAsString(), message.get("contentId").getAsString(), message.get("score").getAsDouble());
        } catch (RuntimeException e) {
            TraceLogger.error("no task at {}-{}@{}: {}", record.topic(), record.partition(), record.offset(), record.value(), e);
            return;
        }
        desk.take(task);
    }

    void close() {
        consumer.wakeup();
        try {
            thread.join(2000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
