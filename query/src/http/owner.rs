//! What only the process that owns a store can do: the API asks it, and never writes itself.

use std::sync::{Arc, OnceLock};

use linkloom_schema::definition::Definition;
use linkloom_schema::time::Timestamp;
use linkloom_storage::store::StoreError;

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
pub trait Owner: Send + Sync {
    /// Puts a definition into the log. Without `valid_from` the first version of its scene holds from the beginning and
    /// another one from `now` on; the one that holds already is left alone.
    fn put_definition(
        &self,
        definition: Definition,
        valid_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<VersionPut, StoreError>;
}

/// What putting a definition did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPut {
    /// Since when it holds, in event time; `None`: from the beginning.
    pub valid_from: Option<Timestamp>,
    /// Whether it is new in the log.
    pub new: bool,
}
