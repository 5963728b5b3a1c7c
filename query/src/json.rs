//! Answers as the text programs read: bodies of the API and `--output json` alike.

use linkloom_schema::answer::{ExecutionAnswer, ListAnswer, LogsAnswer, NodeAnswer};
use serde::Serialize;

use crate::figures::{HistoryAnswer, StatisticsAnswer};
use crate::{DefinitionAnswer, ResolveAnswer, ScenesAnswer, UnlinkedAnswer, UnlinkedReportsAnswer};

/// What is answered with.
pub trait Answer: Serialize + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! answers {
    ($($answer:ty),*) => {
        $(
            impl sealed::Sealed for $answer {}
            impl Answer for $answer {}
        )*
    };
}

answers!(
    ListAnswer,
    ExecutionAnswer<'_>,
    NodeAnswer<'_>,
    LogsAnswer<'_>,
    ResolveAnswer,
    ScenesAnswer,
    DefinitionAnswer,
    HistoryAnswer,
    StatisticsAnswer,
    UnlinkedAnswer,
    UnlinkedReportsAnswer<'_>
);

/// An answer as one line of JSON without insignificant whitespace, ended by a newline.
///
/// The same answer always has the same bytes, wherever it is asked for: members in the order of the contract, reported
/// JSON as it was reported.
pub fn text(answer: &impl Answer) -> String {
    line(answer)
}

/// The same of anything that is answered with.
pub(crate) fn line(answer: &impl Serialize) -> String {
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
