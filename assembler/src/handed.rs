//! What one process hands to another: digests on their way to the process that sums up their executions.
//!
//! One message holds digests of one flush for one partition of the digest topic. An execution always goes to the same
//! partition ([`partition_of`]), and so to one process; a trace whose marks are not known yet goes to the partition of
//! the trace, whose process looks them up and hands them on.
//!
//! Layout: `version (1 byte)`, then each item: `kind (1 byte)` and what it is about, a trace id, the three ids of an
//! execution, or all that `bytes` says of a digest. A digest that does not fit a message goes as a *join*: the execution is
//! then summed up from the store. A *receipt* stands for digests that stay with the process that stored them: who that is
//! (8 bytes), which flush (8 bytes), the number of executions (4 bytes) and their ids.

use linkloom_schema::ids::LinkMark;
use linkloom_storage::flush::{Owner, RowDigest, RowId};

use crate::bytes::{
    Held, push_count, push_held, push_mark, push_text, take, take_count, take_held, take_mark, take_text,
};

/// The layout this code writes, and the only one it reads.
const VERSION: u8 = 2;
/// Bytes of a message from which on the next item begins another one, and of the largest item: together they stay below
/// the MiB that brokers take by default.
const MESSAGE_BYTES: usize = 384 << 10;

const DIGEST: u8 = 1;
const TRACE: u8 = 2;
const JOIN: u8 = 3;
const RECEIPT: u8 = 4;

/// One thing that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// What a flush held of an execution.
    Digest(RowDigest),
    /// A flush held unmarked reports of this trace.
    Trace(String),
    /// Reports join this execution by their trace id: it is to be summed up from the store.
    Join(LinkMark),
    /// Digests of these executions stay with the process that stored them, because it sums them up itself.
    Receipt(Receipt),
}

/// What stands in the topic for digests that are not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The process that keeps them.
    pub by: u64,
    /// The number that process gave the flush.
    pub flush: u64,
    /// Whose digests they are: at least one, all of one partition.
    pub marks: Vec<LinkMark>,
}

impl Handed {
    /// What the digest of one row is to the process that gets it; `None`: rows of services alone are summed up by nobody.
    pub fn of(digest: RowDigest) -> Option<Self> {
        match digest.owner {
            Owner::Execution(_) => Some(Handed::Digest(digest)),
            Owner::Trace(trace_id) => Some(Handed::Trace(trace_id)),
            Owner::Service(..) => None,
        }
    }

    /// Where it goes, of so many partitions.
    pub fn partition(&self, partitions: u32) -> u32 {
        match self {
            Handed::Digest(digest) => partition_of(digest.id, partitions),
            Handed::Trace(trace_id) => partition_of(RowId::of_trace(trace_id), partitions),
            Handed::Join(mark) => partition_of(RowId::of(mark.as_ref()), partitions),
            Handed::Receipt(Receipt { marks, .. }) => {
                marks.first().map_or(0, |mark| partition_of(RowId::of(mark.as_ref()), partitions))
            }
        }
    }

    fn push(&self, out: &mut Vec<u8>) {
        match self {
            Handed::Trace(trace_id) => {
                out.push(TRACE);
                push_text(out, trace_id);
            }
            Handed::Join(mark) => push_join(out, mark),
            Handed::Receipt(Receipt { by, flush, marks }) => {
                out.push(RECEIPT);
                out.extend_from_slice(&by.to_le_bytes());
                out.extend_from_slice(&flush.to_le_bytes());
                push_count(out, marks.len());
                marks.iter().for_each(|mark| push_mark(out, mark));
            }
            Handed::Digest(digest) => {
                let Owner::Execution(mark) = &digest.owner else { return };
                if digest.records.len() + digest.logs.len() * 8 > MESSAGE_BYTES {
                    return push_join(out, mark);
                }
                out.push(DIGEST);
                push_held(out, mark, digest.span, &digest.traces, &digest.logs, &digest.records);
            }
        }
    }

