//! What a call through a gateway can end in, and what to do then.

use hbase_thrift::hbase::{AlreadyExists, IOError, IllegalArgument};
use thrift::{ApplicationErrorKind, TransportErrorKind};

use crate::store::StoreError;

/// Longest text that is taken over from a Java exception.
const TEXT_CHARS_MAX: usize = 300;

/// Names of the exceptions that say that HBase will never do it. Whether "can retry" is set does not tell: HBase says no
/// while a table is being moved, and yes when there is no such table.
const HOPELESS: [(&str, Hopeless); 8] = [
    ("TableNotFoundException", Hopeless::NoTable),
    ("NamespaceNotFoundException", Hopeless::NoNamespace),
    ("NoSuchColumnFamilyException", Hopeless::NoFamily),
    ("KeyValue size too large", Hopeless::TooLarge),
    ("Cell with size", Hopeless::TooLarge),
    ("AccessDeniedException", Hopeless::Other),
    ("FailedSanityCheckException", Hopeless::Other),
    ("InvalidFamilyOperationException", Hopeless::Other),
];

/// Why HBase will never do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hopeless {
    NoTable,
    NoNamespace,
    NoFamily,
    TooLarge,
    Other,
}

/// What a call ended in instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection is out of step or gone: what became of the call is not known. Another one may do.
    Lost {
        /// What happened.
        why: String,
        /// Nothing came in time: it may happen again.
        late: bool,
    },
    /// HBase answered that it cannot, for now.
    NotNow(String),
    /// HBase answered that it will not.
    Never(String),
    /// The table, or whatever was to be made, is there already.
    Exists,
}

impl Failure {
    /// Sorts an error of a call.
    pub(super) fn of(error: thrift::Error) -> Self {
        match error {
            thrift::Error::Transport(error) => {
                Failure::Lost { late: error.kind == TransportErrorKind::TimedOut, why: error.message }
            }
            thrift::Error::Protocol(error) => Failure::Lost { why: error.message, late: false },
            thrift::Error::Application(error) => match error.kind {
                ApplicationErrorKind::UnknownMethod => {
                    Failure::Never(format!("the gateway has no such method ({})", first_line(&error.message)))
                }
                ApplicationErrorKind::BadSequenceId | ApplicationErrorKind::WrongMethodName => {
                    Failure::Lost {
                        why: format!("the answer to another call ({})", error.message),
                        late: false,
                    }
                }
                _ => Failure::NotNow(format!(
                    "{} (the log of the gateway says why)",
                    first_line(&error.message)
                )),
            },
            thrift::Error::User(error) => {
                if let Some(error) = error.downcast_ref::<IOError>() {
                    Failure::of_java(error.message.as_deref().unwrap_or("an IOError without a text"))
                } else if let Some(error) = error.downcast_ref::<IllegalArgument>() {
                    let text = error.message.as_deref().unwrap_or("an illegal argument");
                    match Failure::of_java(text) {
                        Failure::NotNow(text) => Failure::Never(text),
                        other => other,
                    }
                } else if error.downcast_ref::<AlreadyExists>().is_some() {
                    Failure::Exists
                } else {
                    Failure::NotNow(first_line(&error.to_string()))
                }
            }
        }
    }

    /// Sorts what a Java exception says: its text with the whole stack below it.
    fn of_java(text: &str) -> Self {
        let line = first_line(text);
        let hopeless = HOPELESS.iter().find(|(name, _)| text.contains(name)).map(|(_, why)| *why);
        match hopeless {
            None => Failure::NotNow(line),
            Some(Hopeless::NoTable) => Failure::no_table(&line),
            Some(Hopeless::NoNamespace) => Failure::Never(format!(
                "the namespace is missing, the script of `linkloom hbase ddl` makes it ({line})"
            )),
            Some(Hopeless::NoFamily) => Failure::Never(format!(
                "a column family is missing, `linkloom hbase check` says which ({})",
                line_with(text, "NoSuchColumnFamilyException").unwrap_or(line)
            )),
            Some(Hopeless::TooLarge) => Failure::Never(format!(
                "a cell is larger than HBase takes, see hbase.client.keyvalue.maxsize ({line})"
            )),
            Some(Hopeless::Other) => Failure::Never(line),
        }
    }

    /// There is no such table.
    pub(super) fn no_table(which: &str) -> Self {
        Failure::Never(format!(
            "a table is missing, `linkloom hbase init` or the script of `linkloom hbase ddl` makes it ({which})"
        ))
    }

    /// As an error of a store.
    pub(super) fn into_error(self, store: &str, op: &'static str) -> StoreError {
        let store = store.to_owned();
        match self {
            Failure::Lost { why, .. } | Failure::NotNow(why) => {
                StoreError::Unavailable { store, op, cause: why }
            }
            Failure::Never(why) => StoreError::Refused { store, op, why },
            Failure::Exists => StoreError::Refused { store, op, why: "it exists already".to_owned() },
        }
    }
}

/// The first line, cut where it becomes too long.
fn first_line(text: &str) -> String {
    cut(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no text"))
}

/// The first line that holds a word.
fn line_with(text: &str, word: &str) -> Option<String> {
    text.lines().find(|line| line.contains(word)).map(|line| cut(line.trim()))
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error(text: &str) -> Failure {
        Failure::of(IOError { message: Some(text.to_owned()), can_retry: Some(true) }.into())
    }

    #[test]
    fn stacks_are_cut_to_their_first_line() {
        let stack =
            format!("org.apache.hadoop.hbase.NotServingRegionException: r\n{}", "\tat a.b.C\n".repeat(500));
        assert_eq!(
            io_error(&stack),
            Failure::NotNow("org.apache.hadoop.hbase.NotServingRegionException: r".to_owned())
        );
        let Failure::NotNow(text) = io_error(&"é".repeat(10_000)) else { panic!("sorted otherwise") };
        assert_eq!(text.chars().count(), TEXT_CHARS_MAX + 3);
    }

    #[test]
    fn what_cannot_help_is_told_from_what_can() {
        for (text, part) in [
            ("Failed 1 action: nope: 1 time\n\tCaused by: x.TableNotFoundException: nope", "hbase init"),
            (
                "Failed 1\nx.NoSuchColumnFamilyException: Column family z does not exist in r",
                "Column family z",
            ),
            ("IllegalArgumentException: KeyValue size too large", "keyvalue.maxsize"),
            ("x.AccessDeniedException: no", "AccessDenied"),
        ] {
            let Failure::Never(why) = io_error(text) else { panic!("{text} can be tried again") };
            assert!(why.contains(part), "{why}");
        }
        for text in ["RetriesExhaustedException", "x.NotAllMetaRegionsOnlineException", ""] {
            assert!(matches!(io_error(text), Failure::NotNow(_)), "{text}");
        }
    }
}
