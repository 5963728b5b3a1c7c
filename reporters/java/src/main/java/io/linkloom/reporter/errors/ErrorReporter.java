package io.linkloom.reporter.errors;

/**
 * The error platform a team already has. Implementations are found by {@link java.util.ServiceLoader} or
 * {@linkplain ErrorReporters#add added}; each is called once for each exception that is logged, however often and by whatever way it is.
 */
public interface ErrorReporter {
    /** Called on the thread that logs; what it throws is warned of once and goes no further. */
    void report(ErrorEvent event) throws Exception;
}
