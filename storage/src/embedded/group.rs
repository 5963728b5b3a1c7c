//! Group commit: writers that come while the disk syncs share the next sync.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The number of a commit; what it covers is durable once a sync began after it was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[derive(Default)]
struct State {
    drawn: u64,
    synced: u64,
    syncing: bool,
    last_start: Option<Instant>,
    failed: Option<String>,
}

/// The syncs of one journal.
pub(super) struct Group {
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

impl Group {
    /// At most one sync in each `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Group { interval, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole whenever the lock is given back, also by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no sync can be trusted any more, if one failed: what the disk holds since is unknown.
    pub(super) fn failed(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    /// Draws a ticket. To be called after the journal took the cells.
    pub(super) fn draw(&self) -> Ticket {
        let mut state = self.lock();
        state.drawn += 1;
        Ticket(state.drawn)
    }

    /// Returns once a sync that began after `ticket` was drawn has ended. One of the waiting threads calls `sync`.
    ///
    /// Errors: the cause of the first sync that failed; it stays that way.
    pub(super) fn wait(&self, ticket: Ticket, sync: impl Fn() -> Result<(), String>) -> Result<(), String> {
        let mut state = self.lock();
        loop {
            if let Some(cause) = &state.failed {
                return Err(cause.clone());
            }
            if state.synced >= ticket.0 {
                return Ok(());
            }
            if state.syncing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            drop(state);
            let led = Lead { group: self, done: false }.run(&sync);
            state = self.lock();
            led?;
        }
    }
}

/// The thread that syncs for the others; whatever becomes of it, the others go on.
struct Lead<'a> {
    group: &'a Group,
    done: bool,
}

impl Lead<'_> {
    fn run(mut self, sync: impl Fn() -> Result<(), String>) -> Result<(), String> {
        let pause =
            self.group.lock().last_start.map(|last| self.group.interval.saturating_sub(last.elapsed()));
        if let Some(pause) = pause.filter(|p| !p.is_zero()) {
            std::thread::sleep(pause);
        }
        let covers = {
            let mut state = self.group.lock();
            state.last_start = Some(Instant::now());
            state.drawn
        };
        let outcome = sync();
        let mut state = self.group.lock();
        match &outcome {
            Ok(()) => state.synced = state.synced.max(covers),
            Err(cause) => state.failed = Some(cause.clone()),
        }
        drop(state);
        self.done = true;
        outcome
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = self.group.lock();
        state.syncing = false;
        if !self.done && state.failed.is_none() {
            state.failed = Some("the syncing thread panicked".to_owned());
        }
        self.group.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn writers_that_come_during_a_sync_share_the_next() {
        let group = Group::new(Duration::ZERO);
        let syncs = AtomicU64::new(0);
        let (entered, drawn) = (Barrier::new(2), Barrier::new(2));
        let (group, syncs, entered, drawn) = (&group, &syncs, &entered, &drawn);
        std::thread::scope(|scope| {
            let first = group.draw();
            scope.spawn(move || {
                group.wait(first, || {
                    // The first sync takes until the other writers have drawn their tickets.
                    if syncs.fetch_add(1, Ordering::SeqCst) == 0 {
                        entered.wait();
                        drawn.wait();
                    }
                    Ok(())
                })
            });
            entered.wait();
            let tickets: Vec<Ticket> = (0..8).map(|_| group.draw()).collect();
            drawn.wait();
            for ticket in tickets {
                scope.spawn(move || {
                    group.wait(ticket, || {
                        syncs.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                });
            }
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_ticket_is_not_covered_by_a_sync_that_began_before_it() {
        let group = Group::new(Duration::ZERO);
        let late = Mutex::new(None);
        let first = group.draw();
        let begin_late = || {
            *late.lock().expect("lock") = Some(group.draw());
            Ok(())
        };
        group.wait(first, begin_late).expect("synced");
        let late = late.lock().expect("lock").take().expect("drawn");
        let syncs = AtomicU64::new(0);
        let count = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        group.wait(late, count).expect("synced");
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn after_a_failed_sync_nothing_is_durable_any_more() {
        let group = Group::new(Duration::ZERO);
        let first = group.draw();
        let failing = || Err("disk full".to_owned());
        assert_eq!(group.wait(first, failing), Err("disk full".to_owned()));
        assert_eq!(group.wait(first, || Ok(())), Err("disk full".to_owned()));
        let second = group.draw();
        assert_eq!(group.wait(second, || Ok(())), Err("disk full".to_owned()));
        assert_eq!(group.failed(), Some("disk full".to_owned()));
    }

    #[test]
    fn a_panic_while_syncing_is_a_failed_sync_for_the_others() {
        let group = Group::new(Duration::ZERO);
        let first = group.draw();
        let panicking = std::panic::AssertUnwindSafe(|| group.wait(first, || panic!("on purpose")));
        assert!(std::panic::catch_unwind(panicking).is_err());
        assert_eq!(group.wait(first, || Ok(())), Err("the syncing thread panicked".to_owned()));
    }
}
