//! Retention at work: days past the horizon are dropped when a store is opened for writing, and every hour after.

use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use linkloom_schema::time::Timestamp;
use linkloom_storage::embedded::EmbeddedStore;
use linkloom_storage::store::StoreError;

use crate::service::AnyStore;

const EVERY: Duration = Duration::from_secs(3_600);

/// The present, by the wall clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Keeps a store within its retention until it is dropped.
pub struct Expiry {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Expiry {
    /// Drops what is past the horizon now, and goes on doing so every hour on a thread of its own. Without retention
    /// there is nothing to do, nor in HBase, which has a TTL.
    pub fn start(store: &AnyStore, retention_days: u32) -> Result<Self, StoreError> {
        let store = match store {
            AnyStore::Embedded(store) if retention_days > 0 => store,
            _ => return Ok(Expiry { end: None, thread: None }),
        };
        expire(store)?;
        let (end, ended) = bounded::<()>(0);
        let store = store.clone();
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(EVERY) {
                if let Err(error) = expire(&store) {
                    tracing::error!(%error, "what is past retention could not be dropped");
                }
            }
        });
        Ok(Expiry { end: Some(end), thread: Some(thread) })
    }
}

fn expire(store: &EmbeddedStore) -> Result<(), StoreError> {
    let expired = store.expire(now())?;
    if expired.segments > 0 {
        tracing::info!(days = expired.segments, bytes = expired.bytes, "dropped what is past retention");
    }
    Ok(())
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the expiry thread ended in a panic");
        }
    }
}
