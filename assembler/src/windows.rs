//! The windows of one shard and their timers. Pure: the time is an argument, what to do comes back as a list.

use std::collections::VecDeque;

use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::flush::{Owner, RowDigest, RowId};
use rustc_hash::FxHashMap;

use crate::catch_up::{LONGER, is_long_ago};
use crate::settings::WindowSettings;
use crate::summarise::Hinted;
use crate::window::Window;

/// The two clocks windows live by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds of the wall clock since some fixed instant; never goes back.
    pub wall_ms: u64,
    /// Event time that all partitions which are not idle have reached.
    pub watermark: Option<Timestamp>,
    /// The present, where it is known: nobody waits for the summaries of what was long ago.
    pub now: Option<Timestamp>,
}

/// Unless nothing came for so many delays: then all of it is caught up on.
const QUIET: u64 = 3;
/// The first summary of a new window is due in this part of the delay: lists show an execution soon after it began.
const SOONER: u64 = 4;
/// The queues of what is due: first summaries, further ones, and those of what is caught up on.
const NEW: usize = 0;
const KNOWN: usize = 1;
const LONG_AGO: usize = 2;

/// How much of the execution a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// What came since it was opened; there may be more in the store, or spilled.
    Unknown,
    /// Everything that is stored.
    Whole,
    /// It can only be summed up from the store: reports joined by trace id, or two contents under one identity.
    Store,
}

#[derive(Debug)]
struct Slot {
    window: Window,
    base: Base,
    opened_ms: u64,
    touched_ms: u64,
    /// Flushes whose reports are in the window and not yet in a written summary; empty: clean.
    pending: Vec<u64>,
    /// When the summary is due, while anything is pending.
    due_ms: u64,
    /// What came last was of long ago.
    long_ago: bool,
    hinted: Hinted,
    terminal: bool,
    /// No summary was written since it was opened.
    is_new: bool,
    bytes: usize,
}

impl Slot {
    fn new(mark: LinkMark, clock: Clock) -> Self {
        Slot {
            window: Window::new(mark),
            base: Base::Unknown,
            opened_ms: clock.wall_ms,
            touched_ms: clock.wall_ms,
            pending: Vec::new(),
            due_ms: 0,
            long_ago: false,
            hinted: Hinted::default(),
            terminal: false,
            is_new: true,
            bytes: 0,
        }
    }
}

/// What a sweep takes out of memory.
#[derive(Debug, Default)]
pub struct Swept {
    /// Closed: idle, ended or too old. The store has all of it.
    pub closed: usize,
    /// To be spilled: memory is short. They are whole and clean.
    pub spill: Vec<(RowId, Window)>,
    /// These are not clean, and either memory is short or nothing more is expected of them: sum them up now.
    pub force: Vec<RowId>,
}

/// All open windows of one shard.
#[derive(Debug)]
pub struct Windows {
    settings: WindowSettings,
    slots: FxHashMap<RowId, Slot>,
    /// Windows that became dirty, oldest first, with the time their summary is due. All in a queue wait equally long.
    due: [VecDeque<(u64, RowId)>; 3],
    /// When anything came last.
    touched_ms: u64,
    bytes: usize,
    next_sweep_ms: u64,
}

/// Memory of a slot beside its window, in bytes.
const SLOT_BYTES: usize = 160;

impl Windows {
    /// No windows.
    pub fn new(settings: WindowSettings) -> Self {
        Windows {
            settings,
            slots: FxHashMap::default(),
            due: Default::default(),
            touched_ms: 0,
            bytes: 0,
            next_sweep_ms: 0,
        }
    }

    /// Number of open windows.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no window is open.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Merges what flush `flush` held of one execution; digests of other rows are ignored. Returns the trace ids that
    /// are new to the window.
    pub fn absorb(&mut self, digest: RowDigest, flush: u64, clock: Clock) -> Vec<String> {
        let Owner::Execution(mark) = &digest.owner else { return Vec::new() };
        let id = digest.id;
        let long_ago = digest.span.zip(clock.now).is_some_and(|((_, last), now)| is_long_ago(last, now));
        let slot = self.slots.entry(id).or_insert_with(|| Slot::new(mark.clone(), clock));
        let new_traces = slot.window.absorb(digest);
        self.touch(id, flush, clock, long_ago);
        new_traces
    }

