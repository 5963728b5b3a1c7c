package io.linkloom.reporter;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** {@link TraceNode} without a framework: a proxy of an interface. */
public final class TraceProxy {
    private TraceProxy() {}

    /** An object with the same interface whose annotated methods (annotated there or in the class behind it) are nodes. */
    public static <T> T of(Class<T> type, T behind) {
        Map<Method, Optional<TraceNode>> nodes = new ConcurrentHashMap<>();
        Object proxy = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            TraceNode node = nodes.computeIfAbsent(method, of -> Optional.ofNullable(node(of, behind.getClass()))).orElse(null);
            if (node == null) {
                return invoke(method, behind, arguments);
            }
            return TraceCalls.call(method, node, arguments, () -> invoke(method, behind, arguments));
        });
        return type.cast(proxy);
    }

    private static TraceNode node(Method method, Class<?> behind) {
        TraceNode node = method.getAnnotation(TraceNode.class);
        if (node != null) {
            return node;
        }
        try {
            return behind.getMethod(method.getName(), method.getParameterTypes()).getAnnotation(TraceNode.class);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    private static Object invoke(Method method, Object behind, Object[] arguments) throws Throwable {
        try {
            if (!method.canAccess(behind)) {
                method.setAccessible(true);
            }
            return method.invoke(behind, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
