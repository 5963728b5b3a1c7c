//! Digests of executions that this process sums up itself: they stay in memory, and the topic gets a receipt.
//!
//! A partition of digests is ours from when something of it was read until it is given up. A receipt says which process
//! kept the digests of which flush, and whose executions they are. Read back by that process, it is done when the flush
//! is summed up; read by any other, or after the windows were forgotten, it is the request to read the executions from the
//! store. So the topic stays the journal, and whether a partition really was ours is settled by who reads the receipt.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use linkloom_assembler::journal::Settled;

/// What this process keeps.
pub(super) struct Kept {
    /// A number no other process has, nor this one the next time.
    pub(super) by: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ours: BTreeSet<u32>,
    /// Threads that are handing digests to the assembler.
    handing: usize,
    /// Times partitions were lost.
    losses: u64,
    /// Number of the flush that was kept last.
    last: u64,
    /// Nothing is known of flushes up to this one: the windows were forgotten after them.
    forgotten: u64,
    /// Flushes that are not summed up, and whom to tell then: a receipt was read back.
    flushes: BTreeMap<u64, Vec<Settled>>,
}

impl Kept {
    pub(super) fn new() -> Self {
        // The keys of a new hasher are random.
        Kept { by: RandomState::new().hash_one(std::process::id()), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half changed, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something of this partition was read: it is ours.
    pub(super) fn read_of(&self, partition: u32) {
        self.state().ours.insert(partition);
    }

    /// Begins to hand over digests; `None`: no partition is ours. Until the answer is dropped nothing is forgotten.
    pub(super) fn enter(&self) -> Option<Handing<'_>> {
        let mut state = self.state();
        if state.ours.is_empty() {
            return None;
        }
        state.handing += 1;
        state.last += 1;
        Some(Handing { kept: self, ours: state.ours.clone(), losses: state.losses, flush: state.last })
    }

    /// Everything kept of a flush is summed up.
    pub(super) fn settled(&self, flush: u64) {
        let told = self.state().flushes.remove(&flush);
        told.into_iter().flatten().for_each(|settled| settled());
    }

    /// A receipt of this process was read back; `settled` is called once its flush is settled.
    ///
    /// Errors: gives `settled` back when nothing is known of the flush (any more): its executions are to be read from the
    /// store.
    pub(super) fn read_back(&self, by: u64, flush: u64, settled: Settled) -> Result<(), Settled> {
        {
            let state = &mut *self.state();
            if by != self.by || flush <= state.forgotten {
                return Err(settled);
            }
            if let Some(told) = state.flushes.get_mut(&flush) {
                told.push(settled);
                return Ok(());
            }
        }
        // It was there before its receipts were written, so it is settled.
        settled();
        Ok(())
    }

    /// No partition is ours any more, until something of it is read again; `lost`: nor was it while digests were handed over
    /// just now.
    pub(super) fn close(&self, lost: bool) {
        let mut state = self.state();
        state.ours.clear();
        state.losses += u64::from(lost);
    }

    /// Whether nobody is handing over.
    pub(super) fn is_idle(&self) -> bool {
        self.state().handing == 0
    }

    /// The windows were forgotten: nothing is known of any flush.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.forgotten = state.last;
        state.flushes.clear();
    }
}

/// The digests of a flush are being handed over.
pub(super) struct Handing<'k> {
    kept: &'k Kept,
    ours: BTreeSet<u32>,
    losses: u64,
    /// Number of the flush in its receipts.
    pub(super) flush: u64,
}

impl Handing<'_> {
    pub(super) fn is_ours(&self, partition: u32) -> bool {
        self.ours.contains(&partition)
    }

    /// Receipts will be written. To be called before the first of them is.
    pub(super) fn expect(&self) {
        self.kept.state().flushes.insert(self.flush, Vec::new());
    }

    /// Whether the partitions were lost since.
    pub(super) fn is_lost(&self) -> bool {
        self.kept.state().losses != self.losses
    }
}

impl Drop for Handing<'_> {
    fn drop(&mut self) {
        self.kept.state().handing -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting(calls: &Arc<AtomicUsize>) -> Settled {
        let calls = calls.clone();
        Box::new(move || _ = calls.fetch_add(1, Ordering::Relaxed))
    }

    /// A flush that was handed over.
    fn flush(kept: &Kept) -> u64 {
        kept.read_of(3);
        let handing = kept.enter().expect("a partition is ours");
        assert!(handing.is_ours(3) && !handing.is_ours(4));
        handing.expect();
        assert!(!kept.is_idle());
        handing.flush
    }

    #[test]
    fn a_receipt_is_done_when_its_flush_is_whichever_comes_first() {
        let (kept, calls) = (Kept::new(), Arc::new(AtomicUsize::new(0)));
        assert!(kept.enter().is_none(), "nothing was read yet");
        let first = flush(&kept);
        assert!(kept.is_idle());
        assert!(kept.read_back(kept.by, first, counting(&calls)).is_ok());
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        kept.settled(first);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert!(kept.read_back(kept.by, first, counting(&calls)).is_ok());
        assert_eq!(calls.load(Ordering::Relaxed), 2);
        assert!(kept.state().flushes.is_empty(), "nothing is left of it");
        assert!(kept.read_back(kept.by, first, counting(&calls)).is_ok(), "the topic says it twice");
        assert_eq!(calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_others_kept_and_what_is_forgotten_is_read_from_the_store() {
        let (kept, calls) = (Kept::new(), Arc::new(AtomicUsize::new(0)));
        let first = flush(&kept);
        assert!(kept.read_back(Kept::new().by, first, counting(&calls)).is_err(), "of another process");
        assert!(kept.read_back(kept.by, first, counting(&calls)).is_ok());
        let handing = kept.enter().expect("a partition is ours");
        kept.close(false);
        assert!(kept.enter().is_none() && !handing.is_lost());
        kept.close(true);
        assert!(handing.is_lost(), "while it was handed over");
        drop(handing);
        kept.forget();
        assert!(kept.read_back(kept.by, first, counting(&calls)).is_err());
        kept.settled(first);
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        assert_ne!(flush(&kept), first, "numbers are not used twice");
    }
}
