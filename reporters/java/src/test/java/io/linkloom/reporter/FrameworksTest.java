package io.linkloom.reporter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.linkloom.reporter.http.LinkHttpClient;
import io.linkloom.reporter.http.LinkOkHttpInterceptor;
import io.linkloom.reporter.kafka.KafkaLinks;
import io.linkloom.reporter.kafka.LinkConsumerInterceptor;
import io.linkloom.reporter.kafka.LinkProducerInterceptor;
import io.linkloom.reporter.servlet.LinkFilter;
import io.linkloom.reporter.spring.EnableTraceNodes;
import io.linkloom.reporter.spring.LinkTaskDecorator;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.aop.support.AopUtils;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;

/** Spring, HTTP and Kafka. */
class FrameworksTest {
    private static final LinkMark MARK = new LinkMark("订单", "s", "e");
    private final Captured captured = new Captured();

    @AfterEach
    void end() {
        captured.close();
        assertEquals(LinkContext.NONE, LinkContext.current(), "nothing is left on the thread");
    }

    public static class Pictures {
        @TraceNode(nodeName = "picProcess")
        public String process(int contentId) {
            TraceLogger.info("looking at {}", contentId);
            if (contentId < 0) {
                throw new IllegalArgumentException("contentId < 0");
            }
            return "ok";
        }

        @Async
        @TraceNode(nodeName = "later")
        public CompletableFuture<LinkMark> later() {
            return CompletableFuture.completedFuture(LinkContext.current().mark());
        }

        public String plain() {
            return "plain";
        }
    }

    @Configuration
    @EnableAsync
    @EnableTraceNodes
    static class App {
        @Bean
        Pictures pictures() {
            return new Pictures();
        }

        @Bean
        Executor taskExecutor(LinkTaskDecorator decorator) {
            ThreadPoolTaskExecutor executor = new ThreadPoolTaskExecutor();
            executor.setCorePoolSize(2);
            executor.setTaskDecorator(decorator);
            return executor;
        }
    }

    @Test
    void beansOfSpring() throws Exception {
        try (AnnotationConfigApplicationContext spring = new AnnotationConfigApplicationContext(App.class)) {
            Pictures pictures = spring.getBean(Pictures.class);
            assertTrue(AopUtils.isAopProxy(pictures));
            CompletableFuture<LinkMark> later;
            try (LinkScope link = TraceUtils.passLinkMark(MARK)) {
                assertEquals("ok", pictures.process(42));
                assertThrows(IllegalArgumentException.class, () -> pictures.process(-1));
                assertEquals("plain", pictures.plain());
                later = pictures.later();
            }
            assertEquals(MARK, later.get(10, TimeUnit.SECONDS), "carried to the thread of @Async");
        }
        List<Map<String, Object>> nodes =
                captured.nodes().stream().filter(node -> node.get("nodeName").equals("picProcess")).collect(Collectors.toList());
        assertEquals(List.of("RUNNING", "COMPLETED", "RUNNING", "FAILED"), nodes.stream().map(n -> n.get("status")).collect(Collectors.toList()));
        assertEquals(Map.of("contentId", 42L), nodes.get(0).get("input"));
        assertEquals("ok", nodes.get(1).get("output"));
        assertEquals("订单", nodes.get(3).get("businessId"));
        assertEquals("picProcess", captured.logs().get(0).get("nodeName"));
        List<Map<String, Object>> later = captured.nodes().stream().filter(node -> node.get("nodeName").equals("later")).collect(Collectors.toList());
        assertEquals(List.of("RUNNING", "COMPLETED"), later.stream().map(n -> n.get("status")).collect(Collectors.toList()), "once, by one proxy");
        assertTrue(later.stream().allMatch(node -> "订单".equals(node.get("businessId"))));
    }

