//! The task types of Conductor and what they become.

/// What a task type becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A step done elsewhere: a worker, another service.
    Rpc,
    /// A step the engine does itself.
    Local,
    /// A step whose work is chosen at run time.
    DynamicTask,
    Fork,
    /// Branches that are known at run time only.
    DynamicFork,
    Join,
    ExclusiveJoin,
    Decision,
    Loop,
    SubWorkflow,
    /// Starts another workflow and goes on.
    StartWorkflow,
    Terminate,
    /// A type this importer does not know.
    Unknown,
}

/// What the type of a task becomes.
pub(super) fn kind(task_type: &str) -> Kind {
    match task_type {
        "SIMPLE"
        | "USER_DEFINED"
        | "HTTP"
        | "HTTP_POLL"
        | "GRPC"
        | "EVENT"
        | "KAFKA_PUBLISH"
        | "JDBC"
        | "BUSINESS_RULE"
        | "LIST_MCP_TOOLS"
        | "CALL_MCP_TOOL"
        | "LLM_TEXT_COMPLETE"
        | "LLM_CHAT_COMPLETE"
        | "LLM_INDEX_TEXT"
        | "LLM_SEARCH_INDEX"
        | "LLM_GENERATE_EMBEDDINGS"
        | "LLM_STORE_EMBEDDINGS"
        | "LLM_GET_EMBEDDINGS"
        | "GENERATE_IMAGE"
        | "GENERATE_AUDIO"
        | "GENERATE_VIDEO" => Kind::Rpc,
        "INLINE"
        | "LAMBDA"
        | "JSON_JQ_TRANSFORM"
        | "JSON_JQ_TRANSFORM_STRING"
        | "SET_VARIABLE"
        | "NOOP"
        | "WAIT"
        | "HUMAN"
        | "GET_WORKFLOW"
        | "UPDATE_TASK"
        | "UPDATE_SECRET"
        | "QUERY_PROCESSOR" => Kind::Local,
        "DYNAMIC" => Kind::DynamicTask,
        "FORK_JOIN" | "FORK" => Kind::Fork,
        "FORK_JOIN_DYNAMIC" => Kind::DynamicFork,
        "JOIN" => Kind::Join,
        "EXCLUSIVE_JOIN" => Kind::ExclusiveJoin,
        "DECISION" | "SWITCH" => Kind::Decision,
        "DO_WHILE" | "WHILE" => Kind::Loop,
        "SUB_WORKFLOW" => Kind::SubWorkflow,
        "START_WORKFLOW" => Kind::StartWorkflow,
        "TERMINATE" => Kind::Terminate,
        _ => Kind::Unknown,
    }
}
