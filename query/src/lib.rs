//! Reading executions back: store, tree, panorama, answer.

pub mod log_page;
mod reader;

pub use reader::{ListQuery, LogsQuery, QueryError, Reader};
