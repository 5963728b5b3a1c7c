//! Files that grow, are rolled and come anew, followed for good: what a log agent does.
//!
//! A file is known by what is in it (see [`super::resume`]), so one that was renamed, copied or moved while nobody looked
//! is not read again. While it is followed it is known by device and inode, so that a file under the same name after
//! rolling is another one, and the one that was rolled is read to its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::compressed::decompressed;
use super::file::{begin, matching};
use super::lines::Splitter;
use super::resume::{Head, ResumePoint, heads};
use super::{Next, Opened, Position, RawBatch, Source, SourceError};

/// How often files are asked whether they have grown.
const ASK: Duration = Duration::from_millis(50);
/// How often new files are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is written down how far files were read.
const NOTE: Duration = Duration::from_secs(1);
/// How long a file that has lost its name is still read: whoever rolled it may write a little more.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// Places of files that are not there any more which are kept.
const PLACES_MAX: usize = 4_096;
/// Where it is written down, in the folder for it.
const PLACES_FILE: &str = "followed.json";

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
    patterns: Vec<glob::Pattern>,
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
    open: VecDeque<Place>,
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

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    head: Head,
    point: ResumePoint,
}

impl Place {
    /// `point` of a file that begins so; `None` at its very beginning.
    fn of(begin: &[u8], point: ResumePoint) -> Option<Self> {
        let consumed = usize::try_from(point.length).unwrap_or(usize::MAX).min(begin.len());
        heads(&begin[..consumed]).next().map(|head| Place { head, point })
    }
}

/// A place as it is written down.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    head: String,
    length: u64,
    lines: u64,
    hash: String,
}

