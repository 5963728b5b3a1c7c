//! How far files were read, in memory and written down.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::SourceError;
use super::super::resume::{Head, Resume, ResumePoint};

/// How often it is written down.
const NOTE: Duration = Duration::from_secs(1);
/// Places of files that are not followed which are kept.
const PLACES_MAX: usize = 4_096;
/// Where it is written down, in the folder for it.
const PLACES_FILE: &str = "followed.json";

/// The places of all files, those of files that are followed by their number.
#[derive(Debug)]
pub(super) struct Places {
    path: PathBuf,
    /// Locked as long as this process runs.
    _lock: File,
    /// Of files that are not followed, oldest first: a copy may come, or the next process find them again.
    earlier: VecDeque<Resume>,
    /// Of files that are.
    own: BTreeMap<u32, Resume>,
    changed: bool,
    noted: Instant,
}

impl Places {
    pub(super) fn open(folder: &Path) -> Result<Self, SourceError> {
        let name = folder.to_string_lossy();
        let fail = |op, cause: String| SourceError::new(&format!("state folder {name}"), op, cause);
        fs::create_dir_all(folder).map_err(|error| fail("make", error.to_string()))?;
        let lock = File::create(folder.join("lock")).map_err(|error| fail("lock", error.to_string()))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => fail("lock", "another process follows files with it".to_owned()),
            fs::TryLockError::Error(error) => fail("lock", error.to_string()),
        })?;
        let path = folder.join(PLACES_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"[]".to_vec(),
            Err(error) => return Err(fail("read", error.to_string())),
        };
        let bad = |why: String| {
            fail(
                "read",
                format!(
                    "{} does not read: {why}; without it all files are read from their beginning",
                    path.display()
                ),
            )
        };
        let stored: Vec<Stored> = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        let earlier = stored
            .iter()
            .map(Stored::place)
            .collect::<Option<_>>()
            .ok_or_else(|| bad("a hash is none".to_owned()))?;
        Ok(Places { path, _lock: lock, earlier, own: BTreeMap::new(), changed: false, noted: Instant::now() })
    }

    /// Places of files that begin so.
    pub(super) fn of(&self, head: Head) -> impl Iterator<Item = ResumePoint> {
        let all = self.earlier.iter().chain(self.own.values());
        all.filter(move |place| place.head == head).map(|place| place.point)
    }

    pub(super) fn set(&mut self, id: u32, place: Resume) {
        self.own.insert(id, place);
        self.changed = true;
    }

    /// A file is followed that was read up to here before.
    pub(super) fn found(&mut self, id: u32, place: Resume) {
        self.earlier.retain(|earlier| *earlier != place);
        self.set(id, place);
    }

    /// A file is not followed any more.
    pub(super) fn gone(&mut self, id: u32) {
        self.earlier.extend(self.own.remove(&id));
        if self.earlier.len() > PLACES_MAX {
            self.earlier.pop_front();
        }
    }

    /// Writes them down: now and then, or now.
    pub(super) fn note(&mut self, now: bool) -> Result<(), SourceError> {
        if !self.changed || !(now || self.noted.elapsed() >= NOTE) {
            return Ok(());
        }
        let stored: Vec<Stored> = self.earlier.iter().chain(self.own.values()).map(Stored::of).collect();
        let written = || -> io::Result<()> {
            let next = self.path.with_extension("json.new");
            let mut file = File::create(&next)?;
            file.write_all(&serde_json::to_vec(&stored)?)?;
            file.sync_data()?;
            fs::rename(&next, &self.path)
        };
        let fail = |error: io::Error| SourceError::new(&self.path.to_string_lossy(), "write", error);
        let written = written().map_err(fail);
        self.noted = Instant::now();
        self.changed = written.is_err();
        written
    }
}

/// A place as it is written down.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    head: String,
    length: u64,
    lines: u64,
    hash: String,
}

impl Stored {
    fn of(Resume { head, point }: &Resume) -> Self {
        let Head { bytes, hash } = head;
        Stored {
            head: format!("{bytes}|{hash:032x}"),
            length: point.length,
            lines: point.lines,
            hash: format!("{:032x}", point.hash),
        }
    }

    fn place(&self) -> Option<Resume> {
        let (bytes, hash) = self.head.split_once('|')?;
        let head = Head { bytes: bytes.parse().ok()?, hash: u128::from_str_radix(hash, 16).ok()? };
        let hash = u128::from_str_radix(&self.hash, 16).ok()?;
        Some(Resume { head, point: ResumePoint { length: self.length, lines: self.lines, hash, refused: 0 } })
    }
}
