//! The lines between the application and the thread that writes them: bounded, the least important dropped first.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much a line matters when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Logs of level `DEBUG` and `TRACE`.
    Detail,
    /// Logs of level `INFO`.
    Info,
    /// Other logs.
    Grave,
    /// Node reports.
    Node,
}

const CLASSES: usize = 4;
/// Memory a line takes beside its bytes.
const OVERHEAD: usize = 16;
/// The writer is woken before its time when so much waits.
const HURRY_BYTES: usize = 256 << 10;
/// Memory a lane keeps while it is empty.
const KEPT_BYTES: usize = 512 << 10;

/// Lines of one class in order, one behind the other.
#[derive(Debug, Default)]
struct Lane {
    bytes: Vec<u8>,
    /// Where the first line that is still there begins.
    from: usize,
    /// Number and length of each line.
    lines: VecDeque<(u64, u32)>,
}

impl Lane {
    /// Drops the oldest line; says how much room that made.
    fn drop_oldest(&mut self) -> Option<usize> {
        let (_, length) = self.lines.pop_front()?;
        self.from += length as usize;
        if self.from >= 64 << 10 && self.from * 2 >= self.bytes.len() {
            self.bytes.drain(..self.from);
            self.from = 0;
        }
        Some(length as usize + OVERHEAD)
    }

    /// Forgets all lines, and gives back what a flood of them took.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.lines.clear();
        self.lines.shrink_to(KEPT_BYTES / 256);
        self.from = 0;
    }
}

/// Lines taken from the queue at once.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    lanes: [Lane; CLASSES],
}

impl Taken {
    /// The lines in the order of their numbers, each with its line feed.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&[u8])) {
        let mut next = [0_usize; CLASSES];
        let mut from = self.lanes.each_ref().map(|lane| lane.from);
        loop {
            let least = (0..CLASSES)
                .filter_map(|class| {
                    self.lanes[class].lines.get(next[class]).map(|&(seq, length)| (seq, class, length))
                })
                .min();
            let Some((_, class, length)) = least else { return };
            let end = from[class] + length as usize;
            each(&self.lanes[class].bytes[from[class]..end]);
            (from[class], next[class]) = (end, next[class] + 1);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.lines.is_empty())
    }
}

