//! Row marks: a key for each `link` row in each day segment, so that reading a row asks the segments' filters instead
//! of seeking in every one. An execution lies in a day or two of many.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxBuildHasher;

use super::segments::{Segment, Span};
use crate::key;

/// Marks remembered as written, in each of two generations; what is forgotten is written once more.
const REMEMBERED: usize = 32 * 1024;
/// Day segments from which on asking for marks is cheaper than seeking.
pub(super) const WORTH_ASKING: usize = 3;

/// 128 bits, because a row taken for another would be read as absent.
type Digest = u128;

#[derive(Default)]
struct Generations {
    young: HashSet<Digest, FxBuildHasher>,
    old: HashSet<Digest, FxBuildHasher>,
}

/// Which marks are already in the journal.
#[derive(Default)]
pub(super) struct Marks(Mutex<Generations>);

impl Marks {
    /// The digest of a row in a segment, if its mark has to be written.
    pub(super) fn missing(&self, span: Span, mark: &[u8]) -> Option<Digest> {
        let Span::Days { first, .. } = span else { return None };
        let digest = xxhash_rust::xxh3::xxh3_128_with_seed(mark, first as u64);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!known.young.contains(&digest) && !known.old.contains(&digest)).then_some(digest)
    }

    /// Remembers marks; to be called once they are committed.
    pub(super) fn written(&self, digests: impl IntoIterator<Item = Digest>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in digests {
            if known.young.len() >= REMEMBERED {
                known.old = std::mem::take(&mut known.young);
            }
            known.young.insert(digest);
        }
    }
}

/// Leaves out the day segments that have no cell of a `link` row.
pub(super) fn holding<'a>(segments: Vec<&'a Segment>, row: &str) -> Result<Vec<&'a Segment>, fjall::Error> {
    let is_days = |s: &&Segment| matches!(s.span, Span::Days { .. });
    if segments.iter().copied().filter(|s| is_days(s)).count() < WORTH_ASKING {
        return Ok(segments);
    }
    let mark = key::row_mark(row);
    let mut holding = Vec::with_capacity(segments.len());
    for segment in segments {
        if !is_days(&segment) || segment.keyspace.contains_key(&mark)? {
            holding.push(segment);
        }
    }
    Ok(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Span = Span::Days { first: 20_000, end: 20_001 };
    const NEXT: Span = Span::Days { first: 20_001, end: 20_002 };

    #[test]
    fn a_mark_is_missing_until_it_is_written_in_its_segment() {
        let marks = Marks::default();
        let digest = marks.missing(DAY, b"l1").expect("missing");
        assert_eq!(marks.missing(DAY, b"l1"), Some(digest));
        marks.written([digest]);
        assert_eq!(marks.missing(DAY, b"l1"), None);
        assert!(marks.missing(DAY, b"l2").is_some());
        assert!(marks.missing(NEXT, b"l1").is_some());
        assert_eq!(marks.missing(Span::Base, b"l1"), None);
        assert_eq!(marks.missing(Span::Later, b"l1"), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let marks = Marks::default();
        for i in 0..5 * REMEMBERED {
            marks.written(marks.missing(DAY, &i.to_be_bytes()));
        }
        let known = marks.0.lock().expect("lock");
        assert!(known.young.len() + known.old.len() <= 2 * REMEMBERED);
        assert!(known.old.len() == REMEMBERED);
    }
}
