package io.linkloom.reporter;

import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;

/**
 * Loggers of slf4j whose logs are reports as well: {@code private static final Logger log = TraceLoggerFactory.getLogger(Orders.class)}. Needs slf4j-api. Where
 * an appender of this toolkit is configured, ordinary loggers do the same.
 */
public final class TraceLoggerFactory {
    private TraceLoggerFactory() {}

    public static Logger getLogger(Class<?> of) {
        return getLogger(of.getName());
    }

    public static Logger getLogger(String name) {
        return new ReportingLogger(name);
    }

    private static final class ReportingLogger extends LegacyAbstractLogger {
        private static final long serialVersionUID = 1L;

        private final transient Forward forward;

        ReportingLogger(String name) {
            this.name = name;
            this.forward = Forward.to(name);
        }

        @Override
        public boolean isTraceEnabled() {
            return TraceLogger.enabled(forward, "TRACE");
        }

        @Override
        public boolean isDebugEnabled() {
            return TraceLogger.enabled(forward, "DEBUG");
        }

        @Override
        public boolean isInfoEnabled() {
            return TraceLogger.enabled(forward, "INFO");
        }

        @Override
        public boolean isWarnEnabled() {
            return TraceLogger.enabled(forward, "WARN");
        }

        @Override
        public boolean isErrorEnabled() {
            return TraceLogger.enabled(forward, "ERROR");
        }

        @Override
        protected String getFullyQualifiedCallerName() {
            return "org.slf4j.helpers.AbstractLogger";
        }

        @Override
        protected void handleNormalizedLoggingCall(Level level, Marker marker, String pattern, Object[] arguments, Throwable thrown) {
            TraceLogger.log(forward, name, "org.slf4j.helpers.AbstractLogger", level.name(), pattern, thrown, arguments);
        }

        protected Object readResolve() {
            return getLogger(name);
        }
    }
}
