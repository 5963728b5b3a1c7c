//! Warnings of the toolkit itself: on stderr, once for each cause, so that they can be neither missed nor a flood.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// Causes that were warned of. Their names are a closed set.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    given: Mutex<BTreeSet<&'static str>>,
}

impl Warnings {
    /// Warns, if it is the first time for this cause.
    pub(crate) fn once(&self, cause: &'static str, text: impl FnOnce() -> String) {
        let first = self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(cause);
        if first {
            say(&text());
        }
    }

    /// What a cause was warned of is over: it is warned of again.
    pub(crate) fn over(&self, cause: &'static str, text: impl FnOnce() -> String) {
        let was = self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(cause);
        if was {
            say(&text());
        }
    }
}

/// Writes to stderr. One that is closed is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "linkloom-reporter: {text}");
}
