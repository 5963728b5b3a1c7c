//! Cursors: where a list goes on. Opaque to clients; inside, the key of the last entry shown, so that entries written
//! meanwhile neither repeat nor skip any.
//!
//! A cursor is base64url (RFC 4648, section 5, without padding) of `kind|field|...`, fields percent-encoded as in row
//! keys; an absent time is `~`. A cursor of another kind or of another version is refused like any other text.

use crate::answer::list::ListEntry;
use crate::event::Moment;
use crate::report::Identity;
use crate::row_key::{decode_id, push_id};
use crate::time::Timestamp;

/// A text that is no cursor of this kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a cursor of this list; allowed is the nextCursor of an answer")]
pub struct BadCursor {
    /// The text, its beginning when it is long.
    pub text: String,
}

fn bad(text: &str) -> BadCursor {
    BadCursor { text: text.chars().take(64).collect() }
}

/// After which execution a list goes on: newest start first, then scene, execution and business id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// Its start; executions without one come last.
    pub start: Option<Timestamp>,
    /// Its scene.
    pub scene_id: String,
    /// Its id.
    pub execution_id: String,
    /// Its business id.
    pub business_id: String,
}

impl ListCursor {
    const KIND: &'static str = "e1";

    /// The cursor after an entry.
    pub fn after(entry: &ListEntry) -> Self {
        Self {
            start: entry.start_time,
            scene_id: entry.scene_id.clone(),
            execution_id: entry.execution_id.clone(),
            business_id: entry.business_id.clone(),
        }
    }

    /// Whether an entry comes after this cursor.
    pub fn is_before(&self, entry: &ListEntry) -> bool {
        let key = (&*self.scene_id, &*self.execution_id, &*self.business_id);
        super::list::newest_first(self.start, entry.start_time)
            .then_with(|| key.cmp(&(&*entry.scene_id, &*entry.execution_id, &*entry.business_id)))
            .is_lt()
    }

    /// The text for clients.
    pub fn encode(&self) -> String {
        let mut fields = String::from(Self::KIND);
        push_time(&mut fields, self.start);
        for id in [&self.scene_id, &self.execution_id, &self.business_id] {
            fields.push('|');
            push_id(&mut fields, id);
        }
        to_base64(fields.as_bytes())
    }

    /// Reads a client's text.
    pub fn decode(text: &str) -> Result<Self, BadCursor> {
        let fields = fields(text)?;
        let [Self::KIND, start, scene, execution, business] = fields.split('|').collect::<Vec<_>>()[..]
        else {
            return Err(bad(text));
        };
        let id = |field: &str| decode_id(field).map(std::borrow::Cow::into_owned).map_err(|_| bad(text));
        Ok(Self {
            start: read_time(start).ok_or_else(|| bad(text))?,
            scene_id: id(scene)?,
            execution_id: id(execution)?,
            business_id: id(business)?,
        })
    }
}

/// After which log a page of logs goes on: by time, untimed ones last, then identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCursor(pub Moment);

impl LogCursor {
    const KIND: &'static str = "l1";

    /// The text for clients.
    pub fn encode(&self) -> String {
        let mut fields = String::from(Self::KIND);
        push_time(&mut fields, self.0.time);
        fields.push_str(&format!("|{:032x}", self.0.identity.0));
        to_base64(fields.as_bytes())
    }

    /// Reads a client's text.
    pub fn decode(text: &str) -> Result<Self, BadCursor> {
        let fields = fields(text)?;
        let [Self::KIND, time, identity] = fields.split('|').collect::<Vec<_>>()[..] else {
            return Err(bad(text));
        };
        let hex = identity.len() == 32 && identity.bytes().all(|byte| byte.is_ascii_hexdigit());
        let identity = u128::from_str_radix(identity, 16).ok().filter(|_| hex).ok_or_else(|| bad(text))?;
        let time = read_time(time).ok_or_else(|| bad(text))?;
        Ok(Self(Moment { time, identity: Identity(identity) }))
    }
}

