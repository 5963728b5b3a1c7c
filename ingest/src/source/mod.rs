//! Where records come from. One trait for all of them; a batch knows its origin, and positions are committed when what
//! they cover is durable.
//!
//! The way of a batch: [`Source::next`] gives it, its records are decoded, what becomes of them is written, and only
//! then [`Source::commit`] is told its [`RawBatch::next_position`]. A source may hand out further batches before that.

mod channel;
mod compressed;
mod file;
mod inputs;
pub mod kafka;
mod lines;
mod resume;
mod stream;
mod tail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use linkloom_schema::time::Timestamp;

pub use channel::{ChannelSender, ChannelSource, SendRefused, channel};
pub use inputs::{Input, InputOptions, Inputs};
pub use resume::{BadResumePoint, Head, Lookup, Resume, ResumePoint, heads};
pub use tail::{Tail, TailOptions};

/// A source of records.
///
/// Source: the batch and position shape of Kafka consumers, so that files, pipes, in-process producers and topics are
/// one thing to everything behind them.
pub trait Source: Send {
    /// What comes next; waits at most `wait` for it.
    ///
    /// Errors: the source (or one file of it) cannot be read further; what it gave before stands. Calling again goes on
    /// with the next file, or gives the same error.
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError>;

    /// Everything before these positions is durable. Positions of one partition never go back while it is read.
    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError>;

    /// Whether positions mean the same to the next process: offsets of a topic do, those of a pipe do not. (Files say it
    /// batch by batch, with what they [resume](RawBatch::resume) by.)
    fn positions_last(&self) -> bool {
        false
    }

    /// The answer to [`Next::Revoked`]: everything read of these partitions is durable and committed, or will never be.
    fn release(&mut self, _partitions: &[(Arc<str>, u32)]) -> Result<(), SourceError> {
        Ok(())
    }

    /// Called now and then while nothing is asked for because the store does not keep up: whoever has to show that it is
    /// alive does so.
    fn keep_alive(&mut self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// What a source has to say.
#[derive(Debug)]
pub enum Next {
    /// Records.
    Batch(RawBatch),
    /// Partitions go to somebody else. They wait until [`Source::release`] is called, when everything read of them is
    /// durable; nothing more comes of them.
    Revoked {
        /// Which.
        partitions: Vec<(Arc<str>, u32)>,
        /// Whether somebody else has them already.
        lost: bool,
    },
    /// A file was opened; its records follow.
    Opened(Opened),
    /// A file ends in half a line, which was not consumed.
    Incomplete(Incomplete),
    /// Nothing within the wait; more may come.
    Idle,
    /// Nothing will come any more.
    End,
}

/// A file that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its name in origins.
    pub source: Arc<str>,
    /// Where reading starts: 0, or the length that was consumed before.
    pub position: u64,
    /// How many of the lines that were consumed before were refused.
    pub refused: u64,
    /// Its size in bytes now, if positions can be compared to it (not in compressed files and pipes).
    pub size: Option<u64>,
}

/// The last, unfinished line of a file. It is read again, perhaps whole, when the file is ingested again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The file.
    pub source: Arc<str>,
    /// Offset of the line's first byte.
    pub position: u64,
    /// Line number, from 1.
    pub line: u64,
    /// Bytes there are of it.
    pub length: u64,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incomplete { source, line, length, .. } = self;
        write!(f, "{source}:{line}: incomplete tail of {length} bytes, left for the next time")
    }
}

/// A place up to which a partition was read: the position of the record that comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Topic, file or channel.
    pub source: Arc<str>,
    /// Partition; 0 where there is only one.
    pub partition: u32,
    /// Offset of the next record (Kafka) or byte (files).
    pub next: u64,
}

/// Records of one partition, in order, in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBatch {
    /// Topic, file or channel.
    pub source: Arc<str>,
    /// Partition; 0 where there is only one.
    pub partition: u32,
    /// The bytes the records lie in.
    pub bytes: Vec<u8>,
    /// The records, positions ascending.
    pub records: Vec<RawRecord>,
    /// Empty lines between them; they are no records.
    pub blank: u64,
    /// Where the partition goes on: to be committed when this batch is durable.
    pub next_position: u64,
    /// What to remember, together with this batch's data, so that the file is not ingested twice.
    pub resume: Option<Resume>,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Where in the batch's bytes it starts.
    pub start: usize,
    /// Where it ends, without its line feed.
    pub end: usize,
    /// Its length in the source; more than `end - start` when it was too long to be held.
    pub full_length: u64,
    /// Its offset (Kafka), or that of its first byte (files; after decompression).
    pub position: u64,
    /// Line number from 1, 0 where there are no lines.
    pub line: u64,
    /// When the source got it, if the source knows.
    pub time: Option<Timestamp>,
}

/// A record with its origin, lent by its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'b> {
    /// Where it came from.
    pub origin: Origin<'b>,
    /// When the source got it, if the source knows.
    pub time: Option<Timestamp>,
    /// Its bytes, the first of them when `full_length` is more.
    pub bytes: &'b [u8],
    /// Its length in the source.
    pub full_length: u64,
}

/// Where a record came from. Displayed for people: `file:line` or `topic[partition]@offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'b> {
    /// Topic, file or channel.
    pub source: &'b str,
    /// Partition; 0 where there is only one.
    pub partition: u32,
    /// Offset (Kafka), or that of the first byte (files).
    pub position: u64,
    /// Line number from 1, if the source has lines.
    pub line: Option<u64>,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.source),
            None => write!(f, "{}[{}]@{}", self.source, self.partition, self.position),
        }
    }
}

impl RawBatch {
    /// The records with their origins.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.records.iter().map(|record| Record {
            origin: Origin {
                source: &self.source,
                partition: self.partition,
                position: record.position,
                line: (record.line > 0).then_some(record.line),
            },
            time: record.time,
            bytes: &self.bytes[record.start..record.end],
            full_length: record.full_length,
        })
    }

    /// The position to commit when everything in this batch is durable.
    pub fn position(&self) -> Position {
        Position { source: self.source.clone(), partition: self.partition, next: self.next_position }
    }
}

/// A source that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{op} {source_name}: {cause}")]
pub struct SourceError {
    /// Which file, pipe or topic.
    pub source_name: String,
    /// What was tried.
    pub op: &'static str,
    /// Why it failed.
    pub cause: String,
}

impl SourceError {
    fn new(source: &str, op: &'static str, cause: impl fmt::Display) -> Self {
        SourceError { source_name: source.to_owned(), op, cause: cause.to_string() }
    }
}
