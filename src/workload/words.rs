//! The words of a content platform.

/// Words of titles and log texts, ready to stand in a JSON string.
#[rustfmt::skip]
pub(super) const WORDS: [&str; 128] = [
    "content", "picture", "video", "audio", "caption", "thumbnail", "frame", "subtitle", "comment",
    "channel", "creator", "author", "editor", "reviewer", "subscriber", "playlist", "episode", "season",
    "trailer", "livestream", "replay", "upload", "draft", "revision", "version", "archive", "label",
    "category", "topic", "keyword", "hashtag", "language", "region", "audience", "rating", "score",
    "threshold", "confidence", "verdict", "policy", "rule", "violation", "appeal", "spam", "nudity",
    "violence", "copyright", "fingerprint", "watermark", "hash", "duplicate", "similar", "cluster",
    "embedding", "feature", "vector", "model", "signal", "weight", "batch", "queue", "task", "shard",
    "replica", "cache", "index", "token", "session", "request", "response", "payload", "retry", "timeout",
    "latency", "quota", "limit", "accepted", "rejected", "pending", "published", "hidden", "restored",
    "queued", "merged", "skipped", "resolved", "checked", "loaded", "stored", "matched", "updated",
    "expired", "missing", "stale", "fresh", "partial", "complete", "morning", "evening", "summer", "winter",
    "mountain", "river", "city", "kitchen", "garden", "travel", "football", "guitar", "recipe", "museum",
    "caf\u{e9}", "\u{56fe}\u{7247}", "\u{89c6}\u{9891}", "na\u{ef}ve", "\\\"live\\\"", "a/b", "4k", "1080p",
    "mp4", "webp", "hdr", "stereo", "vertical", "short", "premiere", "weekly", "daily",
];

/// Beginnings of log texts.
pub(super) const LOG_TEXTS: [&str; 16] = [
    "audit finished",
    "calling downstream service",
    "loaded candidates from store",
    "rule set evaluated",
    "cache miss, reading from the source",
    "score below threshold",
    "labels merged",
    "response received",
    "waiting for a free slot",
    "published to topic",
    "snapshot written",
    "rate limit near its end",
    "fallback used",
    "entry already known",
    "verdict recorded",
    "index refreshed",
];

/// Kinds of content.
pub(super) const CONTENT_TYPES: [&str; 4] = ["video", "article", "live", "picture"];
/// What set an execution off.
pub(super) const TRIGGERS: [&str; 4] = ["api", "schedule", "event", "manual"];

/// Type, message and stack of exceptions, ready to stand in JSON strings; the stacks are about 1 KiB long.
pub(super) const EXCEPTIONS: [(&str, &str, &str); 4] = [
    ("java.net.SocketTimeoutException", "Read timed out", include_str!("stacks/timeout.txt")),
    (
        "java.lang.NullPointerException",
        "Cannot invoke \\\"FeatureVector.norm()\\\" because \\\"vector\\\" is null",
        include_str!("stacks/null_pointer.txt"),
    ),
    (
        "org.springframework.dao.DuplicateKeyException",
        "Duplicate entry for key 'uk_content_version'",
        include_str!("stacks/duplicate_key.txt"),
    ),
    (
        "java.util.concurrent.RejectedExecutionException",
        "Task rejected from pool audit-worker (queue capacity 512)",
        include_str!("stacks/rejected.txt"),
    ),
];
