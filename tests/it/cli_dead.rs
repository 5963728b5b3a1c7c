//! `linkloom dead` and `linkloom unlinked`: what did not find its way into an execution.

use expect_test::expect;

use crate::workplace::Workplace;

/// A report that is longer than 1,024 bytes, and some that are none.
fn lines() -> String {
    let long = format!(
        r#"{{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"COMPLETED","time":1795255201,"output":"{}"}}"#,
        "x".repeat(2_000)
    );
    format!("{{\"a\":\n{long}\n\u{1b}[31mred\n")
}

#[test]
fn refused_reports_are_listed_with_reason_and_origin() {
    let place = Workplace::new();
    place.write("in.ndjson", lines());
    let ran = place.run(&["dead", "list", "--store", "S"]).ended_with(2);
    assert_eq!(ran.out, "");
    let ran = place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    assert!(ran.err.contains("1 stored, 0 duplicates within a flush, 2 dead letters"), "{}", ran.err);
    let ran = place.run(&["dead", "list", "--store", "S"]).ended_with(0);
    expect![[r#"
        2 dead letters

          malformed_json  in.ndjson:1  5 bytes
            why  expected a value at byte 5, found the end of the report
            is   {"a":
            id   'in.ndjson|00000|00000000000000000000#55865c3d71e4b889'

          malformed_json  in.ndjson:3  8 bytes
            why  expected '{' at byte 0, found U+001B
            is   \u{1b}[31mred
            id   'in.ndjson|00000|00000000000000002123#63d668d5add393bc'
    "#]]
    .assert_eq(&ran.out);
    let ran = place.run(&["dead", "list", "--store", "S", "--limit", "1", "--output", "json"]).ended_with(0);
    expect![[r#"
        {"deadLetters":[{"id":"in.ndjson|00000|00000000000000000000#55865c3d71e4b889","source":"in.ndjson","partition":0,"position":0,"line":1,"time":null,"reason":"malformed_json","detail":"expected a value at byte 5, found the end of the report","fullLength":5,"whole":true,"replayed":false,"start":"{\"a\":"}],"nextCursor":"cjF8aW4ubmRqc29uJTdDMDAwMDAlN0MwMDAwMDAwMDAwMDAwMDAwMDAwMHw1NTg2NWMzZDcxZTRiODg5"}
    "#]].assert_eq(&ran.out);
    let cursor = ran.json()["nextCursor"].as_str().expect("a second page").to_owned();
    let second = place
        .run(&["dead", "list", "--store", "S", "--limit", "1", "--output", "json", "--cursor", &cursor])
        .ended_with(0)
        .json();
    assert_eq!(
        (&second["deadLetters"][0]["line"], &second["nextCursor"]),
        (&3.into(), &serde_json::Value::Null)
    );
    place.run(&["dead", "list", "--store", "S", "--cursor", "x"]).ended_with(2);
}

#[test]
fn what_is_accepted_under_another_limit_is_replayed_once() {
    let place = Workplace::new()
        .with_env("LINKLOOM__INGEST__REPORT_BYTES_MAX", "1024")
        .with_env("LINKLOOM__INGEST__PAYLOAD_BYTES_MAX", "512");
    place.write("in.ndjson", lines());
    let ran = place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    assert!(ran.err.contains("0 stored, 0 duplicates within a flush, 3 dead letters"), "{}", ran.err);
    let verify = |place: &Workplace| place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0).out;
    assert!(verify(&place).contains("dead letters              3\n"));

    let replay = |place: &Workplace, which: &[&str]| {
        let mut all = vec!["dead", "replay", "--store", "S"];
        all.extend(which);
        place.run(&all)
    };
    let ran = replay(&place, &["--all"]).ended_with(0);
    assert_eq!(ran.out, "replayed 0, still refused 3 (report_too_long 1, malformed_json 2)\n");

    // Under the usual limits the long one is a report.
    let usual = place.without_env();
    // What was refused then is not lost now, though it would be accepted.
    assert!(verify(&usual).contains("dead letters              3\n"));
    let ran = replay(&usual, &["--all"]).ended_with(0);
    assert_eq!(ran.out, "replayed 1, still refused 2 (malformed_json 2)\n");
    let show = |place: &Workplace| {
        let arguments =
            ["link", "show", "--store", "S", "b", "s", "e", "--output", "json", "--as-of", "2026-12-01"];
        place.run(&arguments).ended_with(0).out
    };
    let shown = show(&usual);
    assert!(shown.contains(r#""state":"completed""#), "{shown}");
    let list = usual.run(&["link", "list", "--store", "S", "b", "--output", "json"]).ended_with(0).json();
    assert_eq!(list["executions"][0]["status"], "completed");

    // Again, and by id: nothing changes.
    let ran = replay(&usual, &["--all"]).ended_with(0);
    assert_eq!(ran.out, "replayed 0, still refused 2 (malformed_json 2), replayed before 1\n");
    let dead = usual.run(&["dead", "list", "--store", "S", "--all", "--output", "json"]).ended_with(0).json();
    let letters = dead["deadLetters"].as_array().expect("letters");
    assert_eq!(letters.len(), 3);
    let long = letters.iter().find(|letter| letter["replayed"] == true).expect("one was replayed");
    let id = long["id"].as_str().expect("an id");
    let ran = replay(&usual, &[id, id]).ended_with(0);
    assert_eq!(ran.out, "replayed 0, still refused 0, replayed before 1\n");
    assert_eq!(show(&usual), shown);
    let left = usual.run(&["dead", "list", "--store", "S", "--output", "json"]).ended_with(0).json();
    assert_eq!(left["deadLetters"].as_array().map(Vec::len), Some(2));
    let counts = verify(&usual);
    assert!(
        counts.contains("stored                    1\n") && counts.contains("missing                   0\n"),
        "{counts}"
    );

    let unknown = id.replace("in.ndjson", "out.ndjson");
    let ran = replay(&usual, &[&unknown]).ended_with(1);
    assert!(ran.err.starts_with("there is no dead letter out.ndjson|"), "{}", ran.err);
    let ran = replay(&usual, &["nonsense"]).ended_with(2);
    assert!(ran.err.contains("is not the id of a dead letter"), "{}", ran.err);
}

/// What was cut cannot be decoded again.
#[test]
fn a_dead_letter_that_was_not_kept_whole_stays() {
    let place = Workplace::new()
        .with_env("LINKLOOM__INGEST__REPORT_BYTES_MAX", "1024")
        .with_env("LINKLOOM__INGEST__PAYLOAD_BYTES_MAX", "512")
        .with_env("LINKLOOM__INGEST__DEAD_LETTER_BYTES_MAX", "1024");
    place.write("in.ndjson", lines());
    place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0);
    let ran = place.without_env().run(&["dead", "replay", "--store", "S", "--all"]).ended_with(0);
    assert_eq!(ran.out, "replayed 0, still refused 2 (malformed_json 2), not kept whole 1\n");
}

const UNMARKED: &str = concat!(
    r#"{"traceId":"t-1","nodeName":"A","status":"FAILED","time":1795255201,"service":"api","input":{"a":1}}"#,
    "\n",
    r#"{"traceId":"t-1","message":"joined","level":"WARN","time":1795255202,"service":"api"}"#,
    "\n",
    r#"{"traceId":"t-2","message":"alone","time":1795255203}"#,
    "\n",
    r#"{"service":"api","message":"no trace","level":"ERROR","time":1795255204,"data":{"k":"v"}}"#,
    "\n",
    r#"{"service":"api","message":"two hours later","time":1795262404}"#,
    "\n",
    r#"{"message":"from nowhere"}"#,
    "\n",
    r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"A","status":"RUNNING","time":1795255200,"traceId":"t-1"}"#,
    "\n",
);

#[test]
fn reports_without_a_mark_are_listed_by_trace_and_service() {
    let place = Workplace::new();
    place.write("in.ndjson", UNMARKED);
    place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    let unlinked = |arguments: &[&str]| {
        let mut all = vec!["unlinked", "list", "--store", "S"];
        all.extend(arguments);
        place.run(&all)
    };
    expect![[r#"
        reports without a mark: 2 services, 2 traces

          OF       NAME          FIRST (UTC)              LAST (UTC)               PACKS  SHOWN IN
          service  api           2026-11-21 10:00:04.000  2026-11-21 12:00:04.000  2
          service  (none named)                                                    1
          trace    t-1           2026-11-21 10:00:01.000  2026-11-21 10:00:02.000  2      1
          trace    t-2           2026-11-21 10:00:03.000  2026-11-21 10:00:03.000  1      none
    "#]]
    .assert_eq(&unlinked(&[]).ended_with(0).out);
    let all = unlinked(&["--output", "json"]).ended_with(0).json();
    let entries = all["unlinked"].as_array().expect("entries");
    assert_eq!(entries.len(), 4);

    // Page by page the same.
    let mut paged = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut arguments = vec!["--limit", "1", "--output", "json"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = unlinked(&arguments).ended_with(0).json();
        paged.extend(page["unlinked"].as_array().expect("entries").clone());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(&paged, entries);

    expect![[r#"
        2 reports

          2026-11-21 10:00:01.000  FAILED     A  api
            input  {"a": 1}
          2026-11-21 10:00:02.000  WARN       joined  api
    "#]]
    .assert_eq(&unlinked(&["--trace", "t-1"]).ended_with(0).out);
    expect![[r#"
        {"reports":[{"type":"log","time":"2026-11-21T10:00:04.000000Z","nodeName":null,"status":null,"level":"ERROR","message":"no trace","input":null,"output":null,"data":{"k":"v"},"exception":null,"service":"api","instance":null,"traceId":null},{"type":"log","time":"2026-11-21T12:00:04.000000Z","nodeName":null,"status":null,"level":null,"message":"two hours later","input":null,"output":null,"data":null,"exception":null,"service":"api","instance":null,"traceId":null}],"nextCursor":null}
    "#]].assert_eq(&unlinked(&["--service", "api", "--output", "json"]).ended_with(0).out);
    let nowhere = unlinked(&["--service", "", "--output", "json"]).ended_with(0).json();
    assert_eq!(nowhere["reports"][0]["message"], "from nowhere");

    let first = unlinked(&["--service", "api", "--limit", "1", "--output", "json"]).ended_with(0).json();
    let cursor = first["nextCursor"].as_str().expect("a second page");
    let second = unlinked(&["--service", "api", "--limit", "1", "--output", "json", "--cursor", cursor])
        .ended_with(0)
        .json();
    assert_eq!(second["reports"][0]["message"], "two hours later");
    assert_eq!(second["nextCursor"], serde_json::Value::Null);

    let ran = unlinked(&["--trace", "t-3"]).ended_with(1);
    assert_eq!((&*ran.out, &*ran.err), ("", "t-3: no reports without a mark\n"));
    let ran = unlinked(&["--trace", "t-3", "--output", "json"]).ended_with(1);
    assert_eq!(ran.out, "{\"reports\":[],\"nextCursor\":null}\n");
}
