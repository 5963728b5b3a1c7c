package io.linkloom.reporter;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;
import org.slf4j.helpers.NOPLogger;
import org.slf4j.helpers.SubstituteLogger;
import org.slf4j.spi.LocationAwareLogger;

/** Hands on to slf4j. */
final class Slf4jForward extends Forward {
    private static final Marker MARKER = MarkerFactory.getMarker(REPORTED);

    private final Logger logger;

    private Slf4jForward(Logger logger) {
        this.logger = logger;
    }

    static Forward to(String name) {
        Logger logger = LoggerFactory.getLogger(name);
        boolean nop = logger instanceof NOPLogger || logger instanceof SubstituteLogger && ((SubstituteLogger) logger).isDelegateNOP();
        return nop ? nowhere() : new Slf4jForward(logger);
    }

    @Override
    boolean decides() {
        return true;
    }

    @Override
    boolean isEnabled(String level) {
        switch (level) {
            case "TRACE":
                return logger.isTraceEnabled(MARKER);
            case "DEBUG":
                return logger.isDebugEnabled(MARKER);
            case "INFO":
                return logger.isInfoEnabled(MARKER);
            case "WARN":
                return logger.isWarnEnabled(MARKER);
            default:
                return logger.isErrorEnabled(MARKER);
        }
    }

    @Override
    void log(String caller, String level, String message, Throwable thrown) {
        if (logger instanceof LocationAwareLogger) {
            ((LocationAwareLogger) logger).log(MARKER, caller, number(level), message, null, thrown);
            return;
        }
        switch (level) {
            case "TRACE":
                logger.trace(MARKER, message, thrown);
                break;
            case "DEBUG":
                logger.debug(MARKER, message, thrown);
                break;
            case "INFO":
                logger.info(MARKER, message, thrown);
                break;
            case "WARN":
                logger.warn(MARKER, message, thrown);
                break;
            default:
                logger.error(MARKER, message, thrown);
        }
    }

    private static int number(String level) {
        switch (level) {
            case "TRACE":
                return LocationAwareLogger.TRACE_INT;
            case "DEBUG":
                return LocationAwareLogger.DEBUG_INT;
            case "INFO":
                return LocationAwareLogger.INFO_INT;
            case "WARN":
                return LocationAwareLogger.WARN_INT;
            default:
                return LocationAwareLogger.ERROR_INT;
        }
    }
}
