//! Lists of reports without a mark: overflow rows, pages of any size, retention.

use std::collections::BTreeSet;
use std::sync::Arc;

use linkloom::config::Config;
use linkloom::service::OpenStore;
use linkloom_ingest::decode::{Limits, decode};
use linkloom_query::{LogsQuery, Reader, Unlinked, UnlinkedEntry};
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;
use linkloom_storage::flush::{Flush, Sealer};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::Retention;
use linkloom_storage::store::Store;
use serde_json::json;

const NOON: i64 = 1_795_255_200;
const DAY: i64 = 86_400;

/// A store with each of these reports in a pack of its own, the second pack of a row in an overflow row.
fn reader_of(reports: &[serde_json::Value], retention: Retention, now: Option<i64>) -> Reader {
    let store = MemoryStore::new(retention);
    let mut sealer = Sealer::new(1, 1, 1_000).expect("a sealer");
    for report in reports {
        let line = report.to_string();
        let mut flush = Flush::new();
        flush.push(&decode(line.as_bytes(), None, &Limits::default()).expect("a report"));
        store.write(&sealer.seal(&flush).batch).expect("written");
    }
    if let Some(now) = now {
        store.expire(Timestamp(now * 1_000_000)).expect("expired");
    }
    OpenStore::new(Arc::new(store), &Config::default()).expect("a store").reader()
}

fn pages(reader: &Reader, limit: usize) -> Vec<UnlinkedEntry> {
    let mut entries = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = reader.unlinked(limit, cursor.as_deref()).expect("readable");
        assert!(page.unlinked.len() <= limit);
        entries.extend(page.unlinked);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return entries;
        }
    }
}

/// Trace ids of which each begins with the one before and all have one salt, so that overflow rows of one stand behind
/// rows of another.
fn entangled_traces() -> Vec<String> {
    let mut traces = vec!["t".to_owned()];
    let salt = row_key::salt("t");
    let further =
        (0..100_000).map(|number| format!("t{number}")).filter(|trace| row_key::salt(trace) == salt);
    traces.extend(further.take(3));
    traces
}

#[test]
fn pages_of_any_size_list_everything_once() {
    let traces = entangled_traces();
    assert_eq!(traces.len(), 4);
    let mut reports = Vec::new();
    for (number, trace) in traces.iter().enumerate() {
        for report in 0..=number as i64 {
            reports.push(json!({"traceId": trace, "message": format!("m{report}"), "time": NOON + report}));
        }
    }
    for service in ["a", "a-b", "b|c", ""] {
        for hour in 0..3 {
            reports.push(json!({"service": service, "message": "m", "time": NOON + hour * 3_600}));
            reports.push(json!({"service": service, "message": "n", "time": NOON + hour * 3_600}));
        }
        reports.push(json!({"service": service, "message": "no time"}));
    }
    let reader = reader_of(&reports, Retention::Forever, None);
    let all = pages(&reader, 100);
    let names = |of: fn(&UnlinkedEntry) -> &Option<String>| {
        all.iter().filter_map(|entry| of(entry).clone()).collect::<BTreeSet<String>>()
    };
    assert_eq!(names(|entry| &entry.trace_id), traces.iter().cloned().collect());
    assert_eq!(names(|entry| &entry.service), ["", "a", "a-b", "b|c"].map(str::to_owned).into());
    assert_eq!(all.len(), 8);
    for entry in &all {
        let want = match &entry.trace_id {
            Some(trace) => traces.iter().position(|known| known == trace).expect("known") as u64 + 1,
            None => 7,
        };
        assert_eq!((entry.packs, entry.first_time), (want, Some(Timestamp(NOON * 1_000_000))), "{entry:?}");
    }
    for limit in 1..=8 {
        assert_eq!(pages(&reader, limit), all, "pages of {limit}");
    }
    // And the reports of each, page by page.
    for (of, count) in
        [(Unlinked::Trace(&traces[3]), 4), (Unlinked::Service("a"), 7), (Unlinked::Service("b|c"), 7)]
    {
        for limit in [1, 3, 100] {
            let mut query = LogsQuery { limit, ..LogsQuery::default() };
            let mut found = Vec::new();
            loop {
                let page = reader.unlinked_reports(of, &query).expect("readable").expect("there are some");
                found.extend(page.reports);
                query.cursor = page.next_cursor;
                if query.cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), count, "{of:?} in pages of {limit}");
            assert!(found.is_sorted_by_key(|report| report.time.unwrap_or(Timestamp(i64::MAX))));
        }
    }
    assert_eq!(
        reader.unlinked_reports(Unlinked::Service("c"), &LogsQuery::default()).expect("readable"),
        None
    );
    assert!(reader.unlinked(1, Some("no cursor")).is_err());
}

/// A trace whose first row is past retention is listed where its overflow row is.
#[test]
fn what_is_past_retention_is_not_listed() {
    let reports = [
        json!({"traceId": "kept", "message": "old", "time": NOON}),
        json!({"traceId": "kept", "message": "new", "time": NOON + 9 * DAY}),
        json!({"traceId": "gone", "message": "old", "time": NOON}),
        json!({"service": "kept", "message": "old", "time": NOON}),
        json!({"service": "kept", "message": "new", "time": NOON + 9 * DAY}),
        json!({"service": "gone", "message": "old", "time": NOON}),
    ];
    let reader = reader_of(&reports, Retention::Days(3), Some(NOON + 10 * DAY));
    for limit in [1, 10] {
        let listed = pages(&reader, limit);
        let names: Vec<_> = listed
            .iter()
            .map(|entry| (entry.service.as_deref(), entry.trace_id.as_deref(), entry.packs))
            .collect();
        assert_eq!(names, [(Some("kept"), None, 1), (None, Some("kept"), 1)]);
    }
    let found =
        reader.unlinked_reports(Unlinked::Trace("kept"), &LogsQuery { limit: 10, ..LogsQuery::default() });
    let found = found.expect("readable").expect("one is kept");
    assert_eq!(found.reports.len(), 1);
}