    /// Flush `flush` held a report that joins an execution by its trace id.
    pub fn join(&mut self, id: RowId, mark: LinkMark, flush: u64, clock: Clock) {
        self.slots.entry(id).or_insert_with(|| Slot::new(mark, clock));
        self.touch(id, flush, clock, false);
    }

    /// From now on an execution is only summed up from the store.
    pub fn only_from_store(&mut self, id: RowId) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.base = Base::Store;
        }
    }

    fn touch(&mut self, id: RowId, flush: u64, clock: Clock, long_ago: bool) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.touched_ms = clock.wall_ms;
        slot.long_ago = long_ago;
        self.touched_ms = clock.wall_ms;
        let (queue, delay) = match (long_ago, slot.is_new) {
            (false, true) => (NEW, self.settings.summary_delay_ms / SOONER),
            (false, false) => (KNOWN, self.settings.summary_delay_ms),
            (true, _) => (LONG_AGO, self.settings.summary_delay_ms * u64::from(LONGER)),
        };
        let at = clock.wall_ms + delay;
        if slot.pending.is_empty() || at < slot.due_ms {
            slot.due_ms = at;
            self.due[queue].push_back((at, id));
        }
        if !slot.pending.contains(&flush) {
            slot.pending.push(flush);
        }
        account(&mut self.bytes, slot);
    }

    /// Takes the executions whose summary is due, oldest change first, at most `most`. Each must be answered by
    /// [`Windows::written`] or [`Windows::retry`].
    pub fn take_due(&mut self, clock: Clock, most: usize) -> Vec<RowId> {
        let mut ids = Vec::new();
        let quiet_ms = self.quiet_ms();
        for (due, quiet_ms) in self.due.iter_mut().zip([u64::MAX, u64::MAX, quiet_ms]) {
            while ids.len() < most {
                match due.front() {
                    Some(&(at, id)) if at.min(quiet_ms) <= clock.wall_ms => {
                        due.pop_front();
                        // Summed up early meanwhile, or gone: nothing is pending then.
                        if self.slots.get(&id).is_some_and(|slot| !slot.pending.is_empty()) {
                            ids.push(id);
                        }
                    }
                    _ => break,
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// From when on nothing more is caught up on, if nothing more comes.
    fn quiet_ms(&self) -> u64 {
        self.touched_ms + QUIET * self.settings.summary_delay_ms
    }

    /// Milliseconds of the wall clock at which something is to be done next.
    pub fn next_ms(&self) -> u64 {
        let due = self.due.iter().zip([u64::MAX, u64::MAX, self.quiet_ms()]);
        let due = due.filter_map(|(due, quiet_ms)| due.front().map(|&(at, _)| at.min(quiet_ms)));
        due.fold(self.next_sweep_ms, u64::min)
    }

    /// The window of an execution, how much it holds, and the hint that was written of it.
    pub fn window(&mut self, id: RowId) -> Option<(&mut Window, Base, &mut Hinted)> {
        self.slots.get_mut(&id).map(|slot| (&mut slot.window, slot.base, &mut slot.hinted))
    }

    /// What the store or the spill had of an execution is merged now: the window is whole.
    pub fn completed(&mut self, id: RowId, rest: Option<&Window>) {
        if let Some(slot) = self.slots.get_mut(&id) {
            if let Some(rest) = rest {
                slot.window.merge(rest);
            }
            if slot.base == Base::Unknown {
                slot.base = Base::Whole;
            }
            account(&mut self.bytes, slot);
        }
    }

    /// The summary of an execution is durable. Returns the flushes it was waited for.
    pub fn written(&mut self, id: RowId, terminal: bool) -> Vec<u64> {
        let Some(slot) = self.slots.get_mut(&id) else { return Vec::new() };
        slot.terminal = terminal;
        slot.is_new = false;
        account(&mut self.bytes, slot);
        std::mem::take(&mut slot.pending)
    }

    /// The summary of an execution could not be written now: it is due again after the delay.
    pub fn retry(&mut self, id: RowId, clock: Clock) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.hinted = Hinted::default();
        }
        // Never at once: who takes what is due until nothing is left would not come to an end.
        self.due[KNOWN].push_back((clock.wall_ms + self.settings.summary_delay_ms.max(1), id));
    }

    /// Closes what is idle, ended or too old, and says what to spill; does nothing before its time has come.
    pub fn sweep(&mut self, clock: Clock) -> Swept {
        let mut swept = Swept::default();
        if clock.wall_ms < self.next_sweep_ms && self.bytes <= self.settings.memory_bytes_max {
            return swept;
        }
        self.next_sweep_ms = clock.wall_ms + self.settings.sweep_ms;
        let (settings, bytes) = (&self.settings, &mut self.bytes);
        self.slots.retain(|&id, slot| {
            let keep = !slot.pending.is_empty() || !is_over(slot, settings, clock);
            let is_dirty = !slot.pending.is_empty();
            if is_dirty && slot.long_ago && is_silent(slot, settings.terminal_gap_ms, clock) {
                // Event time runs ahead of the wall clock: it is over long before its summary is due.
                swept.force.push(id);
            }
            if !keep {
                *bytes -= slot.bytes;
                swept.closed += 1;
            }
            keep
        });
        if self.bytes > self.settings.memory_bytes_max {
            self.spill(&mut swept);
        }
        swept
    }

    /// Takes out the windows not touched for longest until a tenth of the memory is free again.
    fn spill(&mut self, swept: &mut Swept) {
        let mut by_age: Vec<(u64, RowId)> =
            self.slots.iter().map(|(id, slot)| (slot.touched_ms, *id)).collect();
        by_age.sort_unstable();
        let target = self.settings.memory_bytes_max - self.settings.memory_bytes_max / 10;
        let mut expected = self.bytes;
        for (_, id) in by_age {
            if expected <= target {
                break;
            }
            let Some(slot) = self.slots.get(&id) else { continue };
            expected -= slot.bytes;
            if !slot.pending.is_empty() {
                swept.force.push(id);
            } else if let Some(slot) = self.slots.remove(&id) {
                self.bytes -= slot.bytes;
                // What is not whole can be read from the store again; what is whole is cheaper to keep.
                if slot.base == Base::Whole {
                    swept.spill.push((id, slot.window));
                }
            }
        }
    }

    /// Forgets every window; returns the flushes that are not summed up.
    pub fn forget(&mut self) -> Vec<u64> {
        let mut unsettled: Vec<u64> = self.slots.drain().flat_map(|(_, slot)| slot.pending).collect();
        unsettled.sort_unstable();
        unsettled.dedup();
        self.due = Default::default();
        self.bytes = 0;
        unsettled
    }

    /// Every execution with a summary still to be written, whether due or not.
    pub fn take_all_dirty(&mut self) -> Vec<RowId> {
        self.due = Default::default();
        let mut ids: Vec<RowId> =
            self.slots.iter().filter(|(_, slot)| !slot.pending.is_empty()).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }
}

/// Brings the memory held up to date with what a slot holds now.
fn account(total: &mut usize, slot: &mut Slot) {
    let now = slot.window.bytes() + slot.pending.capacity() * 8 + SLOT_BYTES;
    *total = *total + now - slot.bytes;
    slot.bytes = now;
}

/// Whether a clean window may be closed.
fn is_over(slot: &Slot, settings: &WindowSettings, clock: Clock) -> bool {
    let gap_ms = if slot.terminal { settings.terminal_gap_ms } else { settings.idle_gap_ms };
    is_silent(slot, gap_ms, clock)
        || clock.wall_ms >= slot.touched_ms.saturating_add(gap_ms)
        || clock.wall_ms >= slot.opened_ms.saturating_add(settings.age_max_ms)
}

/// Whether nothing came for so long, by event time.
fn is_silent(slot: &Slot, gap_ms: u64, clock: Clock) -> bool {
    match (clock.watermark, slot.window.last()) {
        (Some(watermark), Some(last)) => watermark >= last.plus_micros(gap_ms.saturating_mul(1_000) as i64),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_255_200_000_000;

    fn settings() -> WindowSettings {
        WindowSettings {
            summary_delay_ms: 500,
            idle_gap_ms: 30_000,
            terminal_gap_ms: 5_000,
            age_max_ms: 100_000,
            memory_bytes_max: 1 << 20,
            sweep_ms: 500,
        }
    }

    fn digest(execution: u32, last_ms: i64) -> RowDigest {
        let mark = LinkMark::new("content-1", "realtime-input", &execution.to_string()).expect("valid ids");
        let at = Timestamp(START + last_ms * 1_000);
        RowDigest {
            id: RowId::of(mark.as_ref()),
            owner: Owner::Execution(mark),
            span: Some((at, at)),
            traces: Vec::new(),
            records: vec![0; 1_000],
            logs: Vec::new(),
        }
    }

    fn at(wall_ms: u64, watermark_ms: Option<i64>) -> Clock {
        Clock { wall_ms, watermark: watermark_ms.map(|ms| Timestamp(START + ms * 1_000)), now: None }
    }

    /// Windows with execution 1 summed up at wall time 500, its latest report at event time 0.
    fn one_clean(terminal: bool) -> (Windows, RowId) {
        let mut windows = Windows::new(settings());
        let digest = digest(1, 0);
        windows.absorb(digest.clone(), 7, at(0, None));
        assert!(windows.take_due(at(124, None), 10).is_empty());
        assert_eq!(windows.take_due(at(125, None), 10), [digest.id], "the first summary comes sooner");
        windows.completed(digest.id, None);
        assert_eq!(windows.written(digest.id, terminal), [7]);
        (windows, digest.id)
    }

    #[test]
    fn a_change_is_summed_up_once_after_the_delay() {
        let (mut windows, id) = one_clean(false);
        assert!(windows.take_due(at(10_000, None), 10).is_empty());
        windows.absorb(digest(1, 0), 8, at(10_000, None));
        windows.absorb(digest(1, 0), 9, at(10_400, None));
        assert_eq!(windows.take_due(at(10_500, None), 10), [id]);
        assert_eq!(windows.written(id, false), [8, 9]);
    }

    #[test]
    fn what_was_long_ago_waits_longer_unless_the_present_comes() {
        let mut windows = Windows::new(settings());
        let now = |wall_ms: u64, now_ms: i64| Clock {
            now: Some(Timestamp(START + now_ms * 1_000)),
            ..at(wall_ms, None)
        };
        let (old, present) = (digest(1, 0), digest(2, 0));
        windows.absorb(old.clone(), 7, now(0, 60_001));
        windows.absorb(present.clone(), 7, now(0, 60_000));
        assert_eq!(windows.next_ms(), 0, "the first sweep");
        windows.sweep(now(0, 60_001));
        assert_eq!(windows.take_due(now(500, 60_501), 10), [present.id]);
        windows.written(present.id, false);
        // More is caught up on meanwhile.
        for wall_ms in [1_000, 2_000, 3_000, 4_000] {
            windows.absorb(digest(2, 0), 7, now(wall_ms, 60_001 + wall_ms as i64));
        }
        assert!(windows.take_due(now(4_999, 65_000), 10).is_empty());
        assert_eq!(windows.take_due(now(5_000, 65_001), 10), [old.id]);
        assert!(windows.take_due(now(5_499, 65_500), 10).is_empty());
        assert_eq!(windows.take_due(now(5_500, 65_501), 10), [digest(2, 0).id], "nothing came since 4,000");
        windows.written(digest(2, 0).id, false);
        windows.written(old.id, false);
        windows.absorb(old.clone(), 8, now(6_000, 66_001));
        windows.absorb(digest(1, 66_000), 9, now(6_100, 66_101));
        assert_eq!(
            windows.take_due(now(6_600, 66_601), 10),
            [old.id],
            "the present does not wait for the past"
        );
        assert_eq!(windows.written(old.id, false), [8, 9]);
        assert!(windows.take_due(now(20_000, 80_001), 10).is_empty(), "it was summed up already");
    }

    #[test]
    fn what_was_long_ago_and_is_over_by_the_watermark_does_not_wait() {
        let mut windows = Windows::new(settings());
        let now = |wall_ms: u64, watermark_ms| Clock {
            now: Some(Timestamp(START + 100_000_000)),
            ..at(wall_ms, Some(watermark_ms))
        };
        let (over, goes_on) = (digest(1, 0), digest(2, 4_000));
        windows.absorb(over.clone(), 7, now(0, 0));
        windows.absorb(goes_on, 7, now(0, 0));
        assert!(windows.sweep(now(500, 4_999)).force.is_empty());
        assert_eq!(windows.sweep(now(1_000, 5_000)).force, [over.id]);
        assert_eq!(windows.written(over.id, true), [7]);
        let swept = windows.sweep(now(1_500, 5_000));
        assert_eq!((swept.closed, swept.force.len()), (1, 0));
    }

    #[test]
    fn a_silent_window_closes_by_the_watermark_or_by_the_wall_clock_and_an_ended_one_sooner() {
        let closed = |terminal, clock| {
            let (mut windows, _) = one_clean(terminal);
            windows.sweep(clock).closed
        };
        assert_eq!(closed(false, at(1_000, Some(29_999))), 0);
        assert_eq!(closed(false, at(1_000, Some(30_000))), 1, "idle gap by the watermark");
        assert_eq!(closed(false, at(29_999, None)), 0);
        assert_eq!(closed(false, at(30_000, None)), 1, "idle gap by the wall clock when input stops");
        assert_eq!(closed(true, at(1_000, Some(4_999))), 0);
        assert_eq!(closed(true, at(1_000, Some(5_000))), 1, "terminal nodes");
    }

    #[test]
    fn a_window_that_is_always_busy_closes_at_the_maximum_age() {
        let (mut windows, id) = one_clean(false);
        for wall_ms in (10_000..=100_000).step_by(10_000) {
            windows.absorb(digest(1, wall_ms as i64), 8, at(wall_ms, None));
            assert_eq!(windows.sweep(at(wall_ms, None)).closed, 0, "not while a summary is to be written");
            windows.written(id, false);
        }
        assert_eq!(windows.sweep(at(100_600, None)).closed, 1);
    }

    #[test]
    fn short_memory_spills_what_was_not_touched_for_longest_and_forces_what_is_dirty() {
        let mut windows = Windows::new(settings());
        for execution in 0..2_000 {
            windows.absorb(digest(execution, 0), 1, at(u64::from(execution), None));
        }
        assert!(windows.bytes() > 1 << 20);
        let dirty = windows.sweep(at(2_000, None));
        assert!(
            dirty.spill.is_empty() && dirty.force.contains(&digest(0, 0).id),
            "the oldest must be summed up first"
        );
        for id in dirty.force {
            windows.completed(id, None);
            windows.written(id, false);
        }
        let clean = windows.sweep(at(2_001, None));
        assert!(clean.spill.iter().any(|(id, _)| *id == digest(0, 0).id));
        assert!(windows.bytes() <= 1 << 20, "{}", windows.bytes());
        assert!(windows.window(digest(1_999, 0).id).is_some(), "the youngest stay");
        assert_eq!(windows.len() + clean.spill.len(), 2_000);
    }

    #[test]
    fn memory_is_accounted_to_the_byte() {
        let (mut windows, _) = one_clean(true);
        windows.absorb(digest(2, 0), 8, at(600, None));
        windows.written(digest(2, 0).id, true);
        assert!(windows.bytes() > 0);
        windows.sweep(at(1_000_000, None));
        assert_eq!((windows.len(), windows.bytes()), (0, 0));
    }
}
