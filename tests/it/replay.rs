//! `link replay`: what comes out is what went in, in the order of its time, and makes the same answers again.

use crate::workplace::Workplace;

const AS_OF: &str = "2026-11-21T12:00:00Z";

/// The execution of the sample, shown and paged.
fn answers(place: &Workplace, store: &str) -> Vec<String> {
    let mark = ["content-42", "realtime-input", "5f2c"];
    let show =
        ["link", "show", "--store", store, mark[0], mark[1], mark[2], "--as-of", AS_OF, "--output", "json"];
    let shown = place.run(&show).ended_with(0);
    let mut answers = vec![shown.out.clone()];
    for node in shown.json()["nodes"].as_array().expect("nodes") {
        let name = node["nodeName"].as_str().expect("a name");
        let node = ["node", "show", "--store", store, mark[0], mark[1], mark[2], name];
        let more = ["--as-of", AS_OF, "--output", "json"];
        answers.push(place.run(&[&node[..], &more].concat()).ended_with(0).out);
    }
    answers
}

#[test]
fn replayed_reports_make_the_same_answers() {
    let place = Workplace::new();
    for file in ["realtime-input.ndjson", "realtime-input.json"] {
        place.copy(&format!("dsl-samples/{file}"));
    }
    std::fs::create_dir(place.path("dsl")).expect("created");
    std::fs::rename(place.path("realtime-input.json"), place.path("dsl/realtime-input.json")).expect("moved");
    // A report in several packs, some that are joined by their trace, one without a time, and odd payloads.
    let more = r#"{"businessId":"content-42","sceneId":"realtime-input","executionId":"5f2c","nodeName":"receive","level":"INFO","message":"tab\there","time":1795255200.5,"traceId":"tr-1","data":{"n":1.0,"big":12345678901234567890},"extra":[1,2]}
{"traceId":"tr-1","level":"WARN","message":"joined by its trace","time":1795255201}
{"businessId":"content-42","sceneId":"realtime-input","executionId":"5f2c","nodeName":"receive","level":"INFO","message":"when?"}
"#;
    place.write("more.ndjson", more);
    place.write("again.ndjson", more);
    for file in ["realtime-input.ndjson", "more.ndjson", "again.ndjson"] {
        place.run(&["ingest", "--store", "S", "--dsl", "dsl", file]).ended_with(0);
    }
    let replay = ["link", "replay", "--store", "S", "content-42", "realtime-input", "5f2c", "--speed", "0"];
    let lines = place.run(&[&replay[..], &["--output", "ndjson"]].concat()).ended_with(0).out;
    let times: Vec<Option<u64>> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["time"].as_u64())
        .collect();
    let timed: Vec<u64> = times.iter().copied().flatten().collect();
    assert!(timed.is_sorted() && timed.len() > 5, "{lines}");
    assert_eq!(times.iter().filter(|time| time.is_none()).count(), 1, "{lines}");
    assert_eq!(times.last(), Some(&None), "what has no time comes last");
    assert_eq!(lines.matches("when?").count(), 1, "once, however often it is stored");

    place.write("replayed.ndjson", &lines);
    place.run(&["ingest", "--store", "R", "--dsl", "dsl", "--strict", "replayed.ndjson"]).ended_with(0);
    assert_eq!(answers(&place, "R"), answers(&place, "S"));
    place.run(&["verify", "--store", "S", "replayed.ndjson"]).ended_with(0);

    let table = place.run(&replay).ended_with(0).out;
    assert_eq!(table.lines().count(), lines.lines().count(), "{table}");
    assert!(table.starts_with("+0 "), "{table}");
    assert!(table.contains("tab") && !table.contains('\t'), "nothing steers the terminal: {table}");
}
