//! Answers as the text programs read: bodies of the API and `--output json` alike.

use linkloom_schema::answer::{ExecutionAnswer, ListAnswer, LogsAnswer, NodeAnswer};
use serde::Serialize;

/// What is answered with.
pub trait Answer: Serialize + sealed::Sealed {}

impl Answer for ListAnswer {}
impl Answer for ExecutionAnswer<'_> {}
impl Answer for NodeAnswer<'_> {}
impl Answer for LogsAnswer<'_> {}

mod sealed {
    use super::{ExecutionAnswer, ListAnswer, LogsAnswer, NodeAnswer};

    pub trait Sealed {}
    impl Sealed for ListAnswer {}
    impl Sealed for ExecutionAnswer<'_> {}
    impl Sealed for NodeAnswer<'_> {}
    impl Sealed for LogsAnswer<'_> {}
}

/// An answer as one line of JSON without insignificant whitespace, ended by a newline.
///
/// The same answer always has the same bytes, wherever it is asked for: members in the order of the contract, reported
/// JSON as it was reported.
pub fn text(answer: &impl Answer) -> String {
    let mut text = serde_json::to_string(answer).expect("answers have no maps but with texts for keys");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_the_one_of_the_contract() {
        assert_eq!(text(&ListAnswer::default()), "{\"executions\":[],\"nextCursor\":null}\n");
    }
}
