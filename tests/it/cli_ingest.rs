//! `linkloom ingest`: what it says of what it read, and how it ends.

use expect_test::expect;

use crate::workplace::{Ran, Workplace};

const GOOD: &str = "{\"businessId\":\"b\",\"sceneId\":\"s\",\"executionId\":\"e\",\"nodeName\":\"A\",\
    \"status\":\"COMPLETED\",\"time\":1795255201}\n";

/// What is said, without what depends on the machine.
fn said(ran: &Ran) -> String {
    let mut text = String::new();
    for line in ran.err.lines() {
        match line.split_once(" in ").zip(line.split_once(" a second): ")) {
            Some(((records, _), (_, counts))) => text.push_str(&format!("{records}: {counts}\n")),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[test]
fn refusals_are_summed_up_with_an_example_and_the_way_to_the_others() {
    let place = Workplace::new();
    place.write("in.ndjson", format!("{GOOD}{GOOD}not json at all\n2026-11-21 started\n{{\"v\":2}}\n"));
    let ran = place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    expect![[r#"
        5 records: 1 stored, 1 duplicate within a flush, 3 dead letters
          malformed_json: 2, first in.ndjson:3: expected '{' at byte 0, found 'n'
          unsupported_version: 1, first in.ndjson:5: v is 2, the supported version is 1
          see: linkloom dead list --store S
    "#]]
    .assert_eq(&said(&ran));

    // What the store has already is stored once more, and merged by whoever reads it: only what is on its way together
    // counts as a duplicate.
    place.write("again.ndjson", format!("{GOOD}\n\n"));
    let ran = place.run(&["ingest", "--store", "S", "again.ndjson"]).ended_with(0);
    expect![[r#"
        1 record: 1 stored, 0 duplicates within a flush, 0 dead letters
    "#]]
    .assert_eq(&said(&ran));
    let shown = place.run(&["link", "show", "--store", "S", "b", "s", "e"]).ended_with(0).out;
    assert!(shown.contains("  reports   1 report\n"), "{shown}");
}

#[test]
fn strict_stays_strict_until_what_was_refused_is_replayed() {
    let place = Workplace::new();
    let long = GOOD.replace("}\n", &format!(",\"input\":\"{}\"}}\n", "x".repeat(2_000)));
    place.write("bad.ndjson", format!("{long}{GOOD}"));
    let strict = |place: &Workplace, file: &str| place.run(&["ingest", "--store", "S", "--strict", file]);
    let small = place
        .with_env("LINKLOOM__INGEST__REPORT_BYTES_MAX", "1024")
        .with_env("LINKLOOM__INGEST__PAYLOAD_BYTES_MAX", "512");
    strict(&small, "bad.ndjson").ended_with(1);
    let ran = strict(&small, "bad.ndjson").ended_with(1);
    expect![[r#"
        bad.ndjson was ingested before, nothing is new (byte 2,221)
        0 records: 0 stored, 0 duplicates within a flush, 0 dead letters
        bad.ndjson: 1 line refused before and not replayed
          see: linkloom dead list --store S --source bad.ndjson
    "#]]
    .assert_eq(&said(&ran));
    // Without the flag it is as before, and another file is not to blame.
    small.run(&["ingest", "--store", "S", "bad.ndjson"]).ended_with(0);
    small.write("good.ndjson", GOOD);
    strict(&small, "good.ndjson").ended_with(0);
    // Another name, and more lines: it is the same file.
    small.write("copy.ndjson", format!("{long}{GOOD}{}", GOOD.replace("201", "202")));
    strict(&small, "copy.ndjson").ended_with(1);
    strict(&small, "copy.ndjson").ended_with(1);

    // Named twice in one call its refusals are those of one file.
    small.run(&["ingest", "--store", "T", "--strict", "bad.ndjson", "bad.ndjson"]).ended_with(1);

    let usual = small.without_env();
    for store in ["S", "T"] {
        usual.run(&["dead", "replay", "--store", store, "--all"]).ended_with(0);
        usual.run(&["ingest", "--store", store, "--strict", "bad.ndjson"]).ended_with(0);
    }
}

#[test]
fn a_definition_among_the_reports_is_told() {
    let place = Workplace::new();
    place.copy("dsl-samples/realtime-input.json");
    place.write("in.ndjson", "[]\n");
    let ran = place.run(&["ingest", "--store", "S", "realtime-input.json", "in.ndjson"]).ended_with(0);
    let told: Vec<&str> = ran.err.lines().filter(|line| line.contains("is a definition")).collect();
    assert_eq!(
        told,
        [
            "realtime-input.json is a definition of a link, not reports: put it with `linkloom dsl put`, or name its \
          folder with --dsl"
        ]
    );
}

#[test]
fn a_folder_without_definitions_is_an_error() {
    let place = Workplace::new();
    place.write("in.ndjson", GOOD);
    std::fs::create_dir_all(place.path("links/inner")).expect("a folder");
    place.copy("dsl-samples/realtime-input.json");
    std::fs::rename(place.path("realtime-input.json"), place.path("links/inner/a.json")).expect("moved");
    let ingest = |links: &str| place.run(&["ingest", "--store", "S", "--dsl", links, "in.ndjson"]);
    let ran = ingest("links").ended_with(2);
    assert_eq!(
        ran.err,
        "linkloom: there is no definition in links; read are its own .json and .xml files, not those of folders in it\n"
    );
    let ran = ingest("links/inner").ended_with(0);
    assert!(ran.err.starts_with("1 definition in links/inner, 1 new\n1 record in "), "{}", ran.err);
}

#[test]
fn what_cannot_be_read_is_not_summed_up() {
    let place = Workplace::new();
    place.write("in.ndjson", GOOD);
    place.run(&["ingest", "--store", "S", "in.ndjson"]).ended_with(0);
    let ran = place.run(&["verify", "--store", "S", "nosuch"]).ended_with(2);
    assert_eq!(ran.out, "");
    let ran = place.run(&["dsl", "check", "nosuch.json"]).ended_with(2);
    assert_eq!(ran.out, "");
    let ran = place.run(&["dsl", "graph", "refund"]).ended_with(2);
    assert_eq!(ran.err, "linkloom: there is no file refund; a scene of a store is drawn with --store PATH\n");
    place.copy("dsl-samples/realtime-input.json");
    place.run(&["dsl", "put", "--store", "S", "realtime-input.json"]).ended_with(0);
    let ran = place.run(&["dsl", "graph", "--store", "S", "realtime-inptu"]).ended_with(1);
    assert_eq!(ran.err, "the scene realtime-inptu has no definition; did you mean realtime-input?\n");
}

/// Whoever copies the first example of the format gets one run that has ended.
#[test]
fn the_first_example_of_the_format_is_one_run() {
    let doc = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report-format.md");
    let doc = std::fs::read_to_string(doc).expect("docs/report-format.md");
    let (_, after) = doc.split_once("```json\n").expect("an example");
    let (example, _) = after.split_once("```").expect("its end");
    let place = Workplace::new();
    place.write("in.ndjson", example);
    place.run(&["ingest", "--store", "S", "--strict", "in.ndjson"]).ended_with(0);
    let mark = ["content-42", "realtime-input", "5f2c"];
    let node = ["node", "show", "--store", "S", mark[0], mark[1], mark[2], "picProcess", "--output", "json"];
    let node = place.run(&node).ended_with(0).json();
    let runs = node["runs"].as_array().expect("runs");
    assert_eq!((runs.len(), &runs[0]["status"]), (1, &"COMPLETED".into()), "{node}");
}
