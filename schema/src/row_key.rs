//! Row keys: printable, so that anyone can type them into the HBase shell (`docs/row-keys.md`).
//!
//! | table | row |
//! |---|---|
//! | `link` | `{salt}\|{businessId}\|{sceneId}\|{executionId}`, overflow `...\|{chunk}` |
//! | `recent` | `{salt}\|{businessId}\|{9999999999 - start second}\|{sceneId}\|{executionId}` |
//! | `scene` | `{sceneId}\|{status}\|{9999999999 - start second}\|{businessId}\|{executionId}` |
//! | `trace` | `{salt of traceId}\|{traceId}\|{businessId}\|{sceneId}\|{executionId}` |
//! | `unlinked` | `t\|{salt of traceId}\|{traceId}` or `s\|{service}\|{hour}` |
//! | `definition` | `{sceneId}\|{validFrom}\|{version}` |
//! | `dead` | `{source}\|{partition}\|{position}` |
//!
//! `salt` is the low byte of the CRC-32 (IEEE) of the raw UTF-8 id, two lower-case hex digits. In ids, `%`, `|` and the
//! bytes up to 0x20 and from 0x7f are percent-encoded in upper-case hex, so a key has one `|` between parts and no other.

use std::borrow::Cow;

use crate::hour::Hour;
use crate::ids::{BadId, LinkMark, MarkRef};
use crate::time::Timestamp;

/// Latest second a `recent` or `scene` key can hold; keys hold the distance to it, so the newest sorts first.
pub const LAST_SECOND: i64 = 9_999_999_999;

/// A row key that does not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row key {key:?} does not decode: {why}")]
pub struct BadRowKey {
    /// The key.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

fn bad(key: &str, why: impl Into<String>) -> BadRowKey {
    BadRowKey { key: key.to_owned(), why: why.into() }
}

/// The two hex digits that spread ids over regions: low byte of the CRC-32 (IEEE) of the raw UTF-8 id.
pub fn salt(id: &str) -> [u8; 2] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let low = (crc32fast::hash(id.as_bytes()) & 0xff) as usize;
    [HEX[low >> 4], HEX[low & 15]]
}

fn needs_escape(byte: u8) -> bool {
    byte <= 0x20 || byte >= 0x7f || byte == b'%' || byte == b'|'
}

/// Appends an id, percent-encoded.
pub fn push_id(key: &mut String, id: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if !id.bytes().any(needs_escape) {
        key.push_str(id);
        return;
    }
    for byte in id.bytes() {
        if needs_escape(byte) {
            key.push('%');
            key.push(HEX[usize::from(byte >> 4)] as char);
            key.push(HEX[usize::from(byte & 15)] as char);
        } else {
            key.push(byte as char);
        }
    }
}

/// Decodes one percent-encoded part of a key; only the canonical encoding is accepted.
pub fn decode_id(part: &str) -> Result<Cow<'_, str>, BadRowKey> {
    if !part.bytes().any(needs_escape) {
        return Ok(Cow::Borrowed(part));
    }
    let hex = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let mut raw = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let [high, low, tail @ ..] = rest else {
                return Err(bad(part, "half a percent code at the end"));
            };
            let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                return Err(bad(part, "a percent code is two upper-case hex digits"));
            };
            let byte = high << 4 | low;
            if !needs_escape(byte) {
                return Err(bad(part, "a character that needs no percent code has one"));
            }
            raw.push(byte);
            rest = tail;
        } else if needs_escape(*first) {
            return Err(bad(part, "a character that needs a percent code has none"));
        } else {
            raw.push(*first);
        }
    }
    String::from_utf8(raw).map(Cow::Owned).map_err(|_| bad(part, "not UTF-8"))
}

fn push_salted(key: &mut String, id: &str) {
    for digit in salt(id) {
        key.push(digit as char);
    }
    key.push('|');
    push_id(key, id);
    key.push('|');
}