impl Tail {
    /// Starts to follow, from where an earlier process left each file, else from its beginning.
    ///
    /// Errors: a pattern does not read, or the state folder cannot be used, or holds something else.
    pub fn open(options: TailOptions) -> Result<Self, SourceError> {
        let mut patterns = Vec::new();
        for pattern in &options.patterns {
            let read = glob::Pattern::new(pattern).map_err(|error| {
                SourceError::new(
                    &format!("pattern {pattern:?}"),
                    "read",
                    format!("{error}; allowed are paths with *, ?, [..] and **"),
                )
            })?;
            patterns.push(read);
        }
        let places = Places::open(&options.state)?;
        Ok(Tail {
            options,
            patterns,
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
        if self.complained.len() < PLACES_MAX && self.complained.insert(path.to_owned()) {
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
        for pattern in &self.patterns {
            // It was read before.
            let Ok(paths) = glob::glob(pattern.as_str()) else { continue };
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
        if let Some(place) = Place::of(&begin, point) {
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
            if self.begin.len() < super::resume::HEAD_BYTES_MAX {
                let room = super::resume::HEAD_BYTES_MAX - self.begin.len();
                // What was read before of a file that was short lies in `begin` up to its length then.
                let known = usize::try_from(self.begin.len() as u64 - self.read.min(self.begin.len() as u64))
                    .unwrap_or(0);
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
    fn place(&self) -> Option<Place> {
        let point = ResumePoint {
            length: self.splitter.position(),
            lines: self.splitter.lines(),
            hash: self.hash.digest128(),
            refused: 0,
        };
        Place::of(&self.begin, point)
    }

    fn batch(
        &mut self,
        place: Option<Place>,
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

/// How far files were read, in memory and written down.
#[derive(Debug)]
struct Places {
    path: PathBuf,
    /// Locked as long as this process runs.
    _lock: File,
    /// Of files that are not followed, oldest first: a copy may come, or the next process find them again.
    earlier: VecDeque<Place>,
    /// Of files that are.
    own: BTreeMap<u32, Place>,
    changed: bool,
    noted: Instant,
}

impl Places {
    fn open(folder: &Path) -> Result<Self, SourceError> {
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
    fn of(&self, head: Head) -> impl Iterator<Item = ResumePoint> {
        let all = self.earlier.iter().chain(self.own.values());
        all.filter(move |place| place.head == head).map(|place| place.point)
    }

    fn set(&mut self, id: u32, place: Place) {
        self.own.insert(id, place);
        self.changed = true;
    }

    /// A file is followed that was read up to here before.
    fn found(&mut self, id: u32, place: Place) {
        self.earlier.retain(|earlier| *earlier != place);
        self.set(id, place);
    }

    /// A file is not followed any more.
    fn gone(&mut self, id: u32) {
        self.earlier.extend(self.own.remove(&id));
        if self.earlier.len() > PLACES_MAX {
            self.earlier.pop_front();
        }
    }

    /// Writes them down: now and then, or now.
    fn note(&mut self, now: bool) -> Result<(), SourceError> {
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

impl Stored {
    fn of(Place { head, point }: &Place) -> Self {
        let Head { bytes, hash } = head;
        Stored {
            head: format!("{bytes}|{hash:032x}"),
            length: point.length,
            lines: point.lines,
            hash: format!("{:032x}", point.hash),
        }
    }

    fn place(&self) -> Option<Place> {
        let (bytes, hash) = self.head.split_once('|')?;
        let head = Head { bytes: bytes.parse().ok()?, hash: u128::from_str_radix(hash, 16).ok()? };
        let hash = u128::from_str_radix(&self.hash, 16).ok()?;
        Some(Place { head, point: ResumePoint { length: self.length, lines: self.lines, hash, refused: 0 } })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Folder(tempfile::tempdir().expect("a folder"))
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn add(&self, name: &str, text: &str) {
            let mut file =
                OpenOptions::new().create(true).append(true).open(self.path(name)).expect("opened");
            file.write_all(text.as_bytes()).expect("written");
        }

        fn options(&self) -> TailOptions {
            TailOptions {
                patterns: vec![self.path("*.log*").display().to_string()],
                state: self.path("state"),
                files_max: 8,
                block_bytes: 64,
                line_bytes_max: 100,
            }
        }

        fn open(&self) -> Tail {
            Tail::open(self.options()).expect("opened")
        }
    }

    /// Everything that is there to be read now, and is committed.
    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut found = Vec::new();
        // The next look is now.
        tail.looked = None;
        loop {
            match tail.next(Duration::ZERO).expect("readable") {
                Next::Batch(batch) => {
                    let texts = batch.iter().map(|record| {
                        let name =
                            Path::new(record.origin.source).file_name().expect("a name").to_string_lossy();
                        let text = String::from_utf8_lossy(record.bytes);
                        format!("{name}:{} {text}", record.origin.line.expect("a line"))
                    });
                    found.extend(texts);
                    tail.commit(&[batch.position()]).expect("committed");
                }
                Next::Opened(_) => {}
                Next::Idle => return found,
                other => panic!("{other:?}"),
            }
        }
    }

    /// As if it had lost its name long ago.
    fn long_after(tail: &mut Tail) {
        tail.looked = None;
        tail.next(Duration::ZERO).expect("looked");
        let long_ago = Instant::now().checked_sub(AFTERWARDS).expect("a clock that is not new");
        for file in tail.files.iter_mut().filter(|file| file.nameless.is_some()) {
            file.nameless = Some(long_ago);
        }
    }

    #[test]
    fn a_file_is_followed_while_it_grows_and_after_it_was_rolled() {
        let folder = Folder::new();
        folder.add("a.log", "one\ntw");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail), ["a.log:1 one"]);
        folder.add("a.log", "o\n\nthree\n");
        assert_eq!(lines(&mut tail), ["a.log:2 two", "a.log:4 three"]);
        let mut writer = OpenOptions::new().append(true).open(folder.path("a.log")).expect("opened");
        fs::rename(folder.path("a.log"), folder.path("a.log.1")).expect("renamed");
        folder.add("a.log", "new\n");
        // Who wrote it has it open still.
        writer.write_all(b"four\n").expect("written");
        let mut found = lines(&mut tail);
        found.sort();
        assert_eq!(found, ["a.log:1 new", "a.log:5 four"]);
        assert_eq!(tail.files(), 2);
        assert_eq!(tail.behind(), 0);
    }

    #[test]
    fn a_file_that_is_gone_is_read_to_its_end_and_let_go() {
        let folder = Folder::new();
        folder.add("a.log", "one\nhalf a li");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail), ["a.log:1 one"]);
        fs::remove_file(folder.path("a.log")).expect("removed");
        assert_eq!(lines(&mut tail), [""; 0], "there may be more of the line");
        long_after(&mut tail);
        assert_eq!(lines(&mut tail), ["a.log:2 half a li"], "somebody has to hear of it");
        assert_eq!(tail.files(), 0);
    }

    #[test]
    fn a_file_emptied_in_place_is_read_anew() {
        let folder = Folder::new();
        folder.add("a.log", "one\ntwo\nthree\n");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail).len(), 3);
        fs::copy(folder.path("a.log"), folder.path("a.log.1")).expect("copied");
        OpenOptions::new().write(true).truncate(true).open(folder.path("a.log")).expect("emptied");
        assert_eq!(lines(&mut tail), [""; 0], "the copy is known by what is in it");
        folder.add("a.log", "four\n");
        assert_eq!(lines(&mut tail), ["a.log:1 four"]);
    }

    #[test]
    fn one_that_has_become_longer_again_before_anybody_looked_is_read_anew_too() {
        let folder = Folder::new();
        folder.add("a.log", "one\n");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail).len(), 1);
        fs::write(folder.path("a.log"), "four, five\nsix\n").expect("written anew");
        assert_eq!(lines(&mut tail), ["a.log:1 four, five", "a.log:2 six"]);
        // While nothing is read files are looked at all the same.
        folder.add("b.log", "seven\n");
        tail.looked = None;
        tail.keep_alive().expect("looked");
        assert_eq!(tail.files(), 2);
    }

    #[test]
    fn a_rolled_file_is_kept_as_long_as_somebody_writes_to_it() {
        let folder = Folder::new();
        folder.add("a.log", "one\n");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail).len(), 1);
        let mut writer = OpenOptions::new().append(true).open(folder.path("a.log")).expect("opened");
        fs::rename(folder.path("a.log"), folder.path("rolled")).expect("renamed");
        long_after(&mut tail);
        writer.write_all(b"two\n").expect("written");
        tail.files[0].at_end = false;
        assert_eq!(lines(&mut tail), ["a.log:2 two"]);
        assert_eq!(tail.files(), 1, "there may be more");
        long_after(&mut tail);
        assert_eq!(lines(&mut tail), [""; 0]);
        assert_eq!(tail.files(), 0);
    }

    #[test]
    fn the_next_start_goes_on_where_this_one_was_confirmed() {
        let folder = Folder::new();
        folder.add("a.log", "one\ntwo\n");
        folder.add("b.log", "1\n");
        let mut tail = folder.open();
        assert_eq!(lines(&mut tail).len(), 3);
        folder.add("a.log", "three\nfour\n");
        // Read, but never confirmed.
        tail.looked = None;
        while !matches!(tail.next(Duration::ZERO), Ok(Next::Batch(_))) {}
        assert!(
            Tail::open(folder.options()).is_err_and(|error| error.to_string().contains("another process"))
        );
        drop(tail);
        // Rolled, and another file in its place, while nobody looked.
        fs::rename(folder.path("a.log"), folder.path("a.log.1")).expect("renamed");
        folder.add("a.log", "one\nnew\n");
        let mut tail = folder.open();
        let mut found = lines(&mut tail);
        found.sort();
        assert_eq!(found, ["a.log.1:3 three", "a.log.1:4 four", "a.log:1 one", "a.log:2 new"]);
        for _ in 0..3 {
            drop(tail);
            tail = folder.open();
            assert_eq!(lines(&mut tail), [""; 0]);
        }
        drop(tail);
        let places = fs::read(folder.path("state/followed.json")).expect("written");
        let places: Vec<Stored> = serde_json::from_slice(&places).expect("read");
        assert_eq!(places.len(), 3, "one for each file: {places:?}");
    }

    #[test]
    fn what_cannot_be_followed_is_told_once_and_the_rest_goes_on() {
        let folder = Folder::new();
        folder.add("a.log", "one\n");
        fs::write(folder.path("b.log.gz"), [0x1f, 0x8b, 8, 0]).expect("written");
        fs::create_dir(folder.path("c.log")).expect("made");
        folder.add("d.log", "");
        let mut tail = folder.open();
        let (mut told, mut read) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            tail.looked = None;
            match tail.next(Duration::ZERO) {
                Ok(Next::Batch(batch)) => {
                    read.extend(
                        batch.iter().map(|record| String::from_utf8_lossy(record.bytes).into_owned()),
                    );
                }
                Ok(_) => {}
                Err(error) => told.push(error.to_string()),
            }
        }
        assert_eq!(read, ["one"]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("b.log.gz") && told[0].contains("it is compressed"), "{told:?}");
        let one = TailOptions { files_max: 1, state: folder.path("other"), ..folder.options() };
        drop(tail);
        folder.add("e.log", "two\n");
        fs::remove_file(folder.path("b.log.gz")).expect("removed");
        let later = SystemTime::now() + Duration::from_secs(5);
        let written_later = |name: &str| {
            let file = OpenOptions::new().append(true).open(folder.path(name)).expect("opened");
            file.set_modified(later).expect("set");
        };
        written_later("e.log");
        let mut tail = Tail::open(one).expect("opened");
        let mut waits = None;
        for _ in 0..20 {
            tail.looked = None;
            match tail.next(Duration::ZERO) {
                Ok(Next::Batch(batch)) => tail.commit(&[batch.position()]).expect("committed"),
                Ok(_) => {}
                Err(error) => waits = Some(error.source_name),
            }
        }
        assert!(waits.is_some_and(|waits| waits.ends_with("a.log")), "the one written last goes first");
        assert!(tail.files.len() == 1 && tail.files[0].name.ends_with("e.log") && tail.files[0].at_end);
    }

    #[test]
    fn long_lines_keep_their_beginning() {
        let folder = Folder::new();
        folder.add("a.log", &format!("{}\nnext\n", "x".repeat(1_000)));
        let mut tail = folder.open();
        let found = lines(&mut tail);
        assert_eq!((found[0].len(), found[1].as_str()), ("a.log:1 ".len() + 100, "a.log:2 next"));
    }
}
