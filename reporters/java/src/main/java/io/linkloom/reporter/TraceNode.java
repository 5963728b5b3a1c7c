package io.linkloom.reporter;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Calls of the method are runs of a node: started with its arguments, completed with what it returns, failed with what it throws. A
 * {@link java.util.concurrent.CompletionStage} it returns ends the run when it is done. Takes effect through Spring AOP (see
 * {@code io.linkloom.reporter.spring}) or {@link TraceProxy}.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface TraceNode {
    /** The name of the node; the name of the method if empty. */
    String nodeName() default "";

    /** Whether the arguments are reported, as an object by the names of the parameters ({@code arg0}, … without {@code -parameters}). */
    boolean input() default true;

    /** Whether what the method returns is reported. */
    boolean output() default true;

    /** Keys (parameters too) whose values are masked, beside the rules of the reporter. */
    String[] mask() default {};

    /** Parameters that are not reported. */
    String[] skip() default {};

    /** Whether the text of what the method returns is the outcome of a decision. */
    boolean decision() default false;
}
