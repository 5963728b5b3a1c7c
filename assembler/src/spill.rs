//! Windows that do not fit in memory: appended to scratch files and read back once.
//!
//! The files are a cache: they are made anew at start, deleted at the end, and when their limit is reached the oldest
//! file is dropped, which costs re-reading its executions from the store. Segments rotate so that space comes back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use linkloom_storage::flush::RowId;
use rustc_hash::FxHashMap;

use crate::window::Window;

#[derive(Clone, Copy)]
struct Place {
    segment: u64,
    offset: u64,
    length: u32,
}

struct Segment {
    number: u64,
    file: File,
    path: PathBuf,
    bytes: u64,
    live: u64,
}

/// Spilled windows by row.
pub struct Spill {
    folder: PathBuf,
    /// Oldest first; the last one is written to.
    segments: Vec<Segment>,
    next_segment: u64,
    index: FxHashMap<RowId, Place>,
    pending: Vec<u8>,
    segment_bytes_max: u64,
    bytes_max: u64,
    scratch: Vec<u8>,
}

/// Bytes gathered before they are written to the file.
const PENDING_BYTES: usize = 1 << 20;

impl Spill {
    /// `folder` is created, and emptied of what a killed process left. At `bytes_max` the oldest windows are dropped.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        Ok(Spill {
            folder: folder.to_owned(),
            segments: Vec::new(),
            next_segment: 0,
            index: FxHashMap::default(),
            pending: Vec::new(),
            segment_bytes_max: (bytes_max / 16).clamp(1 << 16, 64 << 20),
            bytes_max,
            scratch: Vec::new(),
        })
    }

    /// Number of windows held.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether the window of this row is held.
    pub fn holds(&self, id: RowId) -> bool {
        self.index.contains_key(&id)
    }

    /// Memory held, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.pending.capacity() + self.index.capacity() * (size_of::<(RowId, Place)>() + 1)
    }

    /// Keeps a window. Returns how many older windows had to be dropped for it.
    pub fn put(&mut self, id: RowId, window: &Window) -> io::Result<usize> {
        let dropped = self.make_room()?;
        self.scratch.clear();
        window.encode(&mut self.scratch);
        let Some(segment) = self.segments.last_mut() else { return Ok(dropped) };
        let place = Place {
            segment: segment.number,
            offset: segment.bytes + self.pending.len() as u64,
            length: self.scratch.len() as u32,
        };
        self.pending.extend_from_slice(&self.scratch);
        segment.live += 1;
        if let Some(old) = self.index.insert(id, place) {
            self.release(old.segment);
        }
        if self.pending.len() >= PENDING_BYTES {
            self.write_pending()?;
        }
        Ok(dropped)
    }

    /// Gives a window back and forgets it; `None` when it is not held (or was dropped).
    pub fn take(&mut self, id: RowId) -> io::Result<Option<Window>> {
        let Some(place) = self.index.remove(&id) else { return Ok(None) };
        let mut bytes = vec![0; place.length as usize];
        if let Some(segment) = self.segments.iter().find(|segment| segment.number == place.segment) {
            if place.offset >= segment.bytes {
                let begin = (place.offset - segment.bytes) as usize;
                bytes.copy_from_slice(&self.pending[begin..begin + place.length as usize]);
            } else {
                segment.file.read_exact_at(&mut bytes, place.offset)?;
            }
        }
        self.release(place.segment);
        Ok(Window::decode(&bytes))
    }

    /// Forgets a window, if it is held.
    pub fn forget(&mut self, id: RowId) {
        if let Some(place) = self.index.remove(&id) {
            self.release(place.segment);
        }
    }

    /// Forgets all windows.
    pub fn clear(&mut self) {
        let ids: Vec<RowId> = self.index.keys().copied().collect();
        ids.into_iter().for_each(|id| self.forget(id));
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if let Some(segment) = self.segments.last_mut() {
            segment.file.write_all_at(&self.pending, segment.bytes)?;
            segment.bytes += self.pending.len() as u64;
            self.pending.clear();
        }
        Ok(())
    }

    /// Sees to it that the last segment takes more; drops the oldest segments when all are over the limit.
    fn make_room(&mut self) -> io::Result<usize> {
        let full = self
            .segments
            .last()
            .is_none_or(|s| s.bytes + self.pending.len() as u64 >= self.segment_bytes_max);
        if !full {
            return Ok(0);
        }
        self.write_pending()?;
        let path = self.folder.join(format!("windows-{:06}", self.next_segment));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        self.segments.push(Segment { number: self.next_segment, file, path, bytes: 0, live: 0 });
        self.next_segment += 1;
        let mut dropped = 0;
        while self.segments.len() > 1 && self.segments.iter().map(|s| s.bytes).sum::<u64>() > self.bytes_max {
            let oldest = self.segments.remove(0);
            let before = self.index.len();
            self.index.retain(|_, place| place.segment != oldest.number);
            dropped += before - self.index.len();
            std::fs::remove_file(&oldest.path)?;
        }
        Ok(dropped)
    }

    fn release(&mut self, number: u64) {
        let writing = self.segments.last().map(|segment| segment.number);
        if let Some(at) = self.segments.iter().position(|segment| segment.number == number) {
            let segment = &mut self.segments[at];
            segment.live = segment.live.saturating_sub(1);
            if segment.live == 0 && writing != Some(number) {
                let path = self.segments.remove(at).path;
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(path = %path.display(), %error, "a scratch file could not be deleted");
                }
            }
        }
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "the scratch folder could not be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkloom_schema::ids::LinkMark;

    fn window(number: u32) -> (RowId, Window) {
        let mark = LinkMark::new(&"b".repeat(200), "scene", &number.to_string()).expect("valid ids");
        (RowId::of(mark.as_ref()), Window::new(mark))
    }

    #[test]
    fn windows_come_back_once_and_their_space_too() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut spill = Spill::open(&folder.path().join("s"), 4 << 20).expect("opens");
        for round in 0..20 {
            for number in 0..5_000 {
                let (id, window) = window(number);
                assert_eq!(
                    spill.put(id, &window).expect("written"),
                    0,
                    "round {round}: nothing has to be dropped"
                );
            }
            for number in 0..5_000 {
                let (id, window) = window(number);
                assert_eq!(spill.take(id).expect("read"), Some(window));
                assert_eq!(spill.take(id).expect("read"), None);
            }
        }
        assert!(spill.is_empty());
        assert!(spill.segments.len() <= 2, "segments without live windows are deleted");
    }

    #[test]
    fn at_the_limit_the_oldest_are_dropped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut spill = Spill::open(&folder.path().join("s"), 4 << 20).expect("opens");
        let mut dropped = 0;
        for number in 0..50_000 {
            let (id, window) = window(number);
            dropped += spill.put(id, &window).expect("written");
        }
        assert!(dropped > 0);
        assert_eq!(spill.len() + dropped, 50_000);
        assert!(!spill.holds(window(0).0) && spill.holds(window(49_999).0));
        let bytes: u64 = std::fs::read_dir(folder.path().join("s"))
            .expect("readable")
            .map(|entry| entry.and_then(|entry| entry.metadata()).expect("readable").len())
            .sum();
        assert!(bytes <= 5 << 20, "{bytes}");
    }
}
