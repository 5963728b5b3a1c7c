//! Digests: what a window keeps of a report, about 100 bytes and no payload.
//!
//! A node report becomes a *record*, a log becomes eight bytes ([`LogMark`]). A log that carries meta becomes a record as
//! well, and so does each node that logs name but that did not report in the same flush. Records stand one after the other in a byte buffer, so that a window is one allocation, moving it to disk is a
//! copy, and comparing two records for equality is comparing bytes.
//!
//! Record layout (private to one version of the program; all numbers are LEB128 varints unless said otherwise):
//! `length of the rest, kind (1 byte), identity (16 bytes, big-endian), presence bits, [time zigzag], [iteration],
//! then for each present text its length and bytes`, texts in the order of [`TEXTS`].

use crate::event::NodeEvent;
use crate::report::{Identity, Level, Report, ReportKind, Status};
use crate::time::Timestamp;

/// Order of the texts in a record.
const TEXTS: usize = 10;
const NODE: usize = 0;
const RUN_ID: usize = 1;
const SPAN_ID: usize = 2;
const SERVICE: usize = 3;
const INSTANCE: usize = 4;
const HOST: usize = 5;
const CASE: usize = 6;
const SUB_EXECUTION: usize = 7;
const PARENT: usize = 8;
const META: usize = 9;
const HAS_TIME: u64 = 1 << TEXTS;
const HAS_ITERATION: u64 = 1 << (TEXTS + 1);

const KIND_LOG: u8 = 4;
const KIND_LOGGED_NODE: u8 = 5;

/// A log in a window: 45 bits of its identity, 18 bits of what a summary can depend on, and whether it is an error.
///
/// Two marks with the same identity bits are two contents under one identity, and the execution is summed up from the
/// store. Two logs of one execution share those bits by chance in one of 70 executions of a million logs: that costs
/// reading them. Two contents under one identity go unnoticed once in 260,000 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogMark(pub u64);

impl LogMark {
    const CONTENT_BITS: u32 = 18;
    const IDENTITY: u64 = u64::MAX << (Self::CONTENT_BITS + 1);

    /// The mark of a log; of a node report something that is of no use.
    pub fn new(report: &Report<'_>) -> Self {
        let identity = (report.identity.0 >> 64) as u64;
        // An identity that is told by the content tells the content.
        let told = report.id.is_none() && !report.time_substituted;
        let content = if told { report.identity.0 as u64 } else { content_hash(report) };
        let content = content >> (63 - Self::CONTENT_BITS) & !1 & !Self::IDENTITY;
        let is_error = u64::from(report.level() >= Level::Error);
        LogMark(identity & Self::IDENTITY | content | is_error)
    }

    /// The identity part: equal for two contents of one report.
    pub fn identity_bits(self) -> u64 {
        self.0 & Self::IDENTITY
    }

    /// Whether the level counts as an error.
    pub fn is_error(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A hash of what a summary can depend on in a log.
fn content_hash(report: &Report<'_>) -> u64 {
    let time = report.time.map_or(u64::MAX, |time| time.micros() as u64);
    let meta = report.meta.as_ref().map(|meta| &*meta.json);
    let texts = [report.level.as_deref(), report.node_name.as_deref(), report.trace_id.as_deref(), meta];
    texts.into_iter().fold(time, |hash, text| match text {
        Some(text) => xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), hash),
        None => hash.rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1,
    })
}

/// One record, decoded; borrows from its buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'a> {
    /// The node report in its light form, if it is one.
    pub event: Option<NodeEvent<'a>>,
    /// A node that logs name, if it is that.
    pub logged_node: Option<&'a str>,
    /// The name of the report.
    pub identity: Identity,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Facts about the execution: a JSON object.
    pub meta: Option<&'a str>,
    /// The whole encoded record, to compare two contents of one identity.
    pub bytes: &'a [u8],
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = bytes.split_at_checked(count)?;
    *bytes = tail;
    Some(head)
}

