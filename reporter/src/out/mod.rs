//! Ways out of the process, in the order they are tried; stderr is behind them all.

pub(crate) mod file;
#[cfg(feature = "relay")]
mod post;
#[cfg(feature = "relay")]
pub(crate) mod relay;
#[cfg(feature = "relay")]
mod spool;
pub(crate) mod standard;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[cfg(feature = "relay")]
pub(crate) use post::Receiver;
pub(crate) use writer::{Way, Writer};

use crate::time::deadline;

/// Most lines and bytes of a batch.
pub(crate) const BATCH_LINES: u32 = 1_000;
pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// Whole lines, each with its line feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: u32,
}

impl Batch {
    /// Whether a line has room.
    pub(crate) fn has_room(&self, line: usize) -> bool {
        self.lines == 0 || (self.lines < BATCH_LINES && self.bytes.len() + line <= BATCH_BYTES)
    }

    pub(crate) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.lines += 1;
    }
}

/// Lines kept in memory, for tests of applications: see [`crate::Builder::capture`].
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<String>>>);

impl Captured {
    /// The lines so far, without line feeds. [`crate::Running::flush`] first.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn push(&self, batch: &Batch) {
        let text = String::from_utf8_lossy(&batch.bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(text.lines().map(str::to_owned));
    }
}

/// What the application's side may ask of the ways out.
#[derive(Debug, Default)]
pub(crate) struct Out {
    #[cfg(feature = "relay")]
    pub(crate) relays: Vec<Arc<relay::Relay>>,
    pub(crate) deadline: Mutex<Option<Instant>>,
}

impl Out {
    /// Waits until nothing waits to be sent.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let until = deadline(patience);
        #[cfg(feature = "relay")]
        if !self.relays.iter().all(|relay| relay.flush(until)) {
            return false;
        }
        let _ = until;
        true
    }

    /// From now on there is only so much time.
    pub(crate) fn end_by(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    /// When everything has to be done; now, if nobody said.
    #[cfg(feature = "relay")]
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Instant::now)
    }
}
