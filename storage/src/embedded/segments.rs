//! The segments of a store: which cells lie together, so that they can be dropped together.
//!
//! - `base`: cells that never expire. A store without retention has only this.
//! - `days.{first}.{end}`: cells that expire by a day in `first..end`, counted from 1970-01-01. One day each, wider if
//!   the retention is longer than [`DAILY_MAX`] days. Spans never overlap, so a day always means the same segment.
//! - `later`: cells that expire after tomorrow (clocks that run ahead). Their values are led by the time they expire
//!   by, so that they can be moved to their day when it comes.
//!
//! A cell that is written again may have moved on to a newer segment, where the newer value is: readers ask the newest
//! first.

use fjall::{AbstractTree, Keyspace};
use linkloom_schema::time::Timestamp;

use crate::cell::Table;
use crate::retention::{self, Retention};

/// Retention up to this many days has a segment for each day.
const DAILY_MAX: u32 = 40;
/// Day segments made while nobody has told what day it is; beyond, cells wait in `later`.
const UNDATED_MAX: usize = 48;

/// Name of the segment that never expires.
pub(super) const BASE: &str = "base";
/// Name of the segment for what expires after tomorrow.
pub(super) const LATER: &str = "later";

/// Which cells a segment holds; ordered from oldest to newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    /// Cells that never expire.
    Base,
    /// Cells that expire by a day in `first..end`.
    Days { first: i64, end: i64 },
    /// Cells that expire after tomorrow.
    Later,
}

impl Span {
    pub(super) fn name(self) -> String {
        match self {
            Span::Base => BASE.to_owned(),
            Span::Later => LATER.to_owned(),
            Span::Days { first, end } => format!("days.{first}.{end}"),
        }
    }

    /// The span a name stands for.
    pub(super) fn parse(name: &str) -> Option<Span> {
        match name {
            BASE => Some(Span::Base),
            LATER => Some(Span::Later),
            _ => {
                let (first, end) = name.strip_prefix("days.")?.split_once('.')?;
                let (first, end) = (first.parse().ok()?, end.parse().ok()?);
                (first < end).then_some(Span::Days { first, end })
            }
        }
    }

    /// Whether nothing in it is kept when `horizon_day` is the first day that is.
    pub(super) fn is_past(self, horizon_day: i64) -> bool {
        matches!(self, Span::Days { end, .. } if end <= horizon_day)
    }
}

/// One segment.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) span: Span,
    pub(super) keyspace: Keyspace,
}

impl Segment {
    /// Whether cells wait in memory to be written to tables.
    pub(super) fn is_buffering(&self) -> bool {
        let tree = &self.keyspace.tree;
        tree.active_memtable().size() > 0 || tree.sealed_memtable_count() > 0
    }
}

/// All segments, newest first.
#[derive(Clone, Default)]
pub(super) struct Segments(Vec<Segment>);

impl Segments {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Segment> {
        self.0.iter()
    }

    /// Those that can hold cells of `table`.
    pub(super) fn may_hold(&self, table: Table) -> impl Iterator<Item = &Segment> {
        self.0.iter().filter(move |s| table != Table::Meta || s.span == Span::Base)
    }

    pub(super) fn get(&self, span: Span) -> Option<&Segment> {
        self.0.iter().find(|s| s.span == span)
    }

    /// These and one more.
    pub(super) fn with(&self, segment: Segment) -> Segments {
        let mut all = self.0.clone();
        all.push(segment);
        all.sort_by_key(|s| std::cmp::Reverse(s.span));
        Segments(all)
    }

    /// These without some; and those.
    pub(super) fn split(&self, goes: impl Fn(&Segment) -> bool) -> (Segments, Segments) {
        let (gone, stay) = self.0.iter().cloned().partition(goes);
        (Segments(stay), Segments(gone))
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.iter().map(|s| s.span)
    }
}

/// What the store knows of the time: decides where cells go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) retention: Retention,
    /// The newest day `expire` has finished with.
    pub(super) today: Option<i64>,
    /// First day that is kept.
    pub(super) horizon_day: Option<i64>,
}

/// Where a cell goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Into the segment of this span, to be made if there is none.
    In(Span),
    /// Nowhere: it has expired.
    Gone,
}

