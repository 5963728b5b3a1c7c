package io.linkloom.reporter.spring;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Import;

/**
 * Makes {@link io.linkloom.reporter.TraceNode} take effect on the beans of an application context, and gives it a {@link LinkTaskDecorator}. Needs no AspectJ; together with
 * {@code @EnableAspectJAutoProxy} or {@code @EnableAsync} beans still have one proxy.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Import(TraceNodeRegistrar.class)
public @interface EnableTraceNodes {}
