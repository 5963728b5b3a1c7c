package io.linkloom.examples.review;

import io.linkloom.reporter.NodeRun;

/** A review that somebody asked for. Its id is the id of the execution. Guarded by itself. */
final class Task {
    /** The scene of reviews. */
    static final String SCENE = "human-review";

    enum State {
        UNDER_REVIEW,
        /** A second reviewer is to decide. */
        WAITING,
        CLOSED,
        FAILED
    }

    final String id;
    final String contentId;
    final double score;
    State state = State.UNDER_REVIEW;
    /** What counts in the end; null until then. */
    String verdict;
    /** The second review while it goes on: it begins in one call and ends in another. */
    NodeRun secondReview;

    Task(String id, String contentId, double score) {
        this.id = id;
        this.contentId = contentId;
        this.score = score;
    }
}
