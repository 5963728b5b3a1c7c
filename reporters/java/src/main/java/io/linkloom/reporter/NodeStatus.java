package io.linkloom.reporter;

/** What a node report says of a node. */
public enum NodeStatus {
    RUNNING,
    COMPLETED,
    FAILED,
    SKIPPED
}
