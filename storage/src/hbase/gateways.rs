//! Which gateway to connect to: those that failed lately are left alone for a while, which grows with each failure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::Failure;

/// The pause after the first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
struct State {
    failures: u32,
    /// Not to be tried before.
    until: Option<Instant>,
}

/// All gateways of a store, shared by its connections.
pub(super) struct Gateways {
    addresses: Vec<String>,
    states: Mutex<Vec<State>>,
}

/// What to do about a missing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Connect to this one.
    Try(usize),
    /// All failed lately: wait so long, then ask again.
    Wait(Duration),
}

impl Gateways {
    pub(super) fn new(addresses: Vec<String>) -> Self {
        let states = Mutex::new(vec![State::default(); addresses.len()]);
        Gateways { addresses, states }
    }

    pub(super) fn address(&self, gateway: usize) -> &str {
        &self.addresses[gateway]
    }

    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The first of the gateways from `home` on that may be tried and is not in `tried`.
    pub(super) fn next(&self, home: usize, tried: &[(usize, Failure)], now: Instant) -> Option<Next> {
        let states = self.states();
        let rest = (0..states.len()).map(|step| (home + step) % states.len());
        let rest: Vec<usize> = rest.filter(|at| tried.iter().all(|(tried, _)| tried != at)).collect();
        let pause = |at: &usize| {
            states[*at].until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
        };
        if let Some(ready) = rest.iter().find(|at| pause(at).is_zero()) {
            return Some(Next::Try(*ready));
        }
        // Only when nothing at all was tried is a pause waited for: else there is a failure to tell already.
        if !tried.is_empty() {
            return None;
        }
        rest.iter().map(pause).min().map(Next::Wait)
    }

    /// Whether a gateway is well, as far as is known.
    pub(super) fn is_well(&self, gateway: usize, now: Instant) -> bool {
        self.states()[gateway].until.is_none_or(|until| until <= now)
    }

    /// A gateway answered.
    pub(super) fn answered(&self, gateway: usize) {
        self.states()[gateway] = State::default();
    }

    /// A gateway could not be connected to, or did not answer. `random` is from 0 to 1: connections that lost the same
    /// gateway do not come back all at once.
    pub(super) fn failed(&self, gateway: usize, now: Instant, random: f64) {
        let mut states = self.states();
        let state = &mut states[gateway];
        // Several connections lose the same gateway at the same moment: that is one failure.
        if state.until.is_some_and(|until| until > now) {
            return;
        }
        let pause = PAUSE_MIN.saturating_mul(1 << state.failures.min(16)).min(PAUSE_MAX);
        state.failures += 1;
        state.until = Some(now + pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0));
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Gateways {
        Gateways::new(["a", "b", "c"].map(str::to_owned).to_vec())
    }

    fn lost() -> Failure {
        Failure::Lost { why: "gone".to_owned(), late: false }
    }

    #[test]
    fn the_next_gateway_takes_over_and_then_there_is_none() {
        let (gateways, now) = (three(), Instant::now());
        assert_eq!(gateways.next(1, &[], now), Some(Next::Try(1)));
        gateways.failed(1, now, 1.0);
        assert_eq!(gateways.next(1, &[(1, lost())], now), Some(Next::Try(2)));
        assert_eq!(gateways.next(1, &[], now), Some(Next::Try(2)), "known to be ill");
        gateways.failed(2, now, 1.0);
        gateways.failed(0, now, 0.0);
        assert_eq!(gateways.next(1, &[(2, lost())], now), None);
        assert_eq!(gateways.next(1, &[], now), Some(Next::Wait(PAUSE_MIN / 2)), "the shortest pause");
        assert_eq!(gateways.next(1, &[], now + PAUSE_MIN), Some(Next::Try(1)));
        gateways.answered(1);
        assert!(gateways.is_well(1, now) && !gateways.is_well(2, now));
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let gateways = three();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            gateways.failed(0, now, 1.0);
            gateways.failed(0, now, 1.0);
            let until = gateways.states()[0].until.expect("a pause");
            pauses.push((until - now).as_millis());
            now = until;
        }
        assert_eq!(pauses[..4], [50, 100, 200, 400]);
        assert_eq!(pauses[11], PAUSE_MAX.as_millis());
    }
}
