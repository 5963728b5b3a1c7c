//! Batches on disk while the receiver does not answer: bounded, the oldest go first, and the next process sends what is left.
//!
//! ```text
//! {root}/{boot}-{pid}-{number}/lock            held locked by the process that writes the folder
//! {root}/{boot}-{pid}-{number}/{number}.ndjson report lines, up to 1 MiB or so
//! ```
//!
//! A folder whose lock nobody holds was left by a process that is gone: whoever starts next takes it over. Lines are handed to the
//! operating system and not synced: they survive the process, not the machine.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{BATCH_BYTES, Batch};

/// A file is ended when it is as large as this.
const SEGMENT_BYTES: u64 = 1 << 20;
/// Files larger than this were not written by us.
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// A folder of segments, locked.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Locked until it is closed.
    _lock: File,
}

impl Drop for Folder {
    /// Goes if it is empty but for the lock.
    fn drop(&mut self) {
        let empty = fs::read_dir(&self.path).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lock"))
        });
        if empty {
            let _ = fs::remove_file(self.path.join("lock"));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[derive(Debug)]
struct Segment {
    number: u64,
    path: PathBuf,
    /// Of whole batches; more may be there if a write failed half-way.
    bytes: u64,
    /// Lines that were not sent yet; unknown for those of other processes.
    lines: Option<u64>,
    _folder: Arc<Folder>,
}

/// The segment that is sent now.
#[derive(Debug)]
struct Reading {
    number: u64,
    bytes: Vec<u8>,
    at: usize,
}

/// What was taken from the spool to be sent.
#[derive(Debug)]
pub(crate) struct Piece {
    segment: u64,
    pub(crate) batch: Batch,
}

/// The spool of a process.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: Arc<Folder>,
    /// Oldest first; the last one may be written.
    segments: VecDeque<Segment>,
    writing: Option<File>,
    reading: Option<Reading>,
    next: u64,
    bytes: u64,
    bytes_max: u64,
}

static FOLDERS: AtomicU64 = AtomicU64::new(0);

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Locks a folder, if nobody else has.
fn locked(path: PathBuf) -> io::Result<Option<Folder>> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Folder { path, _lock: lock })),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

impl Spool {
    /// Opens the spool below `root`, and takes over what processes left that are gone.
    pub(crate) fn open(root: &Path, boot: u64, bytes_max: u64) -> io::Result<Spool> {
        private_folder(root)?;
        let mut left: Vec<PathBuf> =
            fs::read_dir(root)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        left.sort();
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let own = root.join(format!("{boot:016}-{}-{number}", std::process::id()));
        private_folder(&own)?;
        let folder = locked(own)?.ok_or_else(|| io::Error::other("its folder is locked by somebody else"))?;
        let mut spool = Spool {
            folder: Arc::new(folder),
            segments: VecDeque::new(),
            writing: None,
            reading: None,
            next: 0,
            bytes: 0,
            bytes_max,
        };
        for path in left {
            // What cannot be taken over stays: it may belong to somebody else.
            if path.join("lock").is_file()
                && let Ok(Some(folder)) = locked(path)
            {
                let _ = spool.take_over(folder);
            }
        }
        Ok(spool)
    }