    fn take(rest: &mut &[u8]) -> Option<Self> {
        let [kind] = take(rest)?;
        match kind {
            TRACE => Some(Handed::Trace(take_text(rest)?.to_owned())),
            JOIN => Some(Handed::Join(take_mark(rest)?)),
            RECEIPT => {
                let (by, flush) = (u64::from_le_bytes(take(rest)?), u64::from_le_bytes(take(rest)?));
                let mut marks = Vec::new();
                for _ in 0..take_count(rest)? {
                    marks.push(take_mark(rest)?);
                }
                Some(Handed::Receipt(Receipt { by, flush, marks }))
            }
            DIGEST => {
                let Held { mark, span, traces, logs, records } = take_held(rest)?;
                let id = RowId::of(mark.as_ref());
                let owner = Owner::Execution(mark);
                Some(Handed::Digest(RowDigest { id, owner, span, traces, records, logs }))
            }
            _ => None,
        }
    }
}

fn push_join(out: &mut Vec<u8>, mark: &LinkMark) {
    out.push(JOIN);
    push_mark(out, mark);
}

/// The partition everything of a row goes to, of so many.
pub fn partition_of(id: RowId, partitions: u32) -> u32 {
    // The shards of a process divide by the upper half.
    (id.0 as u64 % u64::from(partitions.max(1))) as u32
}

/// The receipts of process `by` for what it keeps of one flush, each small enough for a message.
pub fn receipts(by: u64, flush: u64, kept: &[RowDigest], partitions: u32) -> Vec<Handed> {
    let mut open: Vec<(usize, Vec<LinkMark>)> = vec![Default::default(); partitions.max(1) as usize];
    let mut full = Vec::new();
    for digest in kept {
        let Owner::Execution(mark) = &digest.owner else { continue };
        let (bytes, marks) = &mut open[partition_of(digest.id, partitions) as usize];
        *bytes += mark.business_id.len() + mark.scene_id.len() + mark.execution_id.len() + 12;
        marks.push(mark.clone());
        if *bytes >= MESSAGE_BYTES {
            *bytes = 0;
            full.push(std::mem::take(marks));
        }
    }
    full.extend(open.into_iter().map(|(_, marks)| marks).filter(|marks| !marks.is_empty()));
    full.into_iter().map(|marks| Handed::Receipt(Receipt { by, flush, marks })).collect()
}

/// Messages for a topic of so many partitions: partition and bytes.
pub fn messages(items: &[Handed], partitions: u32) -> Vec<(u32, Vec<u8>)> {
    let mut open: Vec<Vec<u8>> = vec![Vec::new(); partitions.max(1) as usize];
    let mut full = Vec::new();
    for item in items {
        let partition = item.partition(partitions);
        let message = &mut open[partition as usize];
        if message.is_empty() {
            message.push(VERSION);
        }
        item.push(message);
        if message.len() >= MESSAGE_BYTES {
            full.push((partition, std::mem::take(message)));
        }
    }
    full.extend((0..).zip(open).filter(|(_, message)| !message.is_empty()));
    full
}

