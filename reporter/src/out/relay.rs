//! Reports over HTTP: a thread that sends batches, and what waits for it, in memory and on disk.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Batch;
use super::post::{Answer, Poster, Receiver};
use super::spool::{Piece, Spool};
use crate::reporter::{Inner, reports_nothing};
use crate::stats::{Cause, Counters};

/// Bytes of batches that wait in memory, beside the one that is being sent.
const MEMORY_MAX: usize = 4 << 20;
/// First and longest pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often a spool that could not be opened is tried again.
const SPOOL_RETRY: Duration = Duration::from_secs(10);

/// Where batches wait on disk.
#[derive(Clone, Debug)]
pub(crate) struct SpoolPlace {
    pub(crate) root: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) boot: u64,
}

/// The way over HTTP.
pub(crate) struct Relay {
    inner: Arc<Inner>,
    receiver: Receiver,
    state: Mutex<State>,
    /// There is something to do for the sender.
    work: Condvar,
    /// The sender did something.
    progress: Condvar,
}

#[derive(Debug)]
struct State {
    place: Option<SpoolPlace>,
    spool: Option<Spool>,
    /// When to try again to open a spool.
    spool_from: Option<Instant>,
    /// Newer than what is in the spool.
    memory: VecDeque<Batch>,
    memory_bytes: usize,
    /// What is being sent from memory.
    in_hand: Option<Batch>,
    /// The receiver did not take the last batch.
    down: bool,
    busy: bool,
    /// No more comes, and from when on nothing is sent.
    end: Option<Instant>,
    /// What is left has been taken away from the sender.
    over: bool,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("url", &self.receiver.url).finish_non_exhaustive()
    }
}

