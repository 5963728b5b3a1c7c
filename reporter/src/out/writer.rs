//! The thread that takes lines from the queue and gets them out, one way or another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(feature = "relay")]
use super::Out;
use super::file::FileOut;
#[cfg(feature = "relay")]
use super::relay::Relay;
use super::standard::Standard;
use super::{Batch, Captured};
use crate::level::Level;
use crate::line::LogLine;
use crate::queue::Taken;
use crate::reporter::{Inner, reports_nothing};
use crate::stats::{Cause, Counters, Dropped, lost_since};
use crate::time::now_micros;

/// How long lines wait for others before they are written.
const LINGER_FILE: Duration = Duration::from_millis(50);
#[cfg(feature = "relay")]
const LINGER_RELAY: Duration = Duration::from_millis(200);
/// How soon it is tried again to say what was lost.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// A way out.
#[derive(Debug)]
pub(crate) enum Way {
    File(Box<FileOut>),
    Stdout,
    Capture(Captured),
    #[cfg(feature = "relay")]
    Relay(Arc<Relay>),
}

/// What the thread owns.
pub(crate) struct Writer {
    pub(crate) inner: Arc<Inner>,
    pub(crate) ways: Vec<Way>,
    #[cfg(feature = "relay")]
    pub(crate) out: Arc<Out>,
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        reports_nothing();
        let mut taken = Taken::default();
        let mut told = Dropped::default();
        let linger = match self.ways.first() {
            #[cfg(feature = "relay")]
            Some(Way::Relay(_)) => LINGER_RELAY,
            Some(Way::Capture(_)) => Duration::ZERO,
            _ => LINGER_FILE,
        };
        loop {
            let untold = self.inner.counters.dropped() != told;
            let patience = if untold { RETRY_EVERY } else { Duration::MAX };
            let closed = self.inner.queue.take(&mut taken, linger, patience);
            let mut batches = batches(&taken);
            let mut now = told;
            let loss = self.loss(&mut now);
            if let Some(line) = &loss {
                if batches.last().is_none_or(|last| !last.has_room(line.len())) {
                    batches.push(Batch::default());
                }
                if let Some(last) = batches.last_mut() {
                    last.push(line);
                }
            }
            let last = batches.len().saturating_sub(1);
            for (at, batch) in batches.into_iter().enumerate() {
                let tells = loss.is_some() && at == last;
                let lines = batch.lines;
                if self.deliver(batch, 0) {
                    if tells {
                        told = now;
                    }
                } else {
                    // What tells of losses is not a loss itself: it is said again.
                    self.inner.counters.drop(Cause::NoWayOut, u64::from(lines) - u64::from(tells));
                }
            }
            self.inner.queue.done();
            if closed && taken.is_empty() {
                break;
            }
        }
        #[cfg(feature = "relay")]
        self.end_relays();
    }

    /// The line that says what was lost, if something was.
    fn loss(&self, told: &mut Dropped) -> Option<Vec<u8>> {
        let (total, data) = lost_since(told, self.inner.counters.dropped())?;
        let message = format!("\"linkloom reporter dropped {total} reports\"");
        let line = LogLine {
            place: None,
            time: now_micros(),
            level: Some(Level::Warn),
            message: message.as_bytes(),
            data: data.as_bytes(),
            exception: b"",
            meta: b"",
        };
        let mut written = Vec::new();
        line.write(&mut written, &self.inner, self.inner.next_seq());
        Some(written)
    }

    /// Gets a batch out by the first way from `from` on that takes it, at last by stderr; says whether one did.
    fn deliver(&mut self, batch: Batch, from: usize) -> bool {
        let Inner { counters, warnings, .. } = &*self.inner;
        for way in self.ways.iter_mut().skip(from) {
            let lines = u64::from(batch.lines);
            let done = match way {
                Way::Capture(captured) => {
                    captured.push(&batch);
                    Counters::add(&counters.written, lines);
                    return true;
                }
                #[cfg(feature = "relay")]
                Way::Relay(relay) => {
                    if relay.accept(&batch) {
                        return true;
                    }
                    // It has warned itself.
                    continue;
                }
                Way::File(file) => ("file", file.write(&batch.bytes)),
                Way::Stdout => ("stdout", Standard::Out.write(&batch.bytes)),
            };
            match done {
                (name, Ok(())) => {
                    warnings.over(name, || format!("reports are written to {name} again"));
                    Counters::add(&counters.written, lines);
                    return true;
                }
                (name, Err(error)) => {
                    warnings.once(name, || {
                        format!("reports cannot be written to {name}, another way is tried: {error}")
                    });
                }
            }
        }
        let done = Standard::Err.write(&batch.bytes).is_ok();
        if done {
            counters.to_stderr.fetch_add(u64::from(batch.lines), Ordering::Relaxed);
        }
        done
    }

    /// Gives the relays their time, and gets out by other ways what they could neither send nor keep.
    #[cfg(feature = "relay")]
    fn end_relays(&mut self) {
        let deadline = self.out.deadline();
        for at in 0..self.ways.len() {
            let Way::Relay(relay) = &self.ways[at] else { continue };
            for batch in relay.clone().end(deadline) {
                let lines = batch.lines;
                if !self.deliver(batch, at + 1) {
                    self.inner.counters.drop(Cause::NoWayOut, u64::from(lines));
                }
            }
        }
    }
}

fn batches(taken: &Taken) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    taken.for_each(|line| {
        if batches.last().is_none_or(|batch| !batch.has_room(line.len())) {
            batches.push(Batch::default());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(line);
        }
    });
    batches
}
