//! `linkloom verify`: what is in the store and what is not.

use std::path::Path;

use expect_test::expect;
use linkloom::pipeline::dead;
use linkloom::verify::{Verified, VerifySettings, verify};
use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::decode::{Limits, decode};
use linkloom_ingest::source::{Input, InputOptions, Inputs, Next, Source};
use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::CellBatch;
use linkloom_storage::flush::{Flush, Sealer};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::retention::Retention;
use linkloom_storage::store::Store;

use crate::workplace::Workplace;

const LINES: &str = concat!(
    r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"RUNNING","time":1795255200,"service":"x"}"#,
    "\n",
    r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"COMPLETED","time":1795255201,"service":"x"}"#,
    "\n",
    r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"COMPLETED","time":1795255201,"service":"x"}"#,
    "\nno report\n",
    r#"{"traceId":"t","message":"without a mark","time":1795255201}"#,
    "\n",
    r#"{"service":"x","message":"without a mark and a time"}"#,
    "\n",
);

#[test]
fn every_line_of_an_ingested_file_is_found() {
    let place = Workplace::new();
    place.write("a.ndjson", format!("{LINES}{{\"half\":"));
    place.run(&["ingest", "--store", "S", "a.ndjson"]).ended_with(0);
    let ran = place.run(&["verify", "--store", "S", "a.ndjson"]).ended_with(0);
    expect![[r#"
        read                      6
        stored                    4
        duplicates                1
        dead letters              1
        expired                   0
        missing                   0
    "#]]
    .assert_eq(&ran.out);
    expect![[r#"
        a.ndjson:7: incomplete tail of 8 bytes, left for the next time
    "#]]
    .assert_eq(&ran.err);

    // Under another name, twice, and from stdin: the content counts.
    place.write("b.ndjson", LINES);
    let ran =
        place.run(&["verify", "--store", "S", "a.ndjson", "b.ndjson", "--output", "json"]).ended_with(0);
    expect![[r#"
        {"read":12,"stored":4,"duplicates":6,"duplicatesAtLeast":false,"dead":2,"expired":0,"missing":0,"firstMissing":[],"incomplete":["a.ndjson:7: incomplete tail of 8 bytes, left for the next time"]}
    "#]].assert_eq(&ran.out);
    place.run_with(&["verify", "--store", "S", "-"], LINES.as_bytes()).ended_with(0);
}

#[test]
fn what_is_missing_is_named() {
    let place = Workplace::new();
    place.write("a.ndjson", LINES);
    place.run(&["ingest", "--store", "S", "a.ndjson"]).ended_with(0);
    let more = concat!(
        r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"FAILED","time":1795255202}"#,
        "\nno report either\n",
    );
    place.write("a.ndjson", format!("{LINES}{more}"));
    let ran = place.run(&["verify", "--store", "S", "a.ndjson"]).ended_with(1);
    expect![[r#"
        read                      8
        stored                    4
        duplicates                1
        dead letters              1
        expired                   0
        missing                   2
        missing: a.ndjson:7: node report dbf38fd5555c8e3f8cd88622682dfaa5, expected in table link, row f9|b|s|e
        missing: a.ndjson:8: refused (malformed_json), its dead letter is expected in table dead, row a.ndjson|00000|00000000000000000582
    "#]].assert_eq(&ran.out);

    // The rest of the file is ingested, and nothing is missing any more.
    place.run(&["ingest", "--store", "S", "a.ndjson"]).ended_with(0);
    place.run(&["verify", "--store", "S", "a.ndjson"]).ended_with(0);
}

#[test]
fn a_store_or_a_file_that_is_not_there_is_an_error() {
    let place = Workplace::new();
    place.write("a.ndjson", LINES);
    for arguments in [
        &["verify", "--store", "S", "a.ndjson"][..],
        &["dead", "list", "--store", "S"],
        &["dead", "replay", "--store", "S", "--all"],
        &["unlinked", "list", "--store", "S"],
        &["dsl", "graph", "--store", "S", "scene"],
    ] {
        let ran = place.run(arguments).ended_with(2);
        assert_eq!(
            ran.err, "linkloom: there is no store at S; `linkloom ingest` makes one\n",
            "{arguments:?}"
        );
        assert_eq!(ran.out, "");
    }
    assert!(!place.path("S").exists(), "a reading command makes no store");
    let ran = place.run(&["dead", "list"]).ended_with(2);
    assert!(ran.err.contains("name one with --store"), "{}", ran.err);

    place.run(&["ingest", "--store", "S", "a.ndjson"]).ended_with(0);
    let ran = place.run(&["verify", "--store", "S", "absent.ndjson", "a.ndjson"]).ended_with(2);
    assert!(ran.err.contains("absent.ndjson"), "{}", ran.err);
    assert!(ran.out.starts_with("read                      6\n"), "the other file is verified: {}", ran.out);
}

/// A store with the reports of these lines and the dead letters of the others, but for those `left_out`.
fn store_of(lines: &[String], retention: Retention, left_out: impl Fn(usize) -> bool) -> MemoryStore {
    let store = MemoryStore::new(retention);
    let mut flush = Flush::new();
    let mut cells = Vec::new();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines.concat()).expect("written");
    let mut source = inputs(file.path());
    let mut at = 0;
    loop {
        match source.next(std::time::Duration::ZERO).expect("readable") {
            Next::Batch(batch) => {
                for record in batch.iter() {
                    if !left_out(at) {
                        match decode(record.bytes, None, &Limits::default()) {
                            Ok(report) => flush.push(&report),
                            Err(refusal) => cells.push(dead::cell(&DeadLetter::new(&record, refusal))),
                        }
                    }
                    at += 1;
                }
            }
            Next::End => break,
            _ => {}
        }
    }
    let mut sealed = Sealer::new(1, 16, 1_000).expect("a sealer").seal(&flush);
    sealed.batch.cells.extend(cells);
    store.write(&sealed.batch).expect("written");
    store.write(&CellBatch::default()).expect("written");
    store
}

fn inputs(path: &Path) -> Inputs {
    Inputs::new([Input::File(path.to_owned())], InputOptions::default(), Box::new(|_| Ok(Vec::new())))
}

fn verified(store: &MemoryStore, lines: &[String], settings: &VerifySettings) -> Verified {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines.concat()).expect("written");
    let (verified, notes) =
        verify(store, &mut inputs(file.path()), settings, &mut |_| ()).expect("the store is readable");
    assert!(notes.failed.is_empty() && notes.incomplete.is_empty(), "{notes:?}");
    verified
}

/// Lines of many executions and hours, some repeated, some refused.
fn many(count: usize) -> Vec<String> {
    let line = |number: usize| match number % 10 {
        7 => format!("refused {number}\n"),
        3 => format!(
            "{{\"traceId\":\"t{}\",\"message\":\"m{number}\",\"time\":{}}}\n",
            number % 4,
            1_795_255_200 + number * 100
        ),
        _ => format!(
            "{{\"businessId\":\"b{}\",\"sceneId\":\"s\",\"executionId\":\"e\",\"nodeName\":\"n\",\"message\":\"m{number}\",\"time\":{}}}\n",
            number % 6,
            1_795_255_200 + number * 100
        ),
    };
    (0..count)
        .flat_map(|number| std::iter::repeat_n(line(number), if number % 9 == 0 { 2 } else { 1 }))
        .collect()
}

/// Chunks change nothing, and each line left out is missed.
#[test]
fn whatever_is_left_out_is_missed_in_chunks_of_any_size() {
    let lines = many(300);
    let whole = store_of(&lines, Retention::Forever, |_| false);
    let holes =
        store_of(&lines, Retention::Forever, |at| lines[at].contains("5\"") || lines[at].contains("27"));
    let lost: Vec<&String> =
        lines.iter().filter(|line| line.contains("5\"") || line.contains("27")).collect();
    assert!(lost.len() > 30 && lost.iter().any(|line| line.starts_with("refused")));
    for chunk_records in [1, 7, 100, 100_000] {
        let settings = VerifySettings { chunk_records, ..VerifySettings::default() };
        let all = verified(&whole, &lines, &settings);
        let dead = lines.iter().filter(|line| line.starts_with("refused")).count() as u64;
        let repeated =
            lines.windows(2).filter(|pair| pair[0] == pair[1] && !pair[0].starts_with("refused")).count()
                as u64;
        let want = Verified {
            read: lines.len() as u64,
            stored: lines.len() as u64 - dead - repeated,
            duplicates: repeated,
            dead,
            ..Verified::default()
        };
        assert_eq!(all, want, "chunks of {chunk_records}");
        let some = verified(&holes, &lines, &settings);
        assert_eq!(some.missing, lost.len() as u64, "chunks of {chunk_records}");
        assert_eq!(some.read, some.stored + some.duplicates + some.dead + some.expired + some.missing);
    }
    // Few remembered: nothing is missed, but repeated reports may count as stored.
    let settings = VerifySettings { chunk_records: 10, remembered_max: 3, ..VerifySettings::default() };
    let few = verified(&whole, &lines, &settings);
    assert!(few.duplicates_at_least && few.missing == 0);
    assert_eq!(few.read, few.stored + few.duplicates + few.dead);
}

#[test]
fn what_is_past_retention_is_expired_and_not_missing() {
    let day = |day: usize| 1_795_255_200 + day * 86_400;
    let lines: Vec<String> = (0..10)
        .map(|number| {
            format!(
                "{{\"businessId\":\"b\",\"sceneId\":\"s\",\"executionId\":\"e\",\"message\":\"m\",\"time\":{}}}\n",
                day(number)
            )
        })
        .collect();
    let store = store_of(&lines, Retention::Days(3), |at| at == 9);
    store.expire(Timestamp(day(9) as i64 * 1_000_000)).expect("expired");
    let found = verified(&store, &lines, &VerifySettings::default());
    assert_eq!((found.stored, found.expired, found.missing), (3, 6, 1));
}