/// `{salt}|{businessId}|`: prefix of every `link` and `recent` row of one business id.
pub fn business_prefix(business_id: &str) -> String {
    let mut key = String::with_capacity(business_id.len() + 4);
    push_salted(&mut key, business_id);
    key
}

/// Appends the `link` row of an execution.
pub fn push_link(key: &mut String, mark: MarkRef<'_>) {
    push_salted(key, mark.business_id);
    push_id(key, mark.scene_id);
    key.push('|');
    push_id(key, mark.execution_id);
}

/// The `link` row of an execution.
pub fn link(mark: MarkRef<'_>) -> String {
    let mut key =
        String::with_capacity(mark.business_id.len() + mark.scene_id.len() + mark.execution_id.len() + 5);
    push_link(&mut key, mark);
    key
}

/// Decodes a `link` row, also an overflow row: the mark and the chunk.
pub fn decode_link(key: &str) -> Result<(LinkMark, Option<u64>), BadRowKey> {
    let parts: Vec<&str> = key.split('|').collect();
    let (salt_part, business, scene, execution, chunk) = match parts[..] {
        [s, b, c, e] => (s, b, c, e, None),
        [s, b, c, e, chunk] => (s, b, c, e, Some(decode_number(key, chunk)?)),
        _ => return Err(bad(key, "expected salt|businessId|sceneId|executionId[|chunk]")),
    };
    Ok((decode_mark(key, salt_part, business, scene, execution)?, chunk))
}

fn decode_mark(
    key: &str,
    salt_part: &str,
    business: &str,
    scene: &str,
    execution: &str,
) -> Result<LinkMark, BadRowKey> {
    let business = decode_id(business)?;
    if salt(&business) != salt_part.as_bytes() {
        return Err(bad(key, "the salt is not that of the business id"));
    }
    LinkMark::new(&business, &decode_id(scene)?, &decode_id(execution)?)
        .map_err(|error: BadId| bad(key, error.to_string()))
}

fn decode_number(key: &str, part: &str) -> Result<u64, BadRowKey> {
    if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad(key, format!("{part:?} is not a number")));
    }
    part.parse().map_err(|_| bad(key, format!("{part:?} is out of range")))
}

fn push_newest_first(key: &mut String, start: Timestamp) {
    let second = start.seconds().clamp(0, LAST_SECOND);
    key.push_str(&format!("{:010}", LAST_SECOND - second));
}

/// The `recent` row of an execution.
pub fn recent(mark: MarkRef<'_>, start: Timestamp) -> String {
    let mut key = business_prefix(mark.business_id);
    push_newest_first(&mut key, start);
    key.push('|');
    push_id(&mut key, mark.scene_id);
    key.push('|');
    push_id(&mut key, mark.execution_id);
    key
}

/// Decodes a `recent` row: the mark and its start second.
pub fn decode_recent(key: &str) -> Result<(LinkMark, i64), BadRowKey> {
    let parts: Vec<&str> = key.split('|').collect();
    let [salt_part, business, newest, scene, execution] = parts[..] else {
        return Err(bad(key, "expected salt|businessId|newest|sceneId|executionId"));
    };
    let mark = decode_mark(key, salt_part, business, scene, execution)?;
    Ok((mark, decode_newest_first(key, newest)?))
}

fn decode_newest_first(key: &str, part: &str) -> Result<i64, BadRowKey> {
    if part.len() != 10 {
        return Err(bad(key, "the time is ten digits"));
    }
    Ok(LAST_SECOND - decode_number(key, part)? as i64)
}

/// `{sceneId}|{status}|`: prefix of the `scene` rows of one scene in one status.
pub fn scene_prefix(scene_id: &str, status: &str) -> String {
    let mut key = String::new();
    push_id(&mut key, scene_id);
    key.push('|');
    key.push_str(status);
    key.push('|');
    key
}

