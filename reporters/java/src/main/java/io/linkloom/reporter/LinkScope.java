package io.linkloom.reporter;

import io.linkloom.reporter.core.Warnings;

/** A stretch of a thread's work within a {@link LinkContext}; closing it puts the context before back. Never throws. */
public final class LinkScope implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private final LinkContext before;
    private final LinkContext entered;
    private boolean closed;

    LinkScope(LinkContext before, LinkContext entered) {
        this.before = before;
        this.entered = entered;
    }

    /** The context entered. */
    public LinkContext context() {
        return entered;
    }

    /** The mark entered; null if there is none. */
    public LinkMark mark() {
        return entered.mark();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (Thread.currentThread() != thread) {
            Warnings.once("scope", "a scope was closed by another thread than opened it, which has no effect");
            return;
        }
        closed = true;
        LinkContext.restore(before);
    }
}