/// After which row a list in key order goes on, or after which cell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCursor {
    /// The row key.
    pub row: String,
    /// The qualifier of the cell; empty where rows are listed.
    pub qualifier: String,
}

impl RowCursor {
    const KIND: &'static str = "r1";

    /// The text for clients.
    pub fn encode(&self) -> String {
        let mut fields = String::from(Self::KIND);
        for part in [&self.row, &self.qualifier] {
            fields.push('|');
            push_id(&mut fields, part);
        }
        to_base64(fields.as_bytes())
    }

    /// Reads a client's text.
    pub fn decode(text: &str) -> Result<Self, BadCursor> {
        let fields = fields(text)?;
        let [Self::KIND, row, qualifier] = fields.split('|').collect::<Vec<_>>()[..] else {
            return Err(bad(text));
        };
        let part = |field: &str| decode_id(field).map(std::borrow::Cow::into_owned).map_err(|_| bad(text));
        Ok(Self { row: part(row)?, qualifier: part(qualifier)? })
    }
}

fn push_time(fields: &mut String, time: Option<Timestamp>) {
    match time {
        Some(time) => fields.push_str(&format!("|{}", time.0)),
        None => fields.push_str("|~"),
    }
}

fn read_time(field: &str) -> Option<Option<Timestamp>> {
    if field == "~" { Some(None) } else { field.parse().ok().map(|micros| Some(Timestamp(micros))) }
}

fn fields(text: &str) -> Result<String, BadCursor> {
    from_base64(text).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| bad(text))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            text.push(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize] as char);
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (at, digit) in chunk.iter().enumerate() {
            bits |= u32::from(value(*digit)?) << (18 - 6 * at);
        }
        let whole = chunk.len().checked_sub(1).filter(|whole| *whole > 0)?;
        let [_, three @ ..] = bits.to_be_bytes();
        if three[whole..].iter().any(|rest| *rest != 0) {
            return None; // bits that belong to no byte
        }
        bytes.extend_from_slice(&three[..whole]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(to_base64(plain.as_bytes()), coded);
            assert_eq!(from_base64(coded).as_deref(), Some(plain.as_bytes()));
        }
        for refused in ["Z", "Zm9vY", "Zh", "Zg==", "Zm9/", "é"] {
            assert_eq!(from_base64(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let log = LogCursor(Moment { time: Some(Timestamp(5)), identity: Identity(7) }).encode();
        let error = ListCursor::decode(&log).unwrap_err();
        assert!(error.to_string().contains("is not a cursor of this list"), "{error}");
        assert_eq!(
            LogCursor::decode(&to_base64(b"l1|5|+0000000000000000000000000000007")),
            Err(bad("bDF8NXwrMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwNw"))
        );
    }

    proptest! {
        #[test]
        fn list_cursors_round_trip(start in any::<Option<i64>>(), ids in any::<[String; 3]>()) {
            let [scene_id, execution_id, business_id] = ids;
            let cursor = ListCursor { start: start.map(Timestamp), scene_id, execution_id, business_id };
            prop_assert_eq!(ListCursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn log_cursors_round_trip(time in any::<Option<i64>>(), identity in any::<u128>()) {
            let cursor = LogCursor(Moment { time: time.map(Timestamp), identity: Identity(identity) });
            prop_assert_eq!(LogCursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn row_cursors_round_trip(row in any::<String>(), qualifier in any::<String>()) {
            let cursor = RowCursor { row, qualifier };
            prop_assert_eq!(RowCursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn bytes_round_trip(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(from_base64(&to_base64(&bytes)), Some(bytes));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), fields in "[el]1[|~0-9a-f%]{0,40}") {
            let _ = ListCursor::decode(&text);
            let _ = LogCursor::decode(&text);
            let coded = to_base64(fields.as_bytes());
            if let Ok(cursor) = LogCursor::decode(&coded) {
                prop_assert_eq!(LogCursor::decode(&cursor.encode()), Ok(cursor));
            }
            if let Ok(cursor) = ListCursor::decode(&coded) {
                prop_assert_eq!(ListCursor::decode(&cursor.encode()), Ok(cursor));
            }
        }
    }
}
