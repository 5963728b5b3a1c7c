//! Records of producers in this process, acknowledged when they are durable.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use linkloom_schema::time::Timestamp;

use super::lines::Splitter;
use super::{Next, Position, RawBatch, Source, SourceError};

type Acknowledge = Box<dyn FnOnce() + Send>;

struct Message {
    lines: Vec<u8>,
    time: Option<Timestamp>,
    acknowledge: Acknowledge,
}

/// The producers' end; clones share it.
#[derive(Clone)]
pub struct ChannelSender {
    sender: Sender<Message>,
    held: Arc<AtomicU64>,
    bytes_max: u64,
}

/// Why a batch was not taken; it is given back.
#[derive(Debug, PartialEq, Eq)]
pub enum SendRefused {
    /// The channel holds as much as it may: try again later.
    Full(Vec<u8>),
    /// The other end is gone.
    Closed(Vec<u8>),
}

impl fmt::Display for SendRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendRefused::Full(_) => "the channel holds as many unacknowledged bytes as it may",
            SendRefused::Closed(_) => "the channel is closed",
        })
    }
}

impl std::error::Error for SendRefused {}

/// The pipeline's end.
pub struct ChannelSource {
    name: Arc<str>,
    receiver: Receiver<Message>,
    line_bytes_max: usize,
    held: Arc<AtomicU64>,
    /// Number of the next record.
    next: u64,
    /// Batches handed out, oldest first: the position behind each, its bytes and how to acknowledge it.
    unacknowledged: VecDeque<(u64, u64, Acknowledge)>,
}

/// A channel of batches. At `batches_max` batches or `bytes_max` unacknowledged bytes senders are told to wait.
pub fn channel(
    name: &str,
    batches_max: usize,
    bytes_max: u64,
    line_bytes_max: usize,
) -> (ChannelSender, ChannelSource) {
    let (sender, receiver) = bounded(batches_max);
    let held = Arc::new(AtomicU64::new(0));
    let source = ChannelSource {
        name: name.into(),
        receiver,
        line_bytes_max,
        held: Arc::clone(&held),
        next: 0,
        unacknowledged: VecDeque::new(),
    };
    (ChannelSender { sender, held, bytes_max }, source)
}

impl ChannelSender {
    /// Gives a batch of lines to the pipeline if there is room.
    ///
    /// Shape: `lines` are reports, one a line, the last line feed may be missing; `time` stands in for reports without a
    /// usable time. `acknowledge` is called once when all of them are durable (or dead letters); if it is dropped
    /// without a call, the pipeline ended first: send them again. One batch is always taken, however large, if the
    /// channel holds nothing.
    pub fn try_send(
        &self,
        lines: Vec<u8>,
        time: Option<Timestamp>,
        acknowledge: impl FnOnce() + Send + 'static,
    ) -> Result<(), SendRefused> {
        let bytes = lines.len() as u64;
        let taken = self.held.try_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            (held == 0 || held.saturating_add(bytes) <= self.bytes_max).then_some(held.saturating_add(bytes))
        });
        if taken.is_err() {
            return Err(SendRefused::Full(lines));
        }
        let message = Message { lines, time, acknowledge: Box::new(acknowledge) };
        self.sender.try_send(message).map_err(|error| {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            match error {
                TrySendError::Full(message) => SendRefused::Full(message.lines),
                TrySendError::Disconnected(message) => SendRefused::Closed(message.lines),
            }
        })
    }
}

