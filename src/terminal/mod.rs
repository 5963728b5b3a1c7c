//! Answers for people: lists, trees and node pages as text for a terminal.
//!
//! Every text that was reported is shown through [`plain`], so that nothing a report says can steer the terminal. Without
//! colours the same text is written without escape codes.

mod line;
mod span;
mod text;

pub use line::{Line, Style, Tone};
pub use span::{duration, instant};
pub use text::plain;
