//! A batch of digests in parts of bounded work, each committed for itself. Pure.

use linkloom_assembler::handed::{self, Handed};
use linkloom_ingest::source::RawBatch;

use crate::pipeline::feed::FeedError;

/// Messages of a part, and traces it names before it ends. Each trace is a look into the store: after an outage a batch names
/// thousands, and nothing of it could be committed for minutes.
const PART_MESSAGES_MAX: usize = 64;
const PART_TRACES_MAX: usize = 64;

/// What some messages of a batch hold, in a row.
pub(super) struct Part {
    pub(super) items: Vec<Handed>,
    /// The position behind the last of them.
    pub(super) next: u64,
}

/// The messages of a batch in parts that can be committed one by one.
pub(super) fn parts(batch: &RawBatch) -> Result<Vec<Part>, FeedError> {
    let mut parts = Vec::new();
    let mut items = Vec::new();
    let (mut messages, mut traces) = (0, 0);
    for (record, raw) in batch.iter().zip(&batch.records) {
        let whole = record.bytes.len() as u64 == record.full_length;
        let decoded = if whole { handed::decode(record.bytes) } else { Err("it was cut".to_owned()) };
        let decoded = decoded.map_err(|why| FeedError::Digests(format!("{}: {why}", record.origin)))?;
        messages += 1;
        traces += decoded.iter().filter_map(trace_of).count();
        items.extend(decoded);
        if messages >= PART_MESSAGES_MAX || traces >= PART_TRACES_MAX {
            parts.push(Part { items: std::mem::take(&mut items), next: raw.position + 1 });
            (messages, traces) = (0, 0);
        }
    }
    if messages > 0 {
        parts.push(Part { items, next: batch.next_position });
    }
    Ok(parts)
}

pub(super) fn trace_of(item: &Handed) -> Option<&str> {
    match item {
        Handed::Trace(trace_id) => Some(trace_id),
        Handed::Digest(_) | Handed::Join(_) | Handed::Receipt(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use linkloom_ingest::source::RawRecord;

    use super::*;

    /// A batch of so many messages from position 100 on, each with so many traces.
    fn batch(messages: u64, traces: usize) -> RawBatch {
        let mut batch = RawBatch { source: "t".into(), ..RawBatch::default() };
        for number in 0..messages {
            let items: Vec<Handed> =
                (0..traces).map(|trace| Handed::Trace(format!("{number}-{trace}"))).collect();
            let start = batch.bytes.len();
            for (_, message) in handed::messages(&items, 1) {
                batch.bytes.extend_from_slice(&message);
            }
            let end = batch.bytes.len();
            batch.records.push(RawRecord {
                start,
                end,
                full_length: (end - start) as u64,
                position: 100 + number,
                line: 0,
                time: None,
            });
            batch.next_position = 101 + number;
        }
        batch
    }

    /// Traces and next position of each part.
    fn of(batch: &RawBatch) -> Vec<(usize, u64)> {
        let parts = parts(batch).expect("decoded");
        parts.iter().map(|part| (part.items.len(), part.next)).collect()
    }

    #[test]
    fn a_batch_is_committed_in_parts_of_bounded_work() {
        assert_eq!(of(&batch(3, 10)), [(30, 103)], "little of it stays together");
        assert_eq!(of(&batch(20, 10)), [(70, 107), (70, 114), (60, 120)]);
        assert_eq!(of(&batch(2, 500)), [(500, 101), (500, 102)], "a message is not cut");
        assert_eq!(of(&batch(64, 1)), [(64, 164)], "nothing is left over");
        assert_eq!(of(&RawBatch::default()), []);
    }

    #[test]
    fn a_message_that_was_cut_is_told_with_its_place() {
        let mut cut = batch(2, 1);
        cut.records[1].full_length += 1;
        let why = parts(&cut).err().map(|error| error.to_string());
        assert_eq!(why.as_deref(), Some("digests at t[0]@101: it was cut"));
    }
}