impl Source for ChannelSource {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let Message { lines, time, acknowledge } = match self.receiver.recv_deadline(Instant::now() + wait) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return Ok(Next::Idle),
            Err(RecvTimeoutError::Disconnected) => return Ok(Next::End),
        };
        let bytes = lines.len() as u64;
        let mut splitter = Splitter::new(self.line_bytes_max, 0, 0);
        let mut split = splitter.split(lines);
        if let Some(tail) = splitter.tail() {
            // The splitter held the last line back; it lies at the end of the batch's bytes as well.
            let mut record = tail.record;
            let shift = split.ended;
            (record.start, record.end) = (record.start + shift, record.end + shift);
            split.records.push(record);
        }
        for record in &mut split.records {
            (record.position, record.line, record.time) = (self.next, 0, time);
            self.next += 1;
        }
        self.unacknowledged.push_back((self.next, bytes, acknowledge));
        Ok(Next::Batch(RawBatch {
            source: Arc::clone(&self.name),
            partition: 0,
            bytes: split.bytes,
            records: split.records,
            blank: split.blank,
            next_position: self.next,
            resume: None,
        }))
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), SourceError> {
        let Some(next) =
            positions.iter().filter(|position| position.source == self.name).map(|p| p.next).max()
        else {
            return Ok(());
        };
        while self.unacknowledged.front().is_some_and(|(position, _, _)| *position <= next) {
            let Some((_, bytes, acknowledge)) = self.unacknowledged.pop_front() else { break };
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            acknowledge();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_acknowledged_in_order_when_covered() {
        let (sender, mut source) = channel("relay", 8, 1000, 100);
        let (told, acknowledged) = crossbeam_channel::unbounded();
        let send = |name: &'static str, lines: &str| {
            let told = told.clone();
            sender.try_send(lines.as_bytes().to_vec(), Some(Timestamp(7)), move || told.send(name).unwrap())
        };
        send("a", "one\n\ntwo").unwrap();
        send("b", "").unwrap();
        send("c", "three\r\n").unwrap();
        let mut texts = Vec::new();
        let mut positions = Vec::new();
        for _ in 0..3 {
            let Next::Batch(batch) = source.next(Duration::ZERO).unwrap() else { panic!("no batch") };
            positions.push(batch.position());
            texts.extend(batch.iter().map(|record| {
                assert_eq!(record.time, Some(Timestamp(7)));
                format!("{} {}", record.origin, str::from_utf8(record.bytes).unwrap())
            }));
        }
        assert_eq!(texts, ["relay[0]@0 one", "relay[0]@1 two", "relay[0]@2 three"]);
        assert!(matches!(source.next(Duration::ZERO).unwrap(), Next::Idle));
        let committed = |source: &mut ChannelSource, next| {
            source.commit(&[Position { source: "relay".into(), partition: 0, next }]).unwrap();
            acknowledged.try_iter().collect::<Vec<_>>()
        };
        assert_eq!(committed(&mut source, 1), Vec::<&str>::new());
        assert_eq!(committed(&mut source, positions[0].next), ["a", "b"]);
        assert_eq!(committed(&mut source, positions[2].next), ["c"]);
        drop(sender);
        assert!(matches!(source.next(Duration::ZERO).unwrap(), Next::End));
    }

    #[test]
    fn a_full_or_closed_channel_gives_the_batch_back() {
        let (sender, mut source) = channel("relay", 2, 10, 100);
        sender.try_send(vec![b'x'; 50], None, || {}).unwrap();
        let full = Err(SendRefused::Full(vec![b'y']));
        assert_eq!(sender.try_send(vec![b'y'], None, || {}), full);
        let Next::Batch(batch) = source.next(Duration::ZERO).unwrap() else { panic!("no batch") };
        assert_eq!(sender.try_send(vec![b'y'], None, || {}), full, "read is not yet acknowledged");
        source.commit(&[batch.position()]).unwrap();
        for _ in 0..2 {
            sender.try_send(vec![b'y'], None, || {}).unwrap();
        }
        assert_eq!(sender.try_send(vec![b'y'], None, || {}), full, "two batches wait");
        drop(source);
        let held = sender.held.load(Ordering::Relaxed);
        assert_eq!(held, 2, "what was refused is not counted");
        assert_eq!(sender.try_send(vec![b'z'], None, || {}), Err(SendRefused::Closed(vec![b'z'])));
    }

    #[test]
    fn an_unacknowledged_batch_is_told_by_the_drop() {
        let (sender, mut source) = channel("relay", 2, 10, 100);
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        sender.try_send(b"one".to_vec(), None, move || panic!("not durable: {held:?}")).unwrap();
        assert!(matches!(source.next(Duration::ZERO).unwrap(), Next::Batch(_)));
        drop(source);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
