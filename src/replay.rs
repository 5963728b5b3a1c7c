//! What was reported of an execution, in the order of its time, in memory that does not grow with it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use linkloom_schema::ids::{LinkMark, MarkRef};
use linkloom_schema::report::{Identity, Payload, Report, ReportKind, VERSION, decode_stored, encode_stored};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::Table;
use linkloom_storage::execution::{Logs, with_execution};
use linkloom_storage::read::{PackKey, Winners, read_pack};
use linkloom_storage::store::{Store, StoreError};

/// Place of a report: by time, those without one last, then by identity.
type Place = (bool, Option<Timestamp>, Identity);

fn place(time: Option<Timestamp>, identity: Identity) -> Place {
    (time.is_none(), time, identity)
}

/// A stored report on its way: its line, and whether its mark is that of the row.
struct Item {
    place: Place,
    line: String,
    marked: bool,
}

/// Lends every report of an execution to `each`, in the order of their times, those joined by trace id among them; those
/// without a time come last. `None`: nothing is stored of it.
///
/// Memory: the node reports, and of the logs the packs that overlap in time.
/// Errors: of the store; and what `each` returns, which ends it.
pub fn replay<E: From<StoreError>>(
    store: &dyn Store,
    mark: &LinkMark,
    mut each: impl FnMut(&Report<'_>) -> Result<(), E>,
) -> Result<Option<()>, E> {
    let gathered = with_execution(store, mark, Logs::All, |execution| {
        let mut nodes: Vec<Item> = execution
            .reports
            .iter()
            .map(|report| {
                let mut line = Vec::new();
                encode_stored(report, &mut line);
                Item {
                    place: place(report.time, report.identity),
                    line: String::from_utf8(line).expect("JSON is UTF-8"),
                    marked: report.mark.is_some(),
                }
            })
            .collect();
        nodes.sort_unstable_by_key(|item| item.place);
        (nodes, execution.log_packs, execution.winners)
    })?;
    let Some((nodes, mut packs, winners)) = gathered else { return Ok(None) };
    // The pack that begins last is taken first from the end; those without times come last of all.
    let begin = |pack: &PackKey| (pack.name.span.is_none(), pack.name.span.map(|(first, _)| first));
    packs.sort_by_key(|pack| Reverse(begin(pack)));

    let mut open: Vec<VecDeque<Item>> = vec![nodes.into()];
    let mut heads: BinaryHeap<Reverse<(Place, usize)>> = BinaryHeap::new();
    heads.extend(open[0].front().map(|item| Reverse((item.place, 0))));
    let mut last = None;
    loop {
        // Whatever a pack holds is not before its first time.
        while let Some(pack) = packs.last() {
            let next = heads.peek().map(|Reverse(((untimed, time, _), _))| (*untimed, *time));
            if next.is_some_and(|next| next < begin(pack)) {
                break;
            }
            let Some(pack) = packs.pop() else { break };
            let items = items(store, &pack, mark.as_ref(), &winners)?;
            heads.extend(items.front().map(|item| Reverse((item.place, open.len()))));
            open.push(items);
        }
        let Some(Reverse((_, from))) = heads.pop() else { return Ok(Some(())) };
        let Some(item) = open[from].pop_front() else { continue };
        match open[from].front() {
            Some(next) => heads.push(Reverse((next.place, from))),
            None => open[from] = VecDeque::new(),
        }
        // The same report may lie in several packs.
        if last == Some(item.place) {
            continue;
        }
        last = Some(item.place);
        let report = decode_stored(item.line.as_bytes(), item.marked.then(|| mark.as_ref()));
        each(&report.map_err(|why| corrupt(store, &item.line, &why))?)?;
    }
}

fn corrupt(store: &dyn Store, what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { store: store.name().to_owned(), what: what.to_owned(), why: why.to_string() }
}

/// The logs of a pack in their order.
fn items(
    store: &dyn Store,
    pack: &PackKey,
    mark: MarkRef<'_>,
    winners: &Winners,
) -> Result<VecDeque<Item>, StoreError> {
    let marked = pack.table == Table::Link;
    let horizon = store.horizon();
    let mut items = Vec::new();
    for line in read_pack(store, pack)?.lines() {
        let report = decode_stored(line.as_bytes(), marked.then_some(mark))
            .map_err(|why| corrupt(store, &pack.row, &why))?;
        let kept = horizon.is_none_or(|horizon| report.time.is_none_or(|time| time >= horizon));
        if kept && winners.counts(report.identity, line) {
            let place = place(report.time, report.identity);
            items.push(Item { place, line: line.to_owned(), marked });
        }
    }
    items.sort_unstable_by_key(|item| item.place);
    Ok(items.into())
}

/// Appends a report as applications send it, format version 1, with a line feed.
///
/// What was cut stays cut, and a time that was substituted is its time from now on.
pub fn report_line(report: &Report<'_>, out: &mut Vec<u8>) {
    let mut sent = report.clone();
    sent.time_substituted = false;
    let payloads = [
        &mut sent.input,
        &mut sent.output,
        &mut sent.data,
        &mut sent.exception,
        &mut sent.meta,
        &mut sent.attributes,
    ];
    for payload in payloads {
        if let Some(payload) = payload.as_mut() {
            let payload: &mut Payload<'_> = payload;
            payload.cut_from = None;
        }
    }
    // Then it follows from the line and is not written into it.
    sent.identity = Identity::of(&sent, sent.time, &mut Vec::new());
    let kind = match sent.kind {
        ReportKind::Node => "node",
        ReportKind::Log => "log",
    };
    out.extend_from_slice(format!("{{\"v\":{VERSION},\"type\":\"{kind}\"").as_bytes());
    if let Some(mark) = &sent.mark {
        for (name, id) in [
            ("businessId", &mark.business_id),
            ("sceneId", &mark.scene_id),
            ("executionId", &mark.execution_id),
        ] {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            out.extend_from_slice(serde_json::Value::from(&**id).to_string().as_bytes());
        }
    }
    let from = out.len();
    encode_stored(&sent, out);
    // Its members join those above: `{` becomes a comma, unless there are none.
    if out.len() == from + 2 {
        out.truncate(from);
        out.push(b'}');
    } else {
        out[from] = b',';
    }
    out.push(b'\n');
}