impl Window {
    /// The place of a cell that expires by `expires_by`, with the segments there are.
    pub(super) fn place(&self, expires_by: Option<Timestamp>, segments: &Segments) -> Place {
        self.place_among(expires_by, || segments.spans())
    }

    fn place_among<I: Iterator<Item = Span>>(
        &self,
        expires_by: Option<Timestamp>,
        spans: impl Fn() -> I,
    ) -> Place {
        let (Some(time), Retention::Days(days)) = (expires_by, self.retention) else {
            return Place::In(Span::Base);
        };
        let day = retention::day_of(time);
        if self.horizon_day.is_some_and(|horizon| day < horizon) {
            return Place::Gone;
        }
        if self.today.is_some_and(|today| day > today + 1) {
            return Place::In(Span::Later);
        }
        let holds_day =
            |span: &Span| matches!(span, Span::Days { first, end } if (*first..*end).contains(&day));
        if let Some(span) = spans().find(holds_day) {
            return Place::In(span);
        }
        if self.today.is_none() && spans().count() >= UNDATED_MAX {
            return Place::In(Span::Later);
        }
        let width = i64::from(days.div_ceil(DAILY_MAX));
        let mut first = day.div_euclid(width) * width;
        let mut end = first + width;
        for span in spans() {
            if let Span::Days { first: other_first, end: other_end } = span {
                if other_end <= day {
                    first = first.max(other_end);
                } else {
                    end = end.min(other_first);
                }
            }
        }
        Place::In(Span::Days { first, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Option<Timestamp> {
        Some(Timestamp(retention::start_of(day).micros() + 1))
    }

    fn days(first: i64, end: i64) -> Place {
        Place::In(Span::Days { first, end })
    }

    #[test]
    fn without_retention_everything_is_in_one_segment() {
        let window = Window { retention: Retention::Forever, today: None, horizon_day: None };
        assert_eq!(window.place_among(day(100), std::iter::empty), Place::In(Span::Base));
        assert_eq!(window.place_among(None, std::iter::empty), Place::In(Span::Base));
    }

    #[test]
    fn a_day_has_its_segment_between_the_horizon_and_tomorrow() {
        let window = Window { retention: Retention::Days(7), today: Some(100), horizon_day: Some(93) };
        for (at, want) in [
            (None, Place::In(Span::Base)),
            (day(92), Place::Gone),
            (day(93), days(93, 94)),
            (day(101), days(101, 102)),
            (day(102), Place::In(Span::Later)),
            (Some(Timestamp(i64::MAX)), Place::In(Span::Later)),
            (Some(Timestamp(i64::MIN)), Place::Gone),
        ] {
            assert_eq!(window.place_among(at, std::iter::empty), want, "{at:?}");
        }
    }

    #[test]
    fn long_retention_has_wider_segments_that_never_overlap() {
        let window = Window { retention: Retention::Days(365), today: Some(1000), horizon_day: Some(635) };
        assert_eq!(window.place_among(day(995), std::iter::empty), days(990, 1000));
        // Segments made under a shorter retention stay what they are.
        let there = || [Span::Days { first: 992, end: 993 }, Span::Days { first: 996, end: 997 }].into_iter();
        assert_eq!(window.place_among(day(994), there), days(993, 996));
        assert_eq!(window.place_among(day(996), there), days(996, 997));
        assert_eq!(window.place_among(day(999), there), days(997, 1000));
    }

    #[test]
    fn without_a_clock_the_number_of_segments_is_bounded() {
        let window = Window { retention: Retention::Days(7), today: None, horizon_day: None };
        let many = || (0..UNDATED_MAX as i64).map(|d| Span::Days { first: d, end: d + 1 });
        assert_eq!(window.place_among(day(500), std::iter::empty), days(500, 501));
        assert_eq!(window.place_among(day(5), many), days(5, 6));
        assert_eq!(window.place_among(day(500), many), Place::In(Span::Later));
    }

    #[test]
    fn names_and_spans_stand_for_each_other() {
        for span in [Span::Base, Span::Later, Span::Days { first: -3, end: 4 }] {
            assert_eq!(Span::parse(&span.name()), Some(span));
        }
        for name in ["", "days", "days.1", "days.2.2", "days.a.b", "other"] {
            assert_eq!(Span::parse(name), None, "{name}");
        }
    }
}
