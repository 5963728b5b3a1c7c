package io.linkloom.reporter;

/** The ordinary logger behind a logger of this toolkit, if there is one. */
class Forward {
    /** On events that are reported already; the appenders of this toolkit leave them out. */
    static final String REPORTED = "LINKLOOM_REPORTED";

    private static final Forward NOWHERE = new Forward();

    static Forward to(String name) {
        try {
            return Slf4jForward.to(name);
        } catch (Throwable absent) {
            return NOWHERE;
        }
    }

    static Forward nowhere() {
        return NOWHERE;
    }

    /** Whether its levels count. */
    boolean decides() {
        return false;
    }

    boolean isEnabled(String level) {
        return true;
    }

    void log(String caller, String level, String message, Throwable thrown) {}
}
