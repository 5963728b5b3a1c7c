//! The answers of the API and of `--output json`.
//!
//! Members of the contract are always there, `null` when there is nothing to say. Members beyond it (marks such as
//! `inputCutFrom`, `timeSubstituted` or `shared`, and what only some nodes have) are there only when they say something.
//! Order and formatting are fixed, so that two answers for the same reports and `asOf` have the same bytes.

mod cursor;
mod execution;
mod json;
mod list;
mod node;
#[cfg(test)]
mod tests;

pub use cursor::{BadCursor, ListCursor, LogCursor, RowCursor};
pub use execution::{
    Counts, EdgeAnswer, ExecutionAnswer, ExecutionInput, LogTotals, NodeView, RunAnswer, SubAnswer,
    execution_answer,
};
pub use json::Json;
pub use list::{ListAnswer, ListEntry};
pub use node::{LogAnswer, LogsAnswer, NodeAnswer, log_answer, node_answer};
