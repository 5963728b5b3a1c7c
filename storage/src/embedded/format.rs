//! `linkloom-store.json`: what a directory holds, in which format, and how far its retention has come.

use std::path::Path;

use linkloom_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::files;
use crate::retention::Retention;
use crate::store::StoreError;

/// The file's name.
pub(super) const FILE: &str = "linkloom-store.json";
/// The format this code writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;

/// The file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreFile {
    /// See [`VERSION`].
    pub(super) format: u32,
    /// Days expiring cells are kept; absent in a store that keeps everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retention_days: Option<u32>,
    /// The newest clock `expire` was given and has finished with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) now_micros: Option<i64>,
    /// First day that is kept, counted from 1970-01-01: everything before may be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) horizon_day: Option<i64>,
}

impl StoreFile {
    /// The state of a new store.
    pub(super) fn new(retention: Retention) -> Self {
        let retention_days = match retention {
            Retention::Forever => None,
            Retention::Days(days) => Some(days),
        };
        StoreFile { format: VERSION, retention_days, now_micros: None, horizon_day: None }
    }

    /// Reads it; `None` if there is none.
    ///
    /// Errors: `Corrupt`, or `Refused` if a newer program wrote it.
    pub(super) fn read(dir: &Path, store: &str) -> Result<Option<Self>, StoreError> {
        let bytes = match std::fs::read(dir.join(FILE)) {
            Err(none) if none.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|cause| files::unavailable(store, "open", &cause))?,
        };
        let corrupt =
            |why: String| StoreError::Corrupt { store: store.to_owned(), what: FILE.to_owned(), why };
        let json: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        match json.get("format").and_then(serde_json::Value::as_u64) {
            None => Err(corrupt("it has no format number".to_owned())),
            Some(format) if format > u64::from(VERSION) => Err(StoreError::Refused {
                store: store.to_owned(),
                op: "open",
                why: format!(
                    "it has format {format} of a newer release, this one reads formats up to {VERSION}"
                ),
            }),
            Some(_) => serde_json::from_value(json).map(Some).map_err(|error| corrupt(error.to_string())),
        }
    }

    /// Writes it, durably.
    pub(super) fn write(&self, dir: &Path, store: &str) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(self).map_err(std::io::Error::from);
        bytes
            .and_then(|bytes| files::replace(&dir.join(FILE), &bytes))
            .map_err(|cause| files::unavailable(store, "write linkloom-store.json", &cause))
    }

    /// The retention in force when this store is opened with `asked`; `Refused` if the kinds differ.
    pub(super) fn agree(&mut self, asked: Option<Retention>, store: &str) -> Result<Retention, StoreError> {
        let refused =
            |why: &str| Err(StoreError::Refused { store: store.to_owned(), op: "open", why: why.to_owned() });
        match (self.retention_days, asked) {
            (None, None | Some(Retention::Forever)) => Ok(Retention::Forever),
            (Some(days), None) => Ok(Retention::Days(days)),
            (Some(_), Some(Retention::Days(days))) => {
                self.retention_days = Some(days);
                Ok(Retention::Days(days))
            }
            (None, Some(Retention::Days(_))) => {
                refused("it was created to keep everything forever, a retention in days needs a new store")
            }
            (Some(_), Some(Retention::Forever)) => refused(
                "it was created with a retention in days, keeping everything forever needs a new store",
            ),
        }
    }

    /// The horizon as a time.
    pub(super) fn now(&self) -> Option<Timestamp> {
        self.now_micros.map(Timestamp)
    }
}
