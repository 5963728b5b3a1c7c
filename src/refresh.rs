//! Definitions that other processes put, taken over while this one runs.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use linkloom_storage::definitions::Definitions;

use crate::service::{AnyStore, OpenStore};

const EVERY: Duration = Duration::from_secs(5);

/// Keeps the definition log of a process in step with its store until it is dropped.
pub struct Refresh {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Refresh {
    /// Looks for new definitions every few seconds, on a thread of its own. In a store that this process owns there is
    /// nobody else to put one.
    pub fn start(store: &AnyStore, open: &OpenStore) -> Self {
        if store.hbase().is_none() {
            return Refresh { end: None, thread: None };
        }
        let (end, ended) = bounded::<()>(0);
        let definitions: Arc<Definitions> = open.definitions.clone();
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(EVERY) {
                match definitions.refresh() {
                    Ok(false) => {}
                    Ok(true) => tracing::info!("definitions were put by another process"),
                    // The next look may succeed; until then what is known holds.
                    Err(error) => tracing::warn!(%error, "definitions could not be looked at"),
                }
            }
        });
        Refresh { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Refresh {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that looks for definitions ended in a panic");
        }
    }
}
