//! One process owns a store: an operating-system lock on `owner.lock`, and `owner.json` says who holds it.
//!
//! The lock goes with the process, so a store whose owner died can be opened at once.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::files;
use crate::store::StoreError;

const LOCK_FILE: &str = "owner.lock";
const INFO_FILE: &str = "owner.json";
/// How often, and how long apart, the name of an owner that has only just taken the lock is looked for.
const INFO_TRIES: u32 = 20;
const INFO_WAIT: Duration = Duration::from_millis(5);

#[derive(Serialize, Deserialize)]
struct Info {
    pid: u32,
    api: Option<String>,
}

/// The lock on a store; given back when dropped.
pub(super) struct Owner {
    info: PathBuf,
    lock: File,
}

impl Owner {
    /// Takes the store at `dir`, or says who has it.
    pub(super) fn take(dir: &Path, store: &str) -> Result<Self, StoreError> {
        let unavailable = |cause: std::io::Error| files::unavailable(store, "lock", &cause);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(dir.join(LOCK_FILE))
            .map_err(unavailable)?;
        let info = dir.join(INFO_FILE);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = read_info(&info);
                return Err(StoreError::Owned {
                    store: store.to_owned(),
                    pid: owner.as_ref().map_or(0, |o| o.pid),
                    api: owner.and_then(|o| o.api),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(unavailable(cause)),
        }
        let owner = Owner { info, lock };
        owner.write_info(None).map_err(unavailable)?;
        Ok(owner)
    }

    /// Publishes where the owner's API listens, `host:port`.
    pub(super) fn write_info(&self, api: Option<&str>) -> std::io::Result<()> {
        let info = Info { pid: std::process::id(), api: api.map(str::to_owned) };
        files::replace(&self.info, &serde_json::to_vec(&info)?)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Still under the lock: nobody else's name can be in there.
        let _ = std::fs::remove_file(&self.info);
        // Not left to closing the file: a process this one is just starting has a copy of it until its program begins.
        let _ = self.lock.unlock();
    }
}

fn read_info(path: &Path) -> Option<Info> {
    for _ in 0..INFO_TRIES {
        if let Some(info) = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Some(info);
        }
        std::thread::sleep(INFO_WAIT);
    }
    None
}
