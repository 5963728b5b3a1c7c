//! What only the process that owns a store can do: the API asks it, and never writes itself.

use std::sync::{Arc, OnceLock};

use linkloom_schema::definition::Definition;
use linkloom_schema::time::Timestamp;
use linkloom_storage::store::StoreError;
use serde::Serialize;

use super::problem::Problem;

/// Something that may come later than the API, because the store has not answered yet.
pub struct Late<T>(Arc<OnceLock<T>>);

impl<T> Clone for Late<T> {
    fn clone(&self) -> Self {
        Late(self.0.clone())
    }
}

impl<T> Default for Late<T> {
    fn default() -> Self {
        Late(Arc::default())
    }
}

impl<T> Late<T> {
    /// From now on it is there. Only the first one counts.
    pub fn put(&self, what: T) {
        // One that comes too late is not needed.
        let _ = self.0.set(what);
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()
    }
}

impl<T> From<T> for Late<T> {
    fn from(what: T) -> Self {
        Late(Arc::new(OnceLock::from(what)))
    }
}

/// The process that owns the store, for requests that change it. All of it may block.
pub trait Owner: Intake {
    /// Puts a definition into the log. Without `valid_from` the first version of its scene holds from the beginning and
    /// another one from `now` on; the one that holds already is left alone.
    fn put_definition(
        &self,
        definition: Definition,
        valid_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<VersionPut, StoreError>;

    /// A page of dead letters, as the text of an answer.
    fn dead(&self, query: &DeadQuery) -> Result<String, Problem>;

    /// Decodes a dead letter again and stores what is accepted; returns when it is durable and summed up.
    fn replay(&self, id: &str) -> Result<Replay, Problem>;
}

/// Who takes posted reports. It may block.
pub trait Intake: Send + Sync {
    /// Takes report lines that came at `at`, which stands in for a time they lack. `durable` is called once all of them are
    /// stored (or dead letters), or in Kafka; it is dropped without a call when the process ends first.
    fn accept(
        &self,
        lines: Vec<u8>,
        at: Timestamp,
        durable: Box<dyn FnOnce() + Send>,
    ) -> Result<Taken, NotTaken>;
}

/// Which dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadQuery {
    /// Only those from this topic, file or channel.
    pub source: Option<String>,
    /// Only those refused for this reason.
    pub reason: Option<String>,
    /// Also those that were replayed.
    pub with_replayed: bool,
    /// At most so many.
    pub limit: usize,
    /// Go on where the answer before ended.
    pub cursor: Option<String>,
}

/// What came of replaying a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Its report is stored now.
    Replayed,
    /// It was replayed before.
    Before,
    /// Not all its bytes were kept.
    NotWhole,
    /// It is still refused.
    Refused {
        /// Why, for machines.
        reason: &'static str,
        /// Why, for people.
        detail: String,
    },
    /// There is no such letter.
    Unknown,
}

/// What was taken of posted lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Reports that will be stored.
    pub accepted: u64,
    /// Lines that were refused, the first of them.
    pub refused: Vec<RefusedLine>,
    /// How many more were.
    pub refused_more: u64,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why, for machines.
    pub reason: &'static str,
    /// Why, for people.
    pub detail: String,
}

/// Why posted lines were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// As much waits to be stored as may.
    Full,
    /// The process is going down.
    Closed,
    /// This process takes none.
    Never(&'static str),
}

/// What putting a definition did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPut {
    /// Since when it holds, in event time; `None`: from the beginning.
    pub valid_from: Option<Timestamp>,
    /// Whether it is new in the log.
    pub new: bool,
}