#[derive(Debug, Default)]
struct State {
    lanes: [Lane; CLASSES],
    /// Room taken by all lines.
    held: usize,
    /// Lines put, taken or dropped, and done with, since the start: what `flush` waits for.
    put: u64,
    taken: u64,
    done: u64,
    /// The writer waits for a first line.
    idle: bool,
    hurry: bool,
    closed: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    /// Lines that had to be dropped, this one or others.
    pub(crate) dropped: u64,
    /// It was the first after the queue was closed.
    pub(crate) closed: bool,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something is there, or there is a hurry: for the writer.
    work: Condvar,
    /// Everything put so far was written: for those who flush.
    written: Condvar,
    bytes_max: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Queue {
        Queue { state: Mutex::default(), work: Condvar::new(), written: Condvar::new(), bytes_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a line with its line feed. Never waits for the writer: what has no room goes, the least important and oldest first.
    pub(crate) fn put(&self, class: Class, seq: u64, line: &[u8]) -> Put {
        let need = line.len() + OVERHEAD;
        let mut state = self.state();
        if state.closed {
            return Put { dropped: 1, closed: true };
        }
        let mut dropped = 0;
        if need > self.bytes_max {
            return Put { dropped: 1, closed: false };
        }
        while state.held + need > self.bytes_max {
            let lane = state.lanes[..class as usize].iter_mut().find(|lane| !lane.lines.is_empty());
            match lane.and_then(Lane::drop_oldest) {
                Some(room) => {
                    state.held -= room;
                    dropped += 1;
                }
                // Nothing here matters less.
                None => return Put { dropped: dropped + 1, closed: false },
            }
        }
        let lane = &mut state.lanes[class as usize];
        lane.bytes.extend_from_slice(line);
        lane.lines.push_back((seq, line.len() as u32));
        state.held += need;
        state.put += 1;
        let wake = std::mem::take(&mut state.idle) || (state.held >= HURRY_BYTES && !state.hurry);
        state.hurry |= state.held >= HURRY_BYTES;
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Put { dropped, closed: false }
    }

    /// Bytes that wait.
    pub(crate) fn held(&self) -> usize {
        self.state().held
    }

    /// Waits for lines and takes all; after the first of them for `linger` more. At most `patience` in all. Returns whether the queue
    /// is closed: nothing more will come.
    pub(crate) fn take(&self, taken: &mut Taken, linger: Duration, patience: Duration) -> bool {
        taken.lanes.iter_mut().for_each(Lane::clear);
        let began = Instant::now();
        let mut state = self.state();
        while state.held == 0 && !state.closed && !state.hurry {
            let Some(left) = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            state.idle = true;
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.idle = false;
        let began = Instant::now();
        while state.held > 0 && !state.closed && !state.hurry {
            let Some(left) = linger.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.hurry = false;
        state.held = 0;
        state.taken = state.put;
        std::mem::swap(&mut state.lanes, &mut taken.lanes);
        state.closed
    }

    /// The writer is done with everything it took.
    pub(crate) fn done(&self) {
        let mut state = self.state();
        state.done = state.taken;
        drop(state);
        self.written.notify_all();
    }

    /// Waits until everything put before is written; says whether it is.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let began = Instant::now();
        let mut state = self.state();
        let put = state.put;
        while state.done < put {
            let Some(left) = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state.hurry = true;
            self.work.notify_one();
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Makes the writer look at what is to be done now.
    #[cfg(feature = "relay")]
    pub(crate) fn nudge(&self) {
        self.state().hurry = true;
        self.work.notify_one();
    }

    /// Nothing more is taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.work.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(taken: &Taken) -> Vec<String> {
        let mut lines = Vec::new();
        taken.for_each(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
        lines
    }

    fn take(queue: &Queue) -> Vec<String> {
        let mut taken = Taken::default();
        queue.take(&mut taken, Duration::ZERO, Duration::ZERO);
        queue.done();
        lines(&taken)
    }

    #[test]
    fn lines_come_out_in_the_order_of_their_numbers() {
        let queue = Queue::new(1 << 20);
        for (seq, class) in
            [Class::Node, Class::Detail, Class::Info, Class::Detail, Class::Grave].into_iter().enumerate()
        {
            queue.put(class, seq as u64, format!("{seq}").as_bytes());
        }
        assert_eq!(take(&queue), ["0", "1", "2", "3", "4"]);
        assert!(take(&queue).is_empty());
    }

    #[test]
    fn what_matters_least_goes_first() {
        let queue = Queue::new(4 * (1 + OVERHEAD));
        let put = |class, seq: u64| queue.put(class, seq, format!("{seq}").as_bytes()).dropped;
        assert_eq!(
            put(Class::Info, 0) + put(Class::Detail, 1) + put(Class::Node, 2) + put(Class::Detail, 3),
            0
        );
        assert_eq!(put(Class::Detail, 4), 1, "nothing matters less than this one: it goes itself");
        assert_eq!(put(Class::Grave, 5), 1, "1 goes");
        assert_eq!(put(Class::Node, 6), 1, "3 goes");
        assert_eq!(put(Class::Node, 7), 1, "0 goes");
        assert_eq!(put(Class::Grave, 8), 1, "itself");
        assert_eq!(take(&queue), ["2", "5", "6", "7"]);
        assert!(queue.flush(Duration::ZERO), "what was dropped is not waited for");
    }

    #[test]
    fn memory_is_given_back_as_lines_are_dropped() {
        let queue = Queue::new(256 << 10);
        let line = vec![b'x'; 1_000];
        for seq in 0..100_000 {
            queue.put(if seq % 2 == 0 { Class::Detail } else { Class::Node }, seq, &line);
        }
        let state = queue.state();
        assert!(state.held <= 256 << 10);
        let capacity: usize = state.lanes.iter().map(|lane| lane.bytes.capacity()).sum();
        assert!(capacity < 2 << 20, "{capacity}");
    }

    #[test]
    fn a_line_longer_than_the_queue_does_not_empty_it() {
        let queue = Queue::new(100);
        queue.put(Class::Detail, 0, b"short");
        assert_eq!(queue.put(Class::Node, 1, &[b'x'; 200]).dropped, 1);
        assert_eq!(take(&queue), ["short"]);
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let queue = Queue::new(100);
        queue.close();
        assert_eq!(queue.put(Class::Node, 0, b"late"), Put { dropped: 1, closed: true });
        assert!(queue.take(&mut Taken::default(), Duration::MAX, Duration::MAX));
    }
}
