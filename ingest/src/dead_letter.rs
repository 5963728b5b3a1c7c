//! What was refused, kept: the raw bytes, the reason and the origin. Dead letters can be replayed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decode::{Reason, Refusal};
use crate::source::Record;

/// Most raw bytes a dead letter keeps.
pub const RAW_BYTES_MAX: usize = 1 << 20;

/// One refused record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Topic, file or channel it came from.
    pub source: String,
    /// Partition; 0 where there is only one.
    pub partition: u32,
    /// Offset (Kafka), or that of its first byte (files).
    pub position: u64,
    /// Line number from 1, if the source has lines.
    pub line: Option<u64>,
    /// When the source got it, if the source knows.
    pub time: Option<Timestamp>,
    /// Why it was refused, for machines.
    pub reason: Reason,
    /// Why it was refused, for people.
    pub detail: String,
    /// Its bytes, the first 1 MiB of them.
    pub raw: Vec<u8>,
    /// Its length in the source.
    pub full_length: u64,
}

/// A stored dead letter that does not read.
#[derive(Debug, thiserror::Error)]
#[error("dead letter does not decode: {0}")]
pub struct BadDeadLetter(String);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    v: u32,
    source: String,
    partition: u32,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    reason: String,
    detail: String,
    full_length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

impl DeadLetter {
    /// The dead letter of a refused record.
    pub fn new(record: &Record<'_>, refusal: Refusal) -> DeadLetter {
        DeadLetter {
            source: record.origin.source.to_owned(),
            partition: record.origin.partition,
            position: record.origin.position,
            line: record.origin.line,
            time: record.time,
            reason: refusal.reason,
            detail: refusal.detail,
            raw: record.bytes[..record.bytes.len().min(RAW_BYTES_MAX)].to_vec(),
            full_length: record.full_length,
        }
    }

    /// Whether all its bytes are here, so that it can be replayed.
    pub fn is_whole(&self) -> bool {
        self.raw.len() as u64 == self.full_length
    }

    /// Its row in the table `dead`.
    pub fn row_key(&self) -> String {
        row_key::dead(&self.source, self.partition, self.position)
    }

    /// The value to store: JSON; `raw` is the text, or `rawBase64` the bytes when they are not UTF-8.
    pub fn to_json(&self) -> Vec<u8> {
        let (raw, raw_base64) = match std::str::from_utf8(&self.raw) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&self.raw))),
        };
        let stored = Stored {
            v: 1,
            source: self.source.clone(),
            partition: self.partition,
            position: self.position,
            line: self.line,
            time: self.time.map(Timestamp::micros),
            reason: self.reason.as_str().to_owned(),
            detail: self.detail.clone(),
            full_length: self.full_length,
            raw,
            raw_base64,
        };
        serde_json::to_vec(&stored).expect("numbers and text serialise")
    }

    /// Reads [`DeadLetter::to_json`].
    pub fn from_json(json: &[u8]) -> Result<DeadLetter, BadDeadLetter> {
        let stored: Stored =
            serde_json::from_slice(json).map_err(|error| BadDeadLetter(error.to_string()))?;
        if stored.v != 1 {
            return Err(BadDeadLetter(format!("version {} is not 1", stored.v)));
        }
        let reason = Reason::from_label(&stored.reason)
            .ok_or_else(|| BadDeadLetter(format!("unknown reason {:?}", stored.reason)))?;
        let raw = match (stored.raw, stored.raw_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).map_err(|error| BadDeadLetter(error.to_string()))?,
            _ => return Err(BadDeadLetter("it has one of raw and rawBase64".to_owned())),
        };
        Ok(DeadLetter {
            source: stored.source,
            partition: stored.partition,
            position: stored.position,
            line: stored.line,
            time: stored.time.map(Timestamp),
            reason,
            detail: stored.detail,
            raw,
            full_length: stored.full_length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Origin;
    use proptest::prelude::*;

    fn letter(raw: &[u8], line: Option<u64>, time: Option<i64>) -> DeadLetter {
        let origin = Origin { source: "in|put.ndjson", partition: 3, position: 77, line };
        let time = time.map(Timestamp);
        let record = Record { origin, time, bytes: raw, full_length: raw.len() as u64 };
        DeadLetter::new(&record, Refusal::new(Reason::Malformed, "expected a value at byte 0"))
    }

    #[test]
    fn text_stays_readable() {
        let letter = letter(b"{\"a\":\0", Some(9), None);
        expect_test::expect![[
            r#"{"v":1,"source":"in|put.ndjson","partition":3,"position":77,"line":9,"reason":"malformed_json","detail":"expected a value at byte 0","fullLength":6,"raw":"{\"a\":\u0000"}"#
        ]]
        .assert_eq(std::str::from_utf8(&letter.to_json()).unwrap());
        assert_eq!(letter.row_key(), "in%7Cput.ndjson|00003|00000000000000000077");
    }

    #[test]
    fn the_beginning_of_a_long_record_is_kept() {
        let mut long = letter(&vec![b'x'; RAW_BYTES_MAX + 5], None, None);
        assert_eq!((long.raw.len(), long.full_length, long.is_whole()), (RAW_BYTES_MAX, 1_048_581, false));
        long.raw.truncate(2);
        assert_eq!(DeadLetter::from_json(&long.to_json()).unwrap(), long);
    }

    #[test]
    fn what_is_no_dead_letter_is_refused() {
        for json in [
            "",
            "{}",
            r#"{"v":2,"source":"s","partition":0,"position":0,"reason":"bad_mark","detail":"","fullLength":0,"raw":""}"#,
            r#"{"v":1,"source":"s","partition":0,"position":0,"reason":"whim","detail":"","fullLength":0,"raw":""}"#,
            r#"{"v":1,"source":"s","partition":0,"position":0,"reason":"bad_mark","detail":"","fullLength":0}"#,
            r#"{"v":1,"source":"s","partition":0,"position":0,"reason":"bad_mark","detail":"","fullLength":0,"rawBase64":"?"}"#,
        ] {
            assert!(DeadLetter::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip(raw: Vec<u8>, line: Option<u64>, time: Option<i64>) {
            let letter = letter(&raw, line, time);
            prop_assert!(letter.is_whole());
            prop_assert_eq!(DeadLetter::from_json(&letter.to_json()).unwrap(), letter);
        }
    }
}
