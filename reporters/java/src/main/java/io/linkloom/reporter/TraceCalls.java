package io.linkloom.reporter;

import io.linkloom.reporter.core.Masks;
import io.linkloom.reporter.core.Warnings;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/** Runs methods as the nodes their {@link TraceNode} says. For who intercepts calls. */
public final class TraceCalls {
    /** The call itself. */
    public interface Call {
        Object proceed() throws Throwable;
    }

    private static final class Plan {
        final TraceNode node;
        final String name;
        final String[] parameters;
        final boolean[] skipped;

        Plan(Method method, TraceNode node) {
            this.node = node;
            name = node.nodeName().isEmpty() ? method.getName() : node.nodeName();
            Parameter[] all = method.getParameters();
            List<String> skip = Arrays.asList(node.skip());
            parameters = new String[all.length];
            skipped = new boolean[all.length];
            for (int i = 0; i < all.length; i++) {
                parameters[i] = all[i].getName();
                skipped[i] = skip.contains(parameters[i]) || skip.contains("arg" + i);
            }
        }

        Map<String, Object> input(Object[] arguments) {
            Map<String, Object> input = new LinkedHashMap<>();
            for (int i = 0; i < parameters.length && arguments != null && i < arguments.length; i++) {
                if (!skipped[i]) {
                    input.put(parameters[i], arguments[i]);
                }
            }
            return input;
        }
    }

    private static final Map<Method, Plan> PLANS = new ConcurrentHashMap<>();

    private TraceCalls() {}

    /** Runs a call of a method that has an annotation. What the call throws is thrown on; nothing else is. */
    public static Object call(Method method, TraceNode node, Object[] arguments, Call call) throws Throwable {
        NodeRun run = start(method, node, arguments);
        if (run == null) {
            return call.proceed();
        }
        Object result;
        try {
            result = call.proceed();
        } catch (Throwable e) {
            run.fail(e);
            throw e;
        }
        if (result instanceof CompletionStage) {
            run.leave();
            return ending((CompletionStage<?>) result, run, node);
        }
        complete(run, node, result);
        return result;
    }

    private static NodeRun start(Method method, TraceNode node, Object[] arguments) {
        try {
            Plan plan = PLANS.computeIfAbsent(method, of -> new Plan(of, node));
            Reporter reporter = Reporter.get();
            NodeStart start = reporter.node(plan.name);
            if (node.mask().length > 0) {
                start.masks(masks(reporter, method, node));
            }
            if (node.input() && plan.parameters.length > 0) {
                start.input(plan.input(arguments));
            }
            return start.start();
        } catch (Throwable e) {
            Warnings.once("node:" + method, "a node could not be started: " + method, e);
            return null;
        }
    }

    private static final Map<Method, Map.Entry<Reporter, Masks>> MASKS = new ConcurrentHashMap<>();

    private static Masks masks(Reporter reporter, Method method, TraceNode node) {
        Map.Entry<Reporter, Masks> known = MASKS.get(method);
        if (known == null || known.getKey() != reporter) {
            known = Map.entry(reporter, reporter.composer().masks().withKeys(node.mask()));
            MASKS.put(method, known);
        }
        return known.getValue();
    }

    private static void complete(NodeRun run, TraceNode node, Object result) {
        try {
            if (node.decision()) {
                run.outcome(String.valueOf(result));
            }
        } catch (Throwable e) {
            Warnings.once("outcome", "the outcome of a decision has no text", e);
        }
        run.complete(node.output() ? result : null);
    }

    private static Object ending(CompletionStage<?> stage, NodeRun run, TraceNode node) {
        // The very stage that was returned is handed on: a caller may know its type.
        stage.whenComplete((result, thrown) -> {
            if (thrown == null) {
                complete(run, node, result);
            } else {
                run.fail(thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown);
            }
        });
        return stage;
    }
}
