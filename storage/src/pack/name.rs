//! The qualifier of a pack: `{hour}|{first}{last}|{hash}[|{node}]`.
//!
//! - `hour`: ten digits `YYYYMMDDHH` (UTC) of the earliest report, `0000000000` when no report has a time;
//! - `first`, `last`: eight lower-case hex digits each, microseconds since the start of that hour (all reports of a pack
//!   lie in one hour, which has 3.6 * 10^9 of them);
//! - `hash`: sixteen lower-case hex digits, XXH3-64 of the pack's text: the same pack is the same cell, and two
//!   contents under one identity are two cells;
//! - `node`: percent-encoded node name when every report of a large pack is of that node, empty for reports without.
//!
//! Qualifiers sort by time.

use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;

const HOUR: i64 = 3_600_000_000;

/// What a pack's qualifier says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackName {
    /// Times of the earliest and the latest report, `None` when none has a time.
    pub span: Option<(Timestamp, Timestamp)>,
    /// XXH3-64 of the text.
    pub hash: u64,
    /// The only node in the pack, when the pack is large and of one node; empty for reports without a node.
    pub node: Option<String>,
}

/// A qualifier that is not a pack's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{qualifier:?} is not the name of a pack: {why}")]
pub struct BadPackName {
    /// What was found.
    pub qualifier: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The hour a time lies in, counted from the epoch: reports of different hours never share a pack.
pub(crate) fn hour_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(HOUR)
}

/// Year, month and day of a day number since the epoch.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Day number since the epoch; source as above, `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `YYYYMMDDHH` of a time, in UTC: the hour part of pack names and of `unlinked` rows.
pub fn hour_text(time: Timestamp) -> String {
    let hour = hour_of(time);
    let (year, month, day) = civil_from_days(hour.div_euclid(24));
    let mut text = String::with_capacity(10);
    for two in [year.div_euclid(100), year.rem_euclid(100), month, day, hour.rem_euclid(24)] {
        text.extend([two / 10, two % 10].map(|digit| char::from(b'0' + (digit % 10) as u8)));
    }
    text
}

/// Appends the last `digits` hex digits of a number.
fn push_hex(text: &mut String, number: u64, digits: u32) {
    text.extend(
        (0..digits).rev().map(|at| char::from(b"0123456789abcdef"[(number >> (4 * at) & 15) as usize])),
    );
}

impl PackName {
    /// The qualifier.
    pub fn encode(&self) -> String {
        let (mut text, [first, last]) = match self.span {
            None => ("0000000000".to_owned(), [0; 2]),
            Some((first, last)) => {
                let begin = hour_of(first) * HOUR;
                (hour_text(first), [first, last].map(|time| (time.micros() - begin) as u64))
            }
        };
        text.reserve(34);
        text.push('|');
        push_hex(&mut text, first, 8);
        push_hex(&mut text, last, 8);
        text.push('|');
        push_hex(&mut text, self.hash, 16);
        if let Some(node) = &self.node {
            text.push('|');
            row_key::push_id(&mut text, node);
        }
        text
    }

    /// Reads a qualifier back.
    pub fn decode(qualifier: &str) -> Result<Self, BadPackName> {
        let bad = |why| BadPackName { qualifier: qualifier.to_owned(), why };
        let mut parts = qualifier.splitn(4, '|');
        let (Some(hour), Some(span), Some(hash)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("expected hour|first last|hash"));
        };
        let hex = |text: &str| {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if plain { u64::from_str_radix(text, 16).ok() } else { None }
        };
        if hour.len() != 10 || !hour.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("the hour is ten digits"));
        }
        if span.len() != 16 || hash.len() != 16 || !span.is_ascii() {
            return Err(bad("times and hash are sixteen hex digits each"));
        }
        let hash = hex(hash).ok_or_else(|| bad("the hash is not hexadecimal"))?;
        let (first, last) = span.split_at(8);
        let (Some(first), Some(last)) = (hex(first), hex(last)) else {
            return Err(bad("the times are not hexadecimal"));
        };
        let node = match parts.next() {
            None => None,
            Some(part) => {
                Some(row_key::decode_id(part).map_err(|_| bad("the node does not decode"))?.into_owned())
            }
        };
        let span = if hour == "0000000000" {
            None
        } else {
            let digits = |range: std::ops::Range<usize>| hour[range].parse::<i64>().unwrap_or(0);
            let (month, day, of_day) = (digits(4..6), digits(6..8), digits(8..10));
            if !(1..=12).contains(&month) || !(1..=31).contains(&day) || of_day > 23 {
                return Err(bad("the hour is not a date and hour"));
            }
            let begin = (days_from_civil(digits(0..4), month, day) * 24 + of_day) * HOUR;
            Some((Timestamp(begin + first as i64), Timestamp(begin + last as i64)))
        };
        Ok(PackName { span, hash, node })
    }

    /// Whether the pack can hold reports of `node` (`None`: reports without a node).
    pub fn may_hold(&self, node: Option<&str>) -> bool {
        self.node.as_deref().is_none_or(|only| only == node.unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(span: Option<(i64, i64)>, node: Option<&str>) -> String {
        let span = span.map(|(first, last)| (Timestamp(first), Timestamp(last)));
        let name = PackName { span, hash: 0xab, node: node.map(str::to_owned) };
        let text = name.encode();
        assert_eq!(PackName::decode(&text).as_ref(), Ok(&name));
        text
    }

    #[test]
    fn names_are_printable_and_come_back() {
        let at = 1_795_255_200_123_456; // 2026-11-21T10:00:00.123456Z
        assert_eq!(
            round_trip(Some((at, at + 1)), Some("pic|Process")),
            "2026112110|0001e2400001e241|00000000000000ab|pic%7CProcess"
        );
        assert_eq!(round_trip(None, None), "0000000000|0000000000000000|00000000000000ab");
        round_trip(Some((951_782_399_999_999, 951_782_399_999_999)), Some("")); // end of 2000-02-28
        round_trip(Some((951_868_799_999_999, 951_868_799_999_999)), None); // end of 2000-02-29
        round_trip(Some((4_102_444_799_999_999, 4_102_444_799_999_999)), None); // end of 2099
    }

    #[test]
    fn names_sort_by_time() {
        let times =
            [946_684_800_000_000, 1_795_255_200_000_000, 1_795_255_200_000_001, 1_795_258_800_000_000];
        let names = times.map(|time| round_trip(Some((time, time)), None));
        assert!(names.is_sorted());
    }

    #[test]
    fn other_qualifiers_are_refused() {
        for text in [
            "",
            "summary",
            "a|b|c",
            "2026112110|é000000000000000|00000000000000ab",
            "2026132110|0001e2400001e241|00000000000000ab",
        ] {
            assert!(PackName::decode(text).is_err(), "{text}");
        }
    }
}
