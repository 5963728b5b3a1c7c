//! One file: read in big blocks from where it was left, to the end it has now.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use linkloom_schema::report::is_complete_object;
use xxhash_rust::xxh3::Xxh3;

use super::compressed::decompressed;
use super::lines::Splitter;
use super::resume::{HEAD_BYTES_MAX, Lookup, Resume, ResumePoint, heads};
use super::{Incomplete, InputOptions, Next, Opened, RawBatch, SourceError};

/// A regular file that is being read.
pub(super) struct FileReader {
    name: Arc<str>,
    reader: Box<dyn Read + Send>,
    splitter: Splitter,
    block_bytes: usize,
    line_bytes_max: usize,
    /// Of every byte read so far.
    hash: Xxh3,
    /// The first bytes of the file, up to the longest head.
    begin: Vec<u8>,
    /// Lines refused in what was consumed before.
    refused: u64,
    /// Reading came to its end, by the end of the file or by a fault.
    done: bool,
    /// Why reading broke off; told after the lines that came before.
    fault: Option<String>,
}

impl FileReader {
    /// Opens a file, finds how much of it was consumed before and goes there.
    pub(super) fn open(
        path: &Path,
        name: Arc<str>,
        options: &InputOptions,
        lookup: &mut Lookup,
    ) -> Result<(FileReader, Opened), SourceError> {
        let fail = |op, error: io::Error| SourceError::new(&name, op, error);
        let mut file = File::open(path).map_err(|error| fail("open", error))?;
        let size = file.metadata().map_err(|error| fail("open", error))?.len();
        let begin = begin(&mut file).map_err(|error| fail("read", error))?;

        let mut points = Vec::new();
        for head in heads(&begin) {
            points.extend(lookup(&head).map_err(|cause| SourceError::new(&name, "look up", cause))?);
        }
        let (point, hash) = matching(&mut file, points).map_err(|error| fail("read", error))?;

        file.rewind().map_err(|error| fail("read", error))?;
        let (mut reader, compressed) = decompressed(file.try_clone().map_err(|error| fail("open", error))?)
            .map_err(|error| fail("read", error))?;
        if compressed {
            io::copy(&mut reader.by_ref().take(point.length), &mut io::sink())
                .map_err(|error| fail("read", error))?;
        } else {
            file.seek(io::SeekFrom::Start(point.length)).map_err(|error| fail("read", error))?;
            reader = Box::new(file);
        }
        let opened = Opened {
            source: name.clone(),
            position: point.length,
            refused: point.refused,
            size: (!compressed).then_some(size),
        };
        let reader = FileReader {
            name,
            reader,
            splitter: Splitter::new(options.line_bytes_max, point.length, point.lines),
            block_bytes: options.block_bytes,
            line_bytes_max: options.line_bytes_max,
            hash,
            begin,
            refused: point.refused,
            done: false,
            fault: None,
        };
        Ok((reader, opened))
    }

    /// The next records, or the unfinished line, or the end of the file.
    pub(super) fn next(&mut self) -> Result<Next, SourceError> {
        while !self.done {
            let mut buffer = self.splitter.buffer(self.block_bytes);
            let before = buffer.len();
            let mut block = self.reader.by_ref().take(self.block_bytes as u64);
            if let Err(error) = block.read_to_end(&mut buffer) {
                self.done = true;
                self.fault = Some(error.to_string());
            }
            let read = buffer.len() - before;
            if read == 0 {
                break;
            }
            let lines = self.splitter.split(buffer);
            let (ended, rest) = lines.bytes[before..].split_at(lines.ended);
            self.hash.update(ended);
            let resume = self.resume();
            self.hash.update(rest);
            if !lines.records.is_empty() || lines.blank > 0 {
                return Ok(Next::Batch(RawBatch {
                    source: self.name.clone(),
                    partition: 0,
                    bytes: lines.bytes,
                    records: lines.records,
                    blank: lines.blank,
                    next_position: self.splitter.position(),
                    resume,
                }));
            }
        }
        self.finish()
    }

    /// At the end: a whole object without its line feed is a record, anything else is left.
    fn finish(&mut self) -> Result<Next, SourceError> {
        self.done = true;
        if let Some(fault) = self.fault.take() {
            let (position, lines) = (self.splitter.position(), self.splitter.lines());
            self.splitter.end();
            let cause = format!("{fault}, after line {lines} (byte {position})");
            return Err(SourceError::new(&self.name, "read", cause));
        }
        let Some(tail) = self.splitter.tail() else { return Ok(Next::End) };
        let oversized = tail.record.full_length > self.line_bytes_max as u64;
        if oversized || !is_complete_object(&tail.bytes[tail.record.start..tail.record.end]) {
            self.splitter.end();
            return Ok(Next::Incomplete(Incomplete {
                source: self.name.clone(),
                position: tail.record.position,
                line: tail.record.line,
                length: tail.record.full_length,
            }));
        }
        self.splitter.end();
        Ok(Next::Batch(RawBatch {
            source: self.name.clone(),
            partition: 0,
            bytes: tail.bytes,
            records: vec![tail.record],
            blank: 0,
            next_position: self.splitter.position(),
            resume: self.resume(),
        }))
    }

    /// What to remember of everything hashed so far; whoever decodes the lines adds those that are refused now.
    fn resume(&self) -> Option<Resume> {
        let point = ResumePoint {
            length: self.splitter.position(),
            lines: self.splitter.lines(),
            hash: self.hash.digest128(),
            refused: self.refused,
        };
        Resume::of(&self.begin, point)
    }
}

/// The first bytes of a file, decompressed.
pub(super) fn begin(file: &mut File) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    let (reader, _) = decompressed(&mut *file)?;
    reader.take(HEAD_BYTES_MAX as u64).read_to_end(&mut begin)?;
    Ok(begin)
}

/// The longest of `points` whose bytes the file begins with, and the state of the hash there.
pub(super) fn matching(file: &mut File, mut points: Vec<ResumePoint>) -> io::Result<(ResumePoint, Xxh3)> {
    let mut hash = Xxh3::new();
    let mut best = (ResumePoint { length: 0, lines: 0, hash: hash.digest128(), refused: 0 }, hash.clone());
    points.retain(|point| point.length > 0);
    points.sort_by_key(|point| point.length);
    if points.is_empty() {
        return Ok(best);
    }
    file.rewind()?;
    let (mut reader, _) = decompressed(file)?;
    let mut block = vec![0; 256 << 10];
    let mut length = 0;
    for point in points {
        while length < point.length {
            let room = (point.length - length).min(block.len() as u64) as usize;
            match reader.read(&mut block[..room]) {
                Ok(0) => return Ok(best),
                Ok(read) => {
                    hash.update(&block[..read]);
                    length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if hash.digest128() == point.hash {
            best = (point, hash.clone());
        }
    }
    Ok(best)
}
