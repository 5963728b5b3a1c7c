//! The contents and what became of them; in memory, because this is an example.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linkloom_reporter::trace_node;
use serde::Serialize;

use crate::content::Content;

/// Most contents that are kept.
const CONTENTS_MAX: usize = 10_000;

/// What became of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Received,
    InReview,
    Published,
    TakenDown,
}

/// A content as it is stored.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stored {
    pub(crate) content: Content,
    pub(crate) state: State,
    /// How often it was received.
    pub(crate) version: u32,
}

/// Why something was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the store holds {CONTENTS_MAX} contents, which is all it can")]
    Full,
    #[error("there is no content {0}")]
    Unknown(String),
}

/// The store of contents.
#[derive(Debug, Default)]
pub(crate) struct Contents(Mutex<HashMap<String, Stored>>);

impl Contents {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Result<Stored, StoreError> {
        self.all().get(id).cloned().ok_or_else(|| StoreError::Unknown(id.to_owned()))
    }

    /// Keeps a content that came in; its version.
    pub(crate) fn put(&self, content: &Content) -> Result<u32, StoreError> {
        let mut all = self.all();
        if all.len() >= CONTENTS_MAX && !all.contains_key(&content.content_id) {
            return Err(StoreError::Full);
        }
        let version = all.get(&content.content_id).map_or(0, |stored| stored.version) + 1;
        let stored = Stored { content: content.clone(), state: State::Received, version };
        all.insert(content.content_id.clone(), stored);
        Ok(version)
    }

    pub(crate) fn set(&self, id: &str, state: State) -> Result<State, StoreError> {
        let mut all = self.all();
        let stored = all.get_mut(id).ok_or_else(|| StoreError::Unknown(id.to_owned()))?;
        stored.state = state;
        Ok(state)
    }

    #[trace_node("publish", input, output)]
    pub(crate) fn publish(&self, id: &str) -> Result<State, StoreError> {
        let state = self.set(id, State::Published)?;
        tracing::info!("{id} is visible");
        Ok(state)
    }

    #[trace_node("takeDown", input, output)]
    pub(crate) fn take_down(&self, id: &str) -> Result<State, StoreError> {
        let state = self.set(id, State::TakenDown)?;
        tracing::warn!("{id} is not shown");
        Ok(state)
    }
}
