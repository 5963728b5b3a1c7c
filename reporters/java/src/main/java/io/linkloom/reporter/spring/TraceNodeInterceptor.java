package io.linkloom.reporter.spring;

import io.linkloom.reporter.TraceCalls;
import io.linkloom.reporter.TraceNode;
import java.lang.reflect.Method;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.springframework.aop.support.AopUtils;
import org.springframework.core.annotation.AnnotatedElementUtils;

/** Runs annotated methods of beans as nodes. */
public class TraceNodeInterceptor implements MethodInterceptor {
    @Override
    public Object invoke(MethodInvocation invocation) throws Throwable {
        Object target = invocation.getThis();
        Method method = target == null ? invocation.getMethod() : AopUtils.getMostSpecificMethod(invocation.getMethod(), target.getClass());
        TraceNode node = AnnotatedElementUtils.findMergedAnnotation(method, TraceNode.class);
        return node == null ? invocation.proceed() : TraceCalls.call(method, node, invocation.getArguments(), invocation::proceed);
    }
}