    @Test
    void requestsCarryTheContext() throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            seen.add(String.valueOf(exchange.getRequestHeaders().getFirst("baggage")));
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
        OkHttpClient okHttp = new OkHttpClient.Builder().addInterceptor(new LinkOkHttpInterceptor()).build();
        try {
            try (LinkScope link = TraceUtils.passLinkMark(MARK);
                    NodeRun run = TraceUtils.node("call").start()) {
                okHttp.newCall(new Request.Builder().url(url).header("Baggage", "a=b").build()).execute().close();
                CompletableFuture<Void> done = new CompletableFuture<>();
                LinkOkHttpInterceptor.callsOf(okHttp).newCall(new Request.Builder().url(url).build()).enqueue(new Callback() {
                    @Override
                    public void onFailure(Call call, IOException e) {
                        done.completeExceptionally(e);
                    }

                    @Override
                    public void onResponse(Call call, Response response) {
                        response.close();
                        done.complete(null);
                    }
                });
                done.get(10, TimeUnit.SECONDS);
                HttpClient.newHttpClient().send(LinkHttpClient.inject(HttpRequest.newBuilder(URI.create(url)).header("baggage", "a=b")).build(),
                        HttpResponse.BodyHandlers.discarding());
                run.complete();
            }
            okHttp.newCall(new Request.Builder().url(url).build()).execute().close();
        } finally {
            server.stop(0);
            okHttp.dispatcher().executorService().shutdown();
        }
        String ours = "linkloom.business-id=%E8%AE%A2%E5%8D%95,linkloom.scene-id=s,linkloom.execution-id=e,linkloom.parent-node=call";
        assertEquals(List.of("a=b," + ours, ours, "a=b," + ours, "null"), seen);
    }

    private static HttpServletRequest request(Map<String, List<String>> headers) {
        Map<String, Object> attributes = new HashMap<>();
        return (HttpServletRequest) Proxy.newProxyInstance(FrameworksTest.class.getClassLoader(), new Class<?>[] {HttpServletRequest.class},
                (self, method, arguments) -> {
                    switch (method.getName()) {
                        case "getHeaders":
                            return Collections.enumeration(headers.getOrDefault(arguments[0], List.of()));
                        case "getAttribute":
                            return attributes.get(arguments[0]);
                        case "setAttribute":
                            return attributes.put((String) arguments[0], arguments[1]);
                        default:
                            throw new UnsupportedOperationException(method.getName());
                    }
                });
    }

    @Test
    void requestsAreServedWithinTheContextTheyCarry() throws Exception {
        Map<String, List<String>> headers = Map.of(
                "baggage", List.of("a=b,linkloom.business-id=%E8%AE%A2%E5%8D%95", "linkloom.scene-id=s,linkloom.execution-id=e,linkloom.parent-node=call"),
                "traceparent", List.of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        HttpServletRequest request = request(headers);
        List<LinkContext> seen = new ArrayList<>();
        for (int dispatch = 0; dispatch < 2; dispatch++) {
            new LinkFilter().doFilter(request, null, (req, res) -> seen.add(LinkContext.current()));
            assertNull(LinkContext.current().mark());
        }
        assertThrows(IOException.class, () -> new LinkFilter().doFilter(request, null, (req, res) -> {
            throw new IOException("of the application");
        }));
        assertEquals(seen.get(0), seen.get(1));
        assertEquals(MARK, seen.get(0).mark());
        assertEquals("call", seen.get(0).parentNode());
        assertEquals("00f067aa0ba902b7", seen.get(0).spanId());
        new LinkFilter().doFilter(request(Map.of()), null, (req, res) -> assertEquals(LinkContext.NONE, LinkContext.current()));
    }

    @Test
    void recordsOfKafkaCarryTheContext() {
        LinkProducerInterceptor<String, String> sending = new LinkProducerInterceptor<>();
        ProducerRecord<String, String> sent = new ProducerRecord<>("t", "v");
        sent.headers().add("baggage", "a=b".getBytes(StandardCharsets.UTF_8));
        try (LinkScope link = TraceUtils.passLinkMark(MARK);
                NodeRun run = TraceUtils.node("send").start()) {
            sending.onSend(sent);
            sending.onSend(sent);
            run.complete();
        }
        ProducerRecord<String, String> without = sending.onSend(new ProducerRecord<>("t", "v"));
        assertFalse(without.headers().iterator().hasNext());
        String header = new String(sent.headers().lastHeader("baggage").value(), StandardCharsets.UTF_8);
        assertTrue(header.startsWith("a=b,linkloom.business-id=%E8%AE%A2%E5%8D%95,"), header);
        assertEquals(1, sent.headers().toArray().length);

        ConsumerRecord<String, String> marked = new ConsumerRecord<>("t", 0, 0, "k", "v");
        sent.headers().forEach(marked.headers()::add);
        ConsumerRecord<String, String> plain = new ConsumerRecord<>("t", 0, 1, "k", "v");
        ConsumerRecord<String, String> second = new ConsumerRecord<>("t", 1, 0, "k", "v");
        second.headers().add("baggage", "linkloom.business-id=b2,linkloom.scene-id=s,linkloom.execution-id=e".getBytes(StandardCharsets.UTF_8));
        Map<TopicPartition, List<ConsumerRecord<String, String>>> byPartition = new java.util.LinkedHashMap<>();
        byPartition.put(new TopicPartition("t", 0), List.of(marked, plain));
        byPartition.put(new TopicPartition("t", 1), List.of(second));
        LinkConsumerInterceptor<String, String> receiving = new LinkConsumerInterceptor<>();
        ConsumerRecords<String, String> records = receiving.onConsume(new ConsumerRecords<>(byPartition, Map.of()));
        assertEquals(3, records.count());
        Map<ConsumerRecord<String, String>, LinkContext> seen = new HashMap<>();
        for (ConsumerRecord<String, String> record : records) {
            seen.put(record, LinkContext.current());
        }
        assertEquals(LinkContext.NONE, LinkContext.current(), "it ends with the iteration");
        assertEquals(MARK, seen.get(marked).mark());
        assertEquals("send", seen.get(marked).parentNode());
        assertNull(seen.get(plain).mark());
        assertEquals("b2", seen.get(second).mark().businessId());
        for (ConsumerRecord<String, String> record : records.records(new TopicPartition("t", 1))) {
            assertEquals("b2", LinkContext.current().mark().businessId());
            break;
        }
        receiving.onConsume(ConsumerRecords.empty());
        assertEquals(LinkContext.NONE, LinkContext.current(), "or with the next poll");
        try (LinkScope link = KafkaLinks.enter(marked)) {
            assertEquals(MARK, LinkContext.current().mark());
        }
    }
}