/// The `scene` row of an execution: a hint that it had this status and start at some time.
pub fn scene(mark: MarkRef<'_>, status: &str, start: Timestamp) -> String {
    let mut key = scene_prefix(mark.scene_id, status);
    push_newest_first(&mut key, start);
    key.push('|');
    push_id(&mut key, mark.business_id);
    key.push('|');
    push_id(&mut key, mark.execution_id);
    key
}

/// Decodes a `scene` row: the mark, the status and the start second.
pub fn decode_scene(key: &str) -> Result<(LinkMark, String, i64), BadRowKey> {
    let parts: Vec<&str> = key.split('|').collect();
    let [scene, status, newest, business, execution] = parts[..] else {
        return Err(bad(key, "expected sceneId|status|newest|businessId|executionId"));
    };
    let mark = LinkMark::new(&decode_id(business)?, &decode_id(scene)?, &decode_id(execution)?)
        .map_err(|error| bad(key, error.to_string()))?;
    Ok((mark, status.to_owned(), decode_newest_first(key, newest)?))
}

/// `{salt of traceId}|{traceId}|`: prefix of the `trace` rows of one trace.
pub fn trace_prefix(trace_id: &str) -> String {
    business_prefix(trace_id)
}

/// The `trace` row that ties an execution to a trace.
pub fn trace(trace_id: &str, mark: MarkRef<'_>) -> String {
    let mut key = trace_prefix(trace_id);
    push_id(&mut key, mark.business_id);
    key.push('|');
    push_id(&mut key, mark.scene_id);
    key.push('|');
    push_id(&mut key, mark.execution_id);
    key
}

/// Decodes a `trace` row: the trace id and the mark.
pub fn decode_trace(key: &str) -> Result<(String, LinkMark), BadRowKey> {
    let parts: Vec<&str> = key.split('|').collect();
    let [salt_part, trace_id, business, scene, execution] = parts[..] else {
        return Err(bad(key, "expected salt|traceId|businessId|sceneId|executionId"));
    };
    let trace_id = decode_id(trace_id)?;
    if salt(&trace_id) != salt_part.as_bytes() {
        return Err(bad(key, "the salt is not that of the trace id"));
    }
    let mark = LinkMark::new(&decode_id(business)?, &decode_id(scene)?, &decode_id(execution)?)
        .map_err(|error| bad(key, error.to_string()))?;
    Ok((trace_id.into_owned(), mark))
}

/// The `unlinked` row of the unmarked reports of a trace.
pub fn unlinked_trace(trace_id: &str) -> String {
    let mut key = String::from("t|");
    push_salted(&mut key, trace_id);
    key.pop();
    key
}

/// The `unlinked` row of the reports of a service without mark and trace id: by hour, `none` without a time.
pub fn unlinked_service(service: &str, hour: Option<Hour>) -> String {
    let mut key = unlinked_service_hours(service);
    match hour {
        Some(hour) => key.extend(["|", &hour.to_string()]),
        None => key.push_str("|none"),
    }
    key
}

/// What the `unlinked` rows of a service lie below, as the overflow rows of a row do.
pub fn unlinked_service_hours(service: &str) -> String {
    let mut key = String::from("s|");
    push_id(&mut key, service);
    key
}

/// The `definition` row of one version: valid-from is microseconds since the epoch, twenty digits, `beginning` = zeros.
pub fn definition(scene_id: &str, valid_from: Option<Timestamp>, version: &str) -> String {
    let mut key = String::new();
    push_id(&mut key, scene_id);
    let micros = valid_from.map_or(0, |time| time.micros().max(0));
    key.push_str(&format!("|{micros:020}|{version}"));
    key
}

/// The `dead` row of a dead letter: where it came from.
pub fn dead(source: &str, partition: u32, position: u64) -> String {
    format!("{}{partition:05}|{position:020}", dead_prefix(source))
}

/// What the `dead` rows of everything from one source begin with.
pub fn dead_prefix(source: &str) -> String {
    let mut key = String::new();
    push_id(&mut key, source);
    key.push('|');
    key
}
