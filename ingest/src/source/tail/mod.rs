//! Files that grow, are rolled and come anew, followed for good: what a log agent does.
//!
//! A file is known by what is in it (see [`super::resume`]), so one that was renamed, copied or moved while nobody looked
//! is not read again. While it is followed it is known by device and inode, so that a file under the same name after
//! rolling is another one, and the one that was rolled is read to its end.

mod places;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use xxhash_rust::xxh3::Xxh3;

use super::compressed::decompressed;
use super::file::{begin, matching};
use super::lines::Splitter;
use super::resume::{HEAD_BYTES_MAX, Resume, ResumePoint, heads};
use super::{Next, Opened, Position, RawBatch, Source, SourceError};
use places::Places;

/// How often files are asked whether they have grown.
const ASK: Duration = Duration::from_millis(50);
/// How often new files are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// Paths that are complained of once each.
const COMPLAINTS_MAX: usize = 4_096;
/// How long a file that has lost its name is still read: whoever rolled it may write a little more.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// What is followed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailOptions {
    /// Paths, in which `*`, `?`, `[..]` and `**` stand for what they do in a shell. A file that comes later is found, too.
    pub patterns: Vec<String>,
    /// Folder in which it is written down how far files were read; made when it is not there. One process at a time.
    pub state: PathBuf,
    /// Files followed at once; further ones wait until others are gone.
    pub files_max: usize,
    /// Bytes read at once of one file.
    pub block_bytes: usize,
    /// Longest line held whole. Of longer ones the beginning is kept.
    pub line_bytes_max: usize,
}

/// Files that are followed, as one source that never ends. Each is a partition of its own, and its position the byte
/// offset; how far they were read is written down once it is committed.
#[derive(Debug)]
pub struct Tail {
    options: TailOptions,
    files: Vec<Followed>,
    turn: usize,
    next_id: u32,
    looked: Option<Instant>,
    places: Places,
    /// Paths that were complained of.
    complained: BTreeSet<PathBuf>,
    /// What is to be told before anything else.
    to_tell: VecDeque<Result<Next, SourceError>>,
}

/// A file that is followed.
struct Followed {
    id: u32,
    name: Arc<str>,
    key: (u64, u64),
    file: File,
    splitter: Splitter,
    /// Bytes read, also of a line that has not ended.
    read: u64,
    /// Of the bytes of lines that ended.
    hash: Xxh3,
    /// Its first bytes, up to the longest head.
    begin: Vec<u8>,
    /// What to write down when a batch is committed: the position behind it, oldest first.
    open: VecDeque<Resume>,
    /// Since when no path leads to it and nothing came.
    nameless: Option<Instant>,
    /// All that is in it was read.
    at_end: bool,
    /// When it was written to, as the look before saw it.
    written: SystemTime,
}

/// What a file had to give.
enum Read {
    Batch(RawBatch),
    Nothing,
    /// It does not begin as it did: it was emptied in place and written anew.
    Cut,
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Followed({:?}, {} bytes read)", self.name, self.read)
    }
}

impl Tail {
    /// Starts to follow, from where an earlier process left each file, else from its beginning.
    ///
    /// Errors: a pattern does not read, or the state folder cannot be used, or holds something else.
    pub fn open(options: TailOptions) -> Result<Self, SourceError> {
        for pattern in &options.patterns {
            glob::Pattern::new(pattern).map_err(|error| {
                SourceError::new(
                    &format!("pattern {pattern:?}"),
                    "read",
                    format!("{error}; allowed are paths with *, ?, [..] and **"),
                )
            })?;
        }
        let places = Places::open(&options.state)?;
        Ok(Tail {
            options,
            files: Vec::new(),
            turn: 0,
            next_id: 0,
            looked: None,
            places,
            complained: BTreeSet::new(),
            to_tell: VecDeque::new(),
        })
    }

    /// Files that are followed now.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Bytes of them that were not read yet.
    pub fn behind(&self) -> u64 {
        let left =
            |file: &Followed| file.file.metadata().map_or(0, |data| data.len().saturating_sub(file.read));
        self.files.iter().map(left).sum()
    }

    fn complain(&mut self, path: &Path, op: &'static str, why: impl std::fmt::Display) {
        if self.complained.len() < COMPLAINTS_MAX && self.complained.insert(path.to_owned()) {
            self.to_tell.push_back(Err(SourceError::new(&path.to_string_lossy(), op, why)));
        }
    }

