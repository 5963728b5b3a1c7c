//! Reading executions back: store, tree, panorama, answer; and the HTTP API that serves the answers.

pub mod http;
pub mod json;
pub mod log_page;
mod reader;
mod unlinked;

pub use reader::{ListQuery, LogsQuery, QueryError, Reader};
pub use unlinked::{Unlinked, UnlinkedAnswer, UnlinkedEntry, UnlinkedReport, UnlinkedReportsAnswer};
