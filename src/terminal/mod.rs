//! Answers for people: lists, trees and node pages as text for a terminal.
//!
//! Every text that was reported is shown through [`plain`], so that nothing a report says can steer the terminal. Without
//! colours the same text is written without escape codes.

mod dead;
mod exception;
mod execution;
mod json;
mod line;
mod list;
mod logs;
mod nesting;
mod node;
mod span;
mod state;
mod table;
mod text;
mod unlinked;

#[cfg(test)]
mod tests;

pub use dead::dead_letters;
pub use execution::execution;
pub use line::{Line, Style, Tone};
pub use list::{list, list_without_match};
pub use logs::logs;
pub use node::node;
pub use span::{duration, instant};
pub use state::sign;
pub use table::{grouped, plural};
pub use text::plain;
pub use unlinked::{unlinked, unlinked_reports};
