//! What a window that is put aside and a digest that is handed over have in common, as bytes. All numbers are
//! little-endian, counts and lengths 32-bit: three ids, first and last time, trace ids, log marks, records.

use linkloom_schema::digest::LogMark;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;

/// What is known of one execution, or of a part of it.
pub(crate) struct Held {
    pub(crate) mark: LinkMark,
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) traces: Vec<String>,
    pub(crate) logs: Vec<LogMark>,
    pub(crate) records: Vec<u8>,
}

pub(crate) fn push_held(
    out: &mut Vec<u8>,
    mark: &LinkMark,
    span: Option<(Timestamp, Timestamp)>,
    traces: &[String],
    logs: &[LogMark],
    records: &[u8],
) {
    push_mark(out, mark);
    let (first, last) = span.map_or((1, 0), |(first, last)| (first.micros(), last.micros()));
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&last.to_le_bytes());
    push_count(out, traces.len());
    traces.iter().for_each(|trace| push_text(out, trace));
    push_count(out, logs.len());
    logs.iter().for_each(|log| out.extend_from_slice(&log.0.to_le_bytes()));
    push_count(out, records.len());
    out.extend_from_slice(records);
}

pub(crate) fn take_held(rest: &mut &[u8]) -> Option<Held> {
    let mark = take_mark(rest)?;
    let first = i64::from_le_bytes(take(rest)?);
    let last = i64::from_le_bytes(take(rest)?);
    let span = (first <= last).then_some((Timestamp(first), Timestamp(last)));
    let (mut traces, mut logs) = (Vec::new(), Vec::new());
    for _ in 0..take_count(rest)? {
        traces.push(take_text(rest)?.to_owned());
    }
    for _ in 0..take_count(rest)? {
        logs.push(LogMark(u64::from_le_bytes(take(rest)?)));
    }
    let length = take_count(rest)?;
    let records = take_bytes(rest, length)?.to_vec();
    Some(Held { mark, span, traces, logs, records })
}

pub(crate) fn push_mark(out: &mut Vec<u8>, mark: &LinkMark) {
    push_text(out, &mark.business_id);
    push_text(out, &mark.scene_id);
    push_text(out, &mark.execution_id);
}

pub(crate) fn take_mark(rest: &mut &[u8]) -> Option<LinkMark> {
    let (business, scene, execution) = (take_text(rest)?, take_text(rest)?, take_text(rest)?);
    LinkMark::new(business, scene, execution).ok()
}

pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = take_count(rest)?;
    std::str::from_utf8(take_bytes(rest, length)?).ok()
}

pub(crate) fn push_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

pub(crate) fn take_count(rest: &mut &[u8]) -> Option<usize> {
    take(rest).map(|bytes| u32::from_le_bytes(bytes) as usize)
}

pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}
