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

use linkloom_schema::hour::Hour;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;

/// The hour of packs in which no report has a time.
const UNTIMED: &str = "0000000000";

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
            None => (UNTIMED.to_owned(), [0; 2]),
            Some((first, last)) => {
                let hour = Hour::of(first);
                let begin = hour.start().micros();
                (hour.to_string(), [first, last].map(|time| (time.micros() - begin) as u64))
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
        let span = if hour == UNTIMED {
            None
        } else {
            let begin =
                Hour::parse(hour).ok_or_else(|| bad("the hour is not a date and hour in ten digits"))?;
            Some((begin.start().plus_micros(first as i64), begin.start().plus_micros(last as i64)))
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