/// Appends the record of a report: every node report has one, and a log that carries meta.
///
/// Returns whether one was written.
pub fn push_record(out: &mut Vec<u8>, report: &Report<'_>) -> bool {
    let kind = match (report.kind, report.status) {
        (ReportKind::Node, Some(status)) => status as u8,
        (ReportKind::Log, _) if report.meta.is_some() => KIND_LOG,
        _ => return false,
    };
    let mut texts: [Option<&str>; TEXTS] = [None; TEXTS];
    texts[META] = report.meta.as_ref().filter(|meta| meta.cut_from.is_none()).map(|meta| &*meta.json);
    if kind != KIND_LOG {
        texts[NODE] = report.node_name.as_deref();
        texts[RUN_ID] = report.run_id.as_deref();
        texts[SPAN_ID] = report.span_id.as_deref();
        texts[SERVICE] = report.service.as_deref();
        texts[INSTANCE] = report.instance.as_deref();
        texts[HOST] = report.host.as_deref();
        texts[CASE] = report.case.as_deref();
        texts[SUB_EXECUTION] = report.sub_execution_id.as_deref();
        texts[PARENT] = report.parent_node.as_deref();
    }
    let mut present = 0u64;
    let mut length = 1 + 16 + 2 + 10 + 10;
    for (bit, text) in texts.iter().enumerate() {
        if let Some(text) = text {
            present |= 1 << bit;
            length += text.len() + 5;
        }
    }
    if report.time.is_some() {
        present |= HAS_TIME;
    }
    if report.iteration.is_some() {
        present |= HAS_ITERATION;
    }
    push_body(out, length, |out| {
        out.push(kind);
        out.extend_from_slice(&report.identity.0.to_be_bytes());
        push_varint(out, present);
        if let Some(time) = report.time {
            push_varint(out, ((time.micros() << 1) ^ (time.micros() >> 63)) as u64);
        }
        if let Some(iteration) = report.iteration {
            push_varint(out, iteration);
        }
        for text in texts.into_iter().flatten() {
            push_varint(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    });
    true
}

/// Appends the record of a node that logs name. The same node makes the same record.
pub fn push_logged_node(out: &mut Vec<u8>, node: &str) {
    push_body(out, node.len() + 24, |out| {
        out.push(KIND_LOGGED_NODE);
        out.extend_from_slice(&xxhash_rust::xxh3::xxh3_128(node.as_bytes()).to_be_bytes());
        push_varint(out, 1 << NODE);
        push_varint(out, node.len() as u64);
        out.extend_from_slice(node.as_bytes());
    });
}

/// Appends a record's length and what `write` appends. `length`: about how long it will be.
fn push_body(out: &mut Vec<u8>, length: usize, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.reserve(length + 4);
    // Room for a two-byte length, which nearly every record has; moved if it needs another size.
    out.extend_from_slice(&[0, 0]);
    write(out);
    let rest = out.len() - begin - 2;
    if rest < 1 << 14 {
        out[begin] = rest as u8 | 0x80;
        out[begin + 1] = (rest >> 7) as u8;
    } else {
        let mut head = Vec::with_capacity(5);
        push_varint(&mut head, rest as u64);
        out.splice(begin..begin + 2, head);
    }
}

/// Walks the records of a buffer. Stops with an error text at the first one that does not decode.
pub fn records(buffer: &[u8]) -> impl Iterator<Item = Result<Record<'_>, &'static str>> {
    let mut rest = buffer;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let before = rest;
        match read_record(&mut rest) {
            Some(record) => Some(Ok(Record { bytes: &before[..before.len() - rest.len()], ..record })),
            None => {
                rest = &[];
                Some(Err("a digest record is cut or malformed"))
            }
        }
    })
}

