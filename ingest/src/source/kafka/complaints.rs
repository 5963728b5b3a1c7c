//! What is wrong with a broker, said once in a while: librdkafka tells it at every try.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The same trouble is said this often.
const AGAIN: Duration = Duration::from_secs(30);
/// Troubles remembered.
const REMEMBERED_MAX: usize = 32;

/// Troubles that were said, and when.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    said: BTreeMap<String, Instant>,
}

impl Complaints {
    /// Says what is wrong, unless it was said just now.
    pub(super) fn say(&mut self, brokers: &str, why: &str) {
        if self.is_news(why, Instant::now()) {
            tracing::warn!("kafka at {brokers}: {why}");
        }
    }

    fn is_news(&mut self, why: &str, now: Instant) -> bool {
        // `... failed: Connection refused (after 3ms in state CONNECT, 2 identical error(s) suppressed)`
        let trouble = why.split(" (after ").next().unwrap_or(why);
        if self.said.get(trouble).is_some_and(|at| now < *at + AGAIN) {
            return false;
        }
        if self.said.len() >= REMEMBERED_MAX {
            self.said.clear();
        }
        self.said.insert(trouble.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_no_news_for_a_while() {
        let mut complaints = Complaints::default();
        let now = Instant::now();
        let refused =
            |ms: u32| format!("b:1: Connect failed: Connection refused (after {ms}ms in state CONNECT)");
        assert!(complaints.is_news(&refused(0), now));
        assert!(complaints.is_news("2/2 brokers are down", now));
        assert!(!complaints.is_news(&refused(7), now + AGAIN / 2));
        assert!(complaints.is_news(&refused(7), now + AGAIN));
        for number in 0..10 * REMEMBERED_MAX {
            assert!(complaints.is_news(&format!("trouble {number}"), now));
            assert!(complaints.said.len() <= REMEMBERED_MAX);
        }
    }
}