    fn take_over(&mut self, folder: Folder) -> io::Result<()> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder.path)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
        files.sort();
        let folder = Arc::new(folder);
        for path in files {
            let bytes = fs::metadata(&path)?.len();
            self.add(Segment { number: 0, path, bytes, lines: None, _folder: folder.clone() });
        }
        Ok(())
    }

    fn add(&mut self, mut segment: Segment) {
        segment.number = self.next;
        self.next += 1;
        self.bytes += segment.bytes;
        self.segments.push_back(segment);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a batch. Returns how many reports had to go for it, the oldest, whether it then was written or not.
    ///
    /// Errors: it is not in the spool.
    pub(crate) fn append(&mut self, batch: &Batch) -> (u64, io::Result<()>) {
        let more = batch.bytes.len() as u64;
        if more > self.bytes_max {
            return (0, Err(io::Error::other("the batch is larger than the spool may be")));
        }
        let mut dropped = 0;
        while self.bytes + more > self.bytes_max {
            dropped += self.drop_oldest();
        }
        let done = self.write(batch);
        if done.is_err() {
            self.writing = None;
            if self.segments.back().is_some_and(|last| last.bytes == 0) {
                self.remove_last();
            }
        }
        (dropped, done)
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if self.segments.back().is_none_or(|last| last.bytes >= SEGMENT_BYTES) {
            self.writing = None;
        }
        if self.writing.is_none() {
            let path = self.folder.path.join(format!("{:016}.ndjson", self.next));
            let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
            self.add(Segment { number: 0, path, bytes: 0, lines: Some(0), _folder: self.folder.clone() });
            self.writing = Some(file);
        }
        let Some(file) = &mut self.writing else { return Err(io::Error::other("no segment is open")) };
        file.write_all(&batch.bytes)?;
        if let Some(last) = self.segments.back_mut() {
            last.bytes += batch.bytes.len() as u64;
            last.lines = last.lines.map(|lines| lines + u64::from(batch.lines));
        }
        self.bytes += batch.bytes.len() as u64;
        Ok(())
    }

    fn remove_last(&mut self) {
        if let Some(last) = self.segments.pop_back() {
            self.bytes -= last.bytes;
            let _ = fs::remove_file(&last.path);
        }
    }

    /// Removes the oldest segment; returns how many reports were in it.
    fn drop_oldest(&mut self) -> u64 {
        let Some(oldest) = self.segments.pop_front() else { return 0 };
        if self.segments.is_empty() {
            self.writing = None;
        }
        self.bytes -= oldest.bytes;
        let reading = self.reading.take_if(|reading| reading.number == oldest.number);
        let lines = match (reading, oldest.lines) {
            (Some(reading), _) => count_lines(&reading.bytes[reading.at..]),
            (None, Some(lines)) => lines,
            (None, None) => read_segment(&oldest.path, oldest.bytes).map_or(1, |bytes| count_lines(&bytes)),
        };
        let _ = fs::remove_file(&oldest.path);
        lines
    }

    /// The next lines to be sent, oldest first. They stay until [`Spool::sent`].
    ///
    /// Errors: the oldest segment cannot be read and is gone; how many reports that were.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, (u64, io::Error)> {
        while let Some(oldest) = self.segments.front() {
            if self.reading.is_none() {
                let bytes = match read_segment(&oldest.path, oldest.bytes) {
                    Ok(bytes) => bytes,
                    Err(error) => return Err((self.drop_oldest().max(1), error)),
                };
                // What is read is written no more.
                if self.segments.len() == 1 {
                    self.writing = None;
                }
                let number = self.segments.front().map_or(0, |oldest| oldest.number);
                self.reading = Some(Reading { number, bytes, at: 0 });
            }
            let Some(reading) = &self.reading else { return Ok(None) };
            let batch = next_batch(&reading.bytes[reading.at..]);
            if batch.lines > 0 {
                return Ok(Some(Piece { segment: reading.number, batch }));
            }
            self.reading = None;
            self.drop_oldest();
        }
        Ok(None)
    }

    /// What was sent need not be kept.
    pub(crate) fn sent(&mut self, piece: &Piece) {
        let Some(reading) = self.reading.as_mut().filter(|reading| reading.number == piece.segment) else {
            return;
        };
        reading.at += piece.batch.bytes.len();
        if !reading.bytes[reading.at..].contains(&b'\n') {
            self.reading = None;
            if let Some(oldest) = self.segments.front_mut() {
                oldest.lines = Some(0);
            }
            self.drop_oldest();
        }
    }
}