impl Relay {
    pub(crate) fn new(inner: Arc<Inner>, receiver: Receiver, place: Option<SpoolPlace>) -> Relay {
        let mut state = State {
            place,
            spool: None,
            spool_from: None,
            memory: VecDeque::new(),
            memory_bytes: 0,
            in_hand: None,
            down: false,
            busy: false,
            end: None,
            over: false,
        };
        // At once: what an earlier process left is to be sent.
        state.open_spool(&inner);
        Relay { inner, receiver, state: Mutex::new(state), work: Condvar::new(), progress: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch to be sent; says whether it did.
    pub(crate) fn accept(&self, batch: &Batch) -> bool {
        let mut state = self.state();
        let taken = state.accept(batch, &self.inner);
        drop(state);
        self.work.notify_one();
        taken
    }

    /// Waits until nothing is left to be sent.
    pub(crate) fn flush(&self, until: Instant) -> bool {
        let mut state = self.state();
        while !state.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Sends what can be sent until `deadline`, puts the rest to disk, and returns what could not even be put there.
    pub(crate) fn end(&self, deadline: Instant) -> Vec<Batch> {
        let mut state = self.state();
        state.end = Some(deadline);
        self.work.notify_one();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // Waiting for a receiver that is down would be in vain; what it has in hand may still arrive.
            if left.is_zero() || (!state.busy && (state.down || state.is_empty())) {
                break;
            }
            state = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.over = true;
        if let Some(batch) = state.in_hand.take() {
            state.memory_bytes += batch.bytes.len();
            state.memory.push_front(batch);
        }
        state.spill(&self.inner);
        let left = std::mem::take(&mut state.memory).into();
        // The next process takes it over.
        state.spool = None;
        state.place = None;
        self.work.notify_one();
        left
    }

    /// The sending thread.
    pub(crate) fn run(&self) {
        reports_nothing();
        let poster = Poster::new(self.receiver.clone());
        let mut failures = 0_u32;
        while let Some(next) = self.next() {
            let answer = self.send(&poster, next.batch());
            let mut state = self.state();
            state.busy = false;
            if state.over {
                break;
            }
            let pause = match answer {
                Ok(()) => {
                    failures = 0;
                    state.down = false;
                    state.done(next, &self.inner);
                    self.inner.warnings.over("relay", || "the relay takes reports again".to_owned());
                    None
                }
                Err((after, why)) => {
                    self.inner.warnings.once("relay", || {
                        format!(
                            "the relay at {} does not take reports, they are kept and sent later: {why}",
                            self.receiver.url
                        )
                    });
                    Counters::add(&self.inner.counters.retries, 1);
                    state.down = true;
                    state.undone(&self.inner);
                    let pause = after.map_or_else(|| backoff(failures), |after| after.max(PAUSE_MIN));
                    failures = failures.saturating_add(1);
                    Some(pause)
                }
            };
            self.progress.notify_all();
            if let Some(pause) = pause {
                self.pause(state, pause);
            }
        }
        self.progress.notify_all();
    }

    /// Waits for something to send; `None` at the end.
    fn next(&self) -> Option<Next> {
        let mut state = self.state();
        loop {
            if state.over || state.end.is_some_and(|end| end <= Instant::now()) {
                return None;
            }
            if let Some(next) = state.next(&self.inner) {
                state.busy = true;
                return Some(next);
            }
            self.progress.notify_all();
            if state.end.is_some() {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pause(&self, mut state: MutexGuard<'_, State>, pause: Duration) {
        let until = Instant::now() + pause;
        while state.end.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // Nothing more is tried after the end with a receiver that is down.
        state.over = true;
    }

    /// Sends a batch, in smaller ones if it is too large.
    ///
    /// Errors: it is to be sent again, after so long, and why.
    fn send(&self, poster: &Poster, batch: &Batch) -> Result<(), (Option<Duration>, String)> {
        let counters = &self.inner.counters;
        match poster.send(batch) {
            Answer::Accepted { refused, why } => {
                Counters::add(&counters.sent, u64::from(batch.lines) - refused);
                if refused > 0 {
                    self.refuse(refused, why.as_deref().unwrap_or("it does not say why"));
                }
                Ok(())
            }
            Answer::TooLarge if batch.lines > 1 => {
                // The first half may be sent again if the second fails: the reports keep their ids.
                let (first, second) = halves(batch);
                self.send(poster, &first)?;
                self.send(poster, &second)
            }
            Answer::TooLarge => {
                self.refuse(1, "status 413: a single report is too large");
                Ok(())
            }
            Answer::Later { after, why } => Err((after, why)),
        }
    }

    fn refuse(&self, reports: u64, why: &str) {
        self.inner.counters.drop(Cause::Refused, reports);
        self.inner.warnings.once("refused", || format!("the relay refuses reports: {why}"));
        self.inner.queue.nudge();
    }
}

/// What is sent next.
#[derive(Debug)]
enum Next {
    Memory(Batch),
    Disk(Piece),
}

impl Next {
    fn batch(&self) -> &Batch {
        match self {
            Next::Memory(batch) => batch,
            Next::Disk(piece) => &piece.batch,
        }
    }
}

fn halves(batch: &Batch) -> (Batch, Batch) {
    let half = batch.lines / 2;
    let (mut first, mut second) = (Batch::default(), Batch::default());
    for (at, line) in batch.bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if at < half as usize { first.push(line) } else { second.push(line) }
    }
    (first, second)
}

/// The pause after so many failures: twice as long each time, and a random half of it, so that not all come back at once.
fn backoff(failures: u32) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX);
    let random = RandomState::new().hash_one(failures) as u32;
    longest / 2 + longest.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

impl State {
    fn is_empty(&self) -> bool {
        self.memory.is_empty()
            && self.in_hand.is_none()
            && !self.busy
            && self.spool.as_ref().is_none_or(Spool::is_empty)
    }

    /// The spool, if there is one that can be used now.
    fn open_spool(&mut self, inner: &Inner) -> Option<&mut Spool> {
        if self.spool.is_none()
            && let Some(place) = &self.place
            && self.spool_from.is_none_or(|from| from <= Instant::now())
        {
            match Spool::open(&place.root, place.boot, place.bytes_max) {
                Ok(spool) => {
                    inner.warnings.over("spool", || "the spool can be written again".to_owned());
                    self.spool = Some(spool);
                    self.tell_bytes(inner);
                }
                Err(error) => {
                    let root = place.root.display();
                    inner
                        .warnings
                        .once("spool", || format!("reports cannot be kept on disk in {root}: {error}"));
                    self.spool_from = Some(Instant::now() + SPOOL_RETRY);
                }
            }
        }
        self.spool.as_mut()
    }

    fn tell_bytes(&self, inner: &Inner) {
        let bytes = self.spool.as_ref().map_or(0, Spool::bytes);
        inner.counters.spool_bytes.store(bytes, std::sync::atomic::Ordering::Relaxed);
    }

    fn accept(&mut self, batch: &Batch, inner: &Inner) -> bool {
        let behind = self.spool.as_ref().is_some_and(|spool| !spool.is_empty());
        let fits = self.memory_bytes + batch.bytes.len() <= MEMORY_MAX || self.memory.is_empty();
        if self.down || behind || !fits {
            // What is older goes first.
            self.spill(inner);
            if self.memory.is_empty() && self.keep_on_disk(batch, inner) {
                return true;
            }
        }
        if self.memory_bytes + batch.bytes.len() > MEMORY_MAX && !self.memory.is_empty() {
            return false;
        }
        self.memory_bytes += batch.bytes.len();
        self.memory.push_back(batch.clone());
        true
    }

    fn keep_on_disk(&mut self, batch: &Batch, inner: &Inner) -> bool {
        let Some(spool) = self.open_spool(inner) else { return false };
        let (dropped, done) = spool.append(batch);
        self.tell_bytes(inner);
        if dropped > 0 {
            inner.counters.drop(Cause::SpoolFull, dropped);
            inner.warnings.once("spoolFull", || {
                "the spool is full, the oldest reports are dropped; see `stats`".to_owned()
            });
            inner.queue.nudge();
        }
        match done {
            Ok(()) => {
                inner.warnings.over("spoolWrite", || "the spool can be written again".to_owned());
                Counters::add(&inner.counters.spooled, u64::from(batch.lines));
                true
            }
            Err(error) => {
                inner.warnings.once("spoolWrite", || format!("reports cannot be kept on disk: {error}"));
                false
            }
        }
    }

    /// Moves what waits in memory to disk, as far as that goes.
    fn spill(&mut self, inner: &Inner) {
        while let Some(first) = self.memory.pop_front() {
            if !self.keep_on_disk(&first, inner) {
                self.memory.push_front(first);
                return;
            }
            self.memory_bytes -= first.bytes.len();
        }
    }

    fn next(&mut self, inner: &Inner) -> Option<Next> {
        if let Some(spool) = &mut self.spool {
            loop {
                match spool.next() {
                    Ok(Some(piece)) => return Some(Next::Disk(piece)),
                    Ok(None) => break,
                    Err((reports, error)) => {
                        inner.counters.drop(Cause::NoWayOut, reports);
                        inner
                            .warnings
                            .once("spoolRead", || format!("reports on disk cannot be read: {error}"));
                    }
                }
            }
            self.tell_bytes(inner);
        }
        let batch = self.memory.pop_front()?;
        self.memory_bytes -= batch.bytes.len();
        self.in_hand = Some(batch.clone());
        Some(Next::Memory(batch))
    }

    /// What was sent is forgotten.
    fn done(&mut self, next: Next, inner: &Inner) {
        match next {
            Next::Memory(_) => self.in_hand = None,
            Next::Disk(piece) => {
                if let Some(spool) = &mut self.spool {
                    spool.sent(&piece);
                }
                self.tell_bytes(inner);
            }
        }
    }

    /// What was not sent is kept, on disk if it can be.
    fn undone(&mut self, inner: &Inner) {
        if let Some(batch) = self.in_hand.take() {
            self.memory_bytes += batch.bytes.len();
            self.memory.push_front(batch);
        }
        self.spill(inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        for (failures, longest) in [(0, 200), (1, 400), (5, 6_400), (10, 30_000), (u32::MAX, 30_000)] {
            for _ in 0..20 {
                let pause = backoff(failures).as_millis();
                assert!((longest / 2..=longest).contains(&pause), "{failures}: {pause}");
            }
        }
    }
}