    fn look_if_due(&mut self) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            self.look();
        }
    }

    /// Looks which files there are.
    fn look(&mut self) {
        let mut found: BTreeMap<(u64, u64), (PathBuf, u64, SystemTime)> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for pattern in &self.options.patterns {
            // It was read before.
            let Ok(paths) = glob::glob(pattern) else { continue };
            for path in paths {
                let path = match path {
                    Ok(path) => path,
                    Err(error) => {
                        unreadable.push((error.path().to_owned(), error.error().to_string()));
                        continue;
                    }
                };
                match fs::metadata(&path) {
                    Ok(data) if data.is_file() => {
                        let written = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                        found.entry((data.dev(), data.ino())).or_insert((path, data.len(), written));
                    }
                    Ok(_) => {}
                    // It was rolled away in this moment.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => unreadable.push((path, error.to_string())),
                }
            }
        }
        for (path, why) in unreadable {
            self.complain(&path, "look into", why);
        }
        let now = Instant::now();
        let mut shorter = Vec::new();
        for (index, file) in self.files.iter_mut().enumerate() {
            match found.remove(&file.key) {
                None => _ = file.nameless.get_or_insert(now),
                // Emptied in place.
                Some((_, length, _)) if length < file.read => shorter.push(index),
                Some((_, _, written)) => (file.nameless, file.written) = (None, written),
            }
        }
        for index in shorter.into_iter().rev() {
            self.was_cut(index);
        }
        // Those written last go first, should there be too many.
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by(|(_, (one, _, one_written)), (_, (other, _, other_written))| {
            other_written.cmp(one_written).then_with(|| one.cmp(other))
        });
        for (key, (path, length, written)) in found {
            // An empty file says nothing yet of what it is.
            if length == 0 {
                continue;
            }
            if self.files.len() >= self.options.files_max && !self.make_room(written) {
                let why = format!(
                    "{} files are followed already; it waits until others are gone",
                    self.files.len()
                );
                self.complain(&path, "follow", why);
                continue;
            }
            match self.follow(&path, key, written) {
                Ok(None) => {
                    self.complain(&path, "follow", "it is compressed; `linkloom ingest` reads such files")
                }
                Ok(Some(opened)) => self.to_tell.push_back(Ok(Next::Opened(opened))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.complain(&path, "open", error),
            }
        }
    }

    /// A file that was emptied in place is found again by the next look, which is due now.
    fn was_cut(&mut self, index: usize) {
        let file = self.files.swap_remove(index);
        self.places.gone(file.id);
        self.looked = None;
        tracing::info!(file = %file.name, read = file.read, "the file was cut: it is read from its beginning");
    }

    /// Lets go of the file written longest ago if all of it was read and committed, for one that was `written` later. Should it
    /// grow, it is the latest one, and found again.
    fn make_room(&mut self, written: SystemTime) -> bool {
        let read = self.files.iter().enumerate().filter(|(_, file)| file.at_end && file.open.is_empty());
        let Some((index, oldest)) = read.min_by_key(|(_, file)| file.written) else { return false };
        if oldest.written >= written {
            return false;
        }
        let file = self.files.swap_remove(index);
        self.places.gone(file.id);
        // That it waits now is nothing to be told.
        self.complained.insert(PathBuf::from(&*file.name));
        true
    }

    /// Opens a file and goes to where it was left; `None` when it is compressed.
    fn follow(&mut self, path: &Path, key: (u64, u64), written: SystemTime) -> io::Result<Option<Opened>> {
        let mut file = File::open(path)?;
        let data = file.metadata()?;
        if (data.dev(), data.ino()) != key {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (_, compressed) = decompressed(&mut file)?;
        if compressed {
            return Ok(None);
        }
        file.rewind()?;
        let begin = begin(&mut file)?;
        let points = heads(&begin).flat_map(|head| self.places.of(head)).collect();
        let (point, hash) = matching(&mut file, points)?;
        file.seek(SeekFrom::Start(point.length))?;
        let name: Arc<str> = path.to_string_lossy().into();
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.complained.remove(path);
        if let Some(place) = Resume::of(&begin, point) {
            self.places.found(id, place);
        }
        self.files.push(Followed {
            id,
            name: name.clone(),
            key,
            file,
            splitter: Splitter::new(self.options.line_bytes_max, point.length, point.lines),
            read: point.length,
            hash,
            begin,
            open: VecDeque::new(),
            nameless: None,
            at_end: false,
            written,
        });
        Ok(Some(Opened { source: name, position: point.length, refused: 0, size: Some(data.len()) }))
    }

    /// What the next file that has grown has to give.
    fn read(&mut self) -> Option<Result<Next, SourceError>> {
        for _ in 0..self.files.len() {
            self.turn = (self.turn + 1) % self.files.len();
            let file = &mut self.files[self.turn];
            match file.read(self.options.block_bytes) {
                Ok(Read::Batch(batch)) => return Some(Ok(Next::Batch(batch))),
                Ok(Read::Nothing) => {}
                Ok(Read::Cut) => {
                    self.was_cut(self.turn);
                    return None;
                }
                Err(error) => {
                    let error = SourceError::new(&file.name, "read", error);
                    // Found again by the next look.
                    let file = self.files.swap_remove(self.turn);
                    self.places.gone(file.id);
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Lets go of files that have no name any more and are read and committed to their end.
    fn let_go(&mut self) -> Option<Next> {
        let over =
            |file: &Followed| file.at_end && file.nameless.is_some_and(|since| since.elapsed() >= AFTERWARDS);
        for index in (0..self.files.len()).rev().collect::<Vec<_>>() {
            if !over(&self.files[index]) {
                continue;
            }
            if let Some(batch) = self.files[index].last_line() {
                return Some(Next::Batch(batch));
            }
            if self.files[index].open.is_empty() {
                let file = self.files.swap_remove(index);
                self.places.gone(file.id);
                tracing::info!(file = %file.name, bytes = file.read, "the file is gone, all of it was read");
            }
        }
        None
    }
}

impl Followed {
    /// The lines that were added, at most a block of them.
    fn read(&mut self, block_bytes: usize) -> io::Result<Read> {
        loop {
            let mut buffer = self.splitter.buffer(block_bytes);
            let before = buffer.len();
            (&self.file).take(block_bytes as u64).read_to_end(&mut buffer)?;
            let read = buffer.len() - before;
            self.at_end = read == 0;
            if self.at_end {
                return Ok(Read::Nothing);
            }
            if !self.begins_as_before()? {
                return Ok(Read::Cut);
            }
            if self.nameless.is_some() {
                // Whoever rolled it still writes to it.
                self.nameless = Some(Instant::now());
            }
            if self.begin.len() < HEAD_BYTES_MAX {
                let room = HEAD_BYTES_MAX - self.begin.len();
                // What was read before of a file that was short lies in `begin` up to its length then.
                let read_before = usize::try_from(self.read).unwrap_or(usize::MAX);
                let known = self.begin.len().saturating_sub(read_before);
                let fresh = &buffer[before..][known.min(read)..];
                self.begin.extend_from_slice(&fresh[..fresh.len().min(room)]);
            }
            self.read += read as u64;
            let lines = self.splitter.split(buffer);
            let (ended, rest) = lines.bytes[before..].split_at(lines.ended);
            self.hash.update(ended);
            let place = self.place();
            self.hash.update(rest);
            if !lines.records.is_empty() || lines.blank > 0 {
                return Ok(Read::Batch(self.batch(place, lines.bytes, lines.records, lines.blank)));
            }
        }
    }

    /// Whether what was read of it is still its beginning, as far as that is kept. A file that was emptied may have become as
    /// long as it was before anybody looked.
    fn begins_as_before(&self) -> io::Result<bool> {
        let known = self.begin.len().min(usize::try_from(self.read).unwrap_or(usize::MAX));
        let mut now = vec![0; known];
        match self.file.read_exact_at(&mut now, 0) {
            Ok(()) => Ok(now == self.begin[..known]),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The last line of a file that nobody writes any more, as it is.
    fn last_line(&mut self) -> Option<RawBatch> {
        let tail = self.splitter.tail()?;
        self.splitter.end();
        let place = self.place();
        Some(self.batch(place, tail.bytes, vec![tail.record], 0))
    }

    /// Where the lines that ended do, when all of them are hashed and nothing else.
    fn place(&self) -> Option<Resume> {
        let point = ResumePoint {
            length: self.splitter.position(),
            lines: self.splitter.lines(),
            hash: self.hash.digest128(),
            refused: 0,
        };
        Resume::of(&self.begin, point)
    }

    fn batch(
        &mut self,
        place: Option<Resume>,
        bytes: Vec<u8>,
        records: Vec<super::RawRecord>,
        blank: u64,
    ) -> RawBatch {
        self.open.extend(place);
        RawBatch {
            source: self.name.clone(),
            partition: self.id,
            bytes,
            records,
            blank,
            next_position: self.splitter.position(),
            resume: None,
        }
    }
}

impl Source for Tail {
    /// Errors: a file cannot be read; the others go on.
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let began = Instant::now();
        loop {
            self.look_if_due();
            if let Some(told) = self.to_tell.pop_front() {
                return told;
            }
            if let Some(next) = self.let_go() {
                return Ok(next);
            }
            if let Some(next) = self.read() {
                return next;
            }
            if self.looked.is_none() {
                continue;
            }
            self.places.note(false)?;
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(Next::Idle);
            }
            std::thread::park_timeout(left.min(ASK));
        }
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        for position in positions {
            let Some(file) = self.files.iter_mut().find(|file| file.id == position.partition) else {
                continue;
            };
            let mut last = None;
            while file.open.front().is_some_and(|place| place.point.length <= position.next) {
                last = file.open.pop_front();
            }
            if let Some(place) = last {
                self.places.set(file.id, place);
            }
        }
        self.places.note(false)
    }

    fn positions_last(&self) -> bool {
        true
    }

    /// Files that come, are rolled or cut are seen also while nothing is read.
    fn keep_alive(&mut self) -> Result<(), SourceError> {
        self.look_if_due();
        self.places.note(false)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Err(error) = self.places.note(true) {
            tracing::warn!(%error, "what was read since is read again by the next start");
        }
    }
}