/// Whole lines of a segment. A last line without an end was cut by a crash.
fn read_segment(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    if bytes > SEGMENT_BYTES_MAX {
        return Err(io::Error::other(format!("a segment of {bytes} bytes is none of ours")));
    }
    let mut read = Vec::new();
    File::open(path)?.take(bytes).read_to_end(&mut read)?;
    read.truncate(read.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    Ok(read)
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn next_batch(bytes: &[u8]) -> Batch {
    let mut batch = Batch::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !batch.has_room(line.len()) || batch.bytes.len() >= BATCH_BYTES {
            break;
        }
        batch.push(line);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Batch {
        Batch { bytes: text.as_bytes().to_vec(), lines: count_lines(text.as_bytes()) as u32 }
    }

    fn put(spool: &mut Spool, text: &str) -> u64 {
        let (dropped, done) = spool.append(&batch(text));
        done.unwrap();
        dropped
    }

    fn drain(spool: &mut Spool) -> String {
        let mut all = Vec::new();
        while let Some(piece) = spool.next().unwrap() {
            all.extend_from_slice(&piece.batch.bytes);
            spool.sent(&piece);
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn what_is_put_comes_out_in_order_and_the_disk_is_clean() {
        let root = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(root.path(), 1, 1 << 20).unwrap();
        for text in ["1\n2\n", "3\n", "4\n5\n6\n"] {
            assert_eq!(put(&mut spool, text), 0);
        }
        let first = spool.next().unwrap().unwrap();
        assert_eq!(spool.next().unwrap().unwrap().batch, first.batch, "until it is sent");
        put(&mut spool, "7\n");
        assert_eq!(drain(&mut spool), "1\n2\n3\n4\n5\n6\n7\n");
        assert_eq!((spool.bytes(), spool.is_empty()), (0, true));
        put(&mut spool, "8\n");
        assert_eq!(drain(&mut spool), "8\n");
        drop(spool);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_oldest_go_when_it_is_full() {
        let root = tempfile::tempdir().unwrap();
        let line = "x".repeat(600 << 10) + "\n";
        let mut spool = Spool::open(root.path(), 1, 3 << 20).unwrap();
        let dropped: u64 = (0..10).map(|_| put(&mut spool, &line)).sum();
        assert!(spool.bytes() <= 3 << 20);
        let left = count_lines(drain(&mut spool).as_bytes());
        assert_eq!(left + dropped, 10);
        assert!(left >= 4, "{left}");
        assert!(spool.append(&batch(&"x".repeat(4 << 20))).1.is_err());
    }

    #[test]
    fn one_that_is_dropped_while_it_is_sent_counts_what_was_not_sent() {
        let root = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(root.path(), 1, 100).unwrap();
        put(&mut spool, "1\n2\n3\n");
        let piece = spool.next().unwrap().unwrap();
        assert_eq!(put(&mut spool, &("x".repeat(97) + "\n")), 3);
        spool.sent(&piece);
        assert_eq!(drain(&mut spool).len(), 98);
    }

    #[test]
    fn what_a_process_left_is_taken_over_by_one_other() {
        let root = tempfile::tempdir().unwrap();
        let mut gone = Spool::open(root.path(), 1, 1 << 20).unwrap();
        put(&mut gone, "1\n2\n");
        let mut running = Spool::open(root.path(), 2, 1 << 20).unwrap();
        put(&mut running, "3\n");
        assert_eq!(drain(&mut running), "3\n", "the first still runs");
        drop(gone);
        // A crash in the middle of a write.
        let folder = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.join("0000000000000000.ndjson")).unwrap();
        file.write_all(b"{\"half").unwrap();
        let mut next = Spool::open(root.path(), 3, 1 << 20).unwrap();
        let mut other = Spool::open(root.path(), 3, 1 << 20).unwrap();
        put(&mut next, "4\n");
        assert_eq!((drain(&mut next), drain(&mut other)), ("1\n2\n4\n".to_owned(), String::new()));
        drop((next, other, running));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_segment_that_is_gone_is_counted() {
        let root = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(root.path(), 1, 1 << 20).unwrap();
        put(&mut spool, "1\n2\n");
        fs::remove_file(&spool.segments[0].path).unwrap();
        assert_eq!(spool.next().unwrap_err().0, 2);
        assert!(spool.is_empty());
        put(&mut spool, "3\n");
        assert_eq!(drain(&mut spool), "3\n");
    }

    #[test]
    fn a_failed_write_leaves_nothing_half() {
        let root = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(root.path(), 1, 1 << 20).unwrap();
        put(&mut spool, "1\n");
        // A handle that cannot be written.
        let path = spool.segments[0].path.clone();
        spool.writing = Some(File::open(&path).unwrap());
        assert!(spool.append(&batch("2\n")).1.is_err());
        put(&mut spool, "3\n");
        assert_eq!(drain(&mut spool), "1\n3\n");
    }
}