fn read_record<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let length = read_varint(rest)?;
    let mut body = take(rest, usize::try_from(length).ok()?)?;
    let kind = *take(&mut body, 1)?.first()?;
    let identity = Identity(u128::from_be_bytes(take(&mut body, 16)?.try_into().ok()?));
    let present = read_varint(&mut body)?;
    let time = match present & HAS_TIME {
        0 => None,
        _ => {
            let raw = read_varint(&mut body)?;
            Some(Timestamp((raw >> 1) as i64 ^ -((raw & 1) as i64)))
        }
    };
    let iteration = if present & HAS_ITERATION == 0 { None } else { Some(read_varint(&mut body)?) };
    let mut texts: [Option<&str>; TEXTS] = [None; TEXTS];
    for (bit, text) in texts.iter_mut().enumerate() {
        if present & (1 << bit) != 0 {
            let length = usize::try_from(read_varint(&mut body)?).ok()?;
            *text = Some(std::str::from_utf8(take(&mut body, length)?).ok()?);
        }
    }
    let status = match kind {
        0 => Some(Status::Running),
        1 => Some(Status::Completed),
        2 => Some(Status::Failed),
        3 => Some(Status::Skipped),
        KIND_LOG | KIND_LOGGED_NODE => None,
        _ => return None,
    };
    let event = match status {
        None => None,
        Some(status) => Some(NodeEvent {
            identity,
            node: texts[NODE]?,
            status,
            time,
            run_id: texts[RUN_ID],
            span_id: texts[SPAN_ID],
            service: texts[SERVICE],
            instance: texts[INSTANCE],
            host: texts[HOST],
            case: texts[CASE],
            iteration,
            sub_execution_id: texts[SUB_EXECUTION],
            parent_node: texts[PARENT],
        }),
    };
    let logged_node = texts[NODE].filter(|_| kind == KIND_LOGGED_NODE);
    Some(Record { event, logged_node, identity, time, meta: texts[META], bytes: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Payload;

    fn node<'a>(name: &'a str, run: &'a str, time: Option<i64>) -> Report<'a> {
        Report {
            kind: ReportKind::Node,
            identity: Identity(7 << 100 | 9),
            status: Some(Status::Failed),
            node_name: Some(name.into()),
            run_id: Some(run.into()),
            time: time.map(Timestamp),
            iteration: Some(3),
            ..Report::default()
        }
    }

    #[test]
    fn records_come_back_as_they_went_in() {
        let long = "x".repeat(20_000);
        let mut buffer = Vec::new();
        assert!(push_record(&mut buffer, &node("picProcess", "r1", Some(-5))));
        assert!(push_record(&mut buffer, &node("b", &long, None)));
        let log = Report { kind: ReportKind::Log, ..Report::default() };
        assert!(!push_record(&mut buffer, &log), "a log without meta needs no record");
        let meta = Some(Payload { json: r#"{"trigger":"api"}"#.into(), cut_from: None });
        assert!(push_record(&mut buffer, &Report { meta, ..log }));

        let nodes_and_logs = buffer.clone();
        let read: Vec<_> = records(&nodes_and_logs).map(|record| record.expect("decodes")).collect();
        push_logged_node(&mut buffer, "audit");
        let logged = records(&buffer).last().expect("a record").expect("decodes");
        assert_eq!((logged.logged_node, logged.event), (Some("audit"), None));

        assert_eq!(read.len(), 3);
        let first = read[0].event.expect("a node report");
        assert_eq!((first.node, first.run_id, first.iteration), ("picProcess", Some("r1"), Some(3)));
        assert_eq!((first.time, first.status), (Some(Timestamp(-5)), Status::Failed));
        assert_eq!(read[1].event.expect("a node report").run_id, Some(long.as_str()));
        assert_eq!((read[2].event, read[2].meta), (None, Some(r#"{"trigger":"api"}"#)));
        let lengths = records(&buffer).map(|record| record.expect("decodes").bytes.len());
        assert_eq!(lengths.sum::<usize>(), buffer.len());
    }

    #[test]
    fn cut_buffers_end_with_an_error_and_never_panic() {
        let mut buffer = Vec::new();
        push_record(&mut buffer, &node("picProcess", "r1", Some(1_795_255_200_789_012)));
        for end in 1..buffer.len() {
            assert!(records(&buffer[..end]).all(|record| record.is_err()), "cut at {end}");
        }
    }

    #[test]
    fn log_marks_keep_level_and_identity_apart() {
        let log = |level: &'static str| Report {
            kind: ReportKind::Log,
            identity: Identity(u128::MAX),
            id: Some("i".into()),
            level: Some(level.into()),
            ..Report::default()
        };
        let (info, error) = (LogMark::new(&log("INFO")), LogMark::new(&log("error")));
        assert_ne!(info, error);
        assert_eq!(info.identity_bits(), error.identity_bits());
        assert!(error.is_error() && LogMark::new(&log("FATAL")).is_error() && !info.is_error());
    }

    #[test]
    fn two_contents_under_one_identity_have_two_marks() {
        let log = Report {
            kind: ReportKind::Log,
            identity: Identity(u128::MAX / 3),
            id: Some("i".into()),
            level: Some("INFO".into()),
            ..Report::default()
        };
        let payload = |json: &'static str| Some(Payload { json: json.into(), cut_from: None });
        let contents = [
            Report { time: Some(Timestamp(5)), ..log.clone() },
            Report { time: Some(Timestamp(6)), ..log.clone() },
            Report { node_name: Some("a".into()), ..log.clone() },
            Report { trace_id: Some("a".into()), ..log.clone() },
            Report { meta: payload("{}"), ..log.clone() },
            Report { level: Some("WARN".into()), ..log.clone() },
            log.clone(),
        ];
        let marks: std::collections::BTreeSet<LogMark> = contents.iter().map(LogMark::new).collect();
        assert_eq!(marks.len(), contents.len());
        assert!(marks.iter().all(|mark| mark.identity_bits() == LogMark::new(&log).identity_bits()));
        let same = Report { message: Some("no summary says it".into()), ..log.clone() };
        assert_eq!(LogMark::new(&same), LogMark::new(&log));
        let substituted =
            |time| Report { id: None, time: Some(Timestamp(time)), time_substituted: true, ..log.clone() };
        assert_ne!(LogMark::new(&substituted(5)), LogMark::new(&substituted(6)), "from two sources");
    }
}