/// What a message holds.
///
/// Errors: what is wrong with it; nothing of it is to be used then.
pub fn decode(message: &[u8]) -> Result<Vec<Handed>, String> {
    match message {
        [] => return Err("it is empty".to_owned()),
        // Layout 1 had no receipts.
        [1 | VERSION, ..] => {}
        [other, ..] => {
            return Err(format!("it has layout {other} of another release, this one reads layout {VERSION}"));
        }
    }
    let mut rest = &message[1..];
    let mut items = Vec::new();
    while !rest.is_empty() {
        let at = message.len() - rest.len();
        items.push(Handed::take(&mut rest).ok_or_else(|| format!("it does not decode at byte {at}"))?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use linkloom_schema::digest::LogMark;
    use linkloom_schema::time::Timestamp;

    use super::*;

    fn mark(execution: &str) -> LinkMark {
        LinkMark::new("content-1", "realtime-input", execution).expect("valid ids")
    }

    fn digest(execution: &str, records: usize) -> RowDigest {
        let mark = mark(execution);
        RowDigest {
            id: RowId::of(mark.as_ref()),
            owner: Owner::Execution(mark),
            span: Some((Timestamp(5), Timestamp(9))),
            traces: vec!["4bf9".to_owned(), String::new()],
            records: vec![7; records],
            logs: vec![LogMark(1), LogMark(u64::MAX)],
        }
    }

    fn some() -> Vec<Handed> {
        let mut items: Vec<Handed> =
            (0..50).map(|number| Handed::Digest(digest(&format!("run-{number}"), number))).collect();
        items.push(Handed::Digest(RowDigest { span: None, ..digest("untimed", 0) }));
        items.push(Handed::Trace("4bf92f".to_owned()));
        items.push(Handed::Join(mark("joined")));
        items.push(Handed::Receipt(Receipt { by: u64::MAX, flush: 7, marks: vec![mark("kept")] }));
        items
    }

    #[test]
    fn what_is_handed_over_arrives_in_the_partition_of_its_row() {
        for partitions in [1, 7] {
            let mut arrived = Vec::new();
            for (partition, message) in messages(&some(), partitions) {
                for item in decode(&message).expect("it decodes") {
                    assert_eq!(item.partition(partitions), partition);
                    arrived.push(item);
                }
            }
            let text = |items: &[Handed]| {
                let mut texts: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
                texts.sort();
                texts
            };
            assert_eq!(text(&arrived), text(&some()));
        }
    }

    #[test]
    fn receipts_name_every_execution_in_the_partition_of_its_row_and_fit_a_message() {
        let kept: Vec<RowDigest> = (0..9_000).map(|number| digest(&format!("{:0>240}", number), 0)).collect();
        for partitions in [1, 7] {
            let receipts = receipts(3, 5, &kept, partitions);
            let mut named = Vec::new();
            for receipt in &receipts {
                let Handed::Receipt(Receipt { by: 3, flush: 5, marks }) = receipt else {
                    panic!("{receipt:?}")
                };
                for mark in marks {
                    let partition = partition_of(RowId::of(mark.as_ref()), partitions);
                    assert_eq!(receipt.partition(partitions), partition);
                    named.push(mark.execution_id.to_string());
                }
            }
            named.sort();
            assert_eq!(named.len(), 9_000);
            assert!(named.iter().enumerate().all(|(number, id)| *id == format!("{:0>240}", number)));
            let sent = messages(&receipts, partitions);
            assert!(sent.iter().all(|(_, message)| message.len() < 1_000_000));
        }
    }

    #[test]
    fn a_message_that_is_cut_or_of_another_release_is_refused() {
        let (_, message) = messages(&[Handed::Digest(digest("run-1", 3))], 1).remove(0);
        for end in 0..message.len() {
            let left = decode(&message[..end]);
            assert!(left.is_err() || end == 1, "cut at {end}: {left:?}");
        }
        let other = decode(&[9, 1]).expect_err("another layout");
        let mut before = message.clone();
        before[0] = 1;
        assert_eq!(decode(&before), decode(&message), "layout 1 had no receipts");
        assert_eq!(other, "it has layout 9 of another release, this one reads layout 2");
    }

    #[test]
    fn messages_stay_below_what_a_broker_takes_and_what_does_not_fit_is_read_from_the_store() {
        let items: Vec<Handed> =
            (0..40).map(|number| Handed::Digest(digest(&format!("run-{number}"), 100_000))).collect();
        let sent = messages(&items, 1);
        assert!(sent.len() >= 6, "{}", sent.len());
        assert!(sent.iter().all(|(_, message)| message.len() < 1_000_000));
        let (_, message) = messages(&[Handed::Digest(digest("huge", 400 << 10))], 1).remove(0);
        assert_eq!(decode(&message), Ok(vec![Handed::Join(mark("huge"))]));
    }
}
