//! Bad input from end to end, through the binary: each is a clear error or a dead letter, and nothing else is lost.

use std::io::{BufWriter, Write as _};
use std::process::Stdio;
use std::sync::Arc;

use linkloom::config::Config;
use linkloom::service::{OpenStore, open_embedded};
use linkloom_query::{ListQuery, Reader};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use serde_json::{Value, json};

use crate::workplace::{Ran, Workplace};

const NOON: i64 = 1_795_255_200;

/// A report of a node that ran once in the execution `b`, `s`, `e`.
fn good(node: &str) -> Vec<u8> {
    let report = json!({"businessId": "b", "sceneId": "s", "executionId": "e", "nodeName": node, "status": "COMPLETED", "time": NOON});
    report.to_string().into_bytes()
}

fn ingest(place: &Workplace, file: &str) -> Ran {
    place.run(&["ingest", "--store", "S", file]).ended_with(0)
}

fn show(place: &Workplace) -> Value {
    place.run(&["link", "show", "--store", "S", "b", "s", "e", "--output", "json"]).ended_with(0).json()
}

/// Nodes of the execution with a run, in order of their names.
fn ran(shown: &Value) -> Vec<String> {
    let nodes = shown["nodes"].as_array().expect("nodes");
    let ran = nodes.iter().filter(|node| !node["runs"].as_array().expect("runs").is_empty());
    let mut names: Vec<String> =
        ran.map(|node| node["nodeName"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// Dead letters in the order of the file: line and reason.
fn dead(place: &Workplace) -> Vec<(u64, String)> {
    let answer = place
        .run(&["dead", "list", "--store", "S", "--limit", "1000", "--output", "json"])
        .ended_with(0)
        .json();
    let letters = answer["deadLetters"].as_array().expect("letters");
    letters
        .iter()
        .map(|letter| {
            assert!(!letter["detail"].as_str().expect("a text").is_empty());
            (letter["line"].as_u64().expect("a line"), letter["reason"].as_str().expect("a text").to_owned())
        })
        .collect()
}

/// The store that the binary left, opened in this process.
fn reader(place: &Workplace) -> Reader {
    let config = Config::default();
    let store = open_embedded(&place.path("S"), &config).expect("a store");
    OpenStore::new(Arc::new(store), &config).expect("a store").reader()
}

/// A marked report with these fields beside, or in place of, the usual ones.
fn with(fields: Value) -> Vec<u8> {
    let mut report: Value = serde_json::from_slice(&good("bad")).expect("JSON");
    for (key, value) in fields.as_object().expect("an object") {
        report[key] = value.clone();
    }
    report.to_string().into_bytes()
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[test]
fn each_bad_line_is_a_dead_letter_and_its_neighbours_are_stored() {
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let twice = String::from_utf8(good("bad"))
        .expect("UTF-8")
        .replace("\"status\"", "\"status\":\"FAILED\",\"status\"");
    let in_string = |byte: u8| {
        let text = String::from_utf8(good("bad")).expect("UTF-8").replace("bad", "b@d");
        text.bytes().map(|b| if b == b'@' { byte } else { b }).collect::<Vec<u8>>()
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (bytes("{"), "malformed_json"),
        (bytes("}"), "malformed_json"),
        (bytes("{\"businessId\":\"b\",\"sce"), "malformed_json"),
        (bytes("{'businessId':'b'}"), "malformed_json"),
        (bytes("{\"a\":1,}"), "malformed_json"),
        (bytes("{\"a\":1}{\"a\":2}"), "malformed_json"),
        (bytes("{\"a\":01}"), "malformed_json"),
        (bytes("{\"a\":NaN}"), "malformed_json"),
        (bytes("{\"nodeName\":\"\\ud83d\"}"), "malformed_json"),
        (bytes("2026-11-21 10:00:00 INFO started"), "malformed_json"),
        (bytes("[]"), "not_an_object"),
        (bytes("\"text\""), "not_an_object"),
        (bytes("null"), "not_an_object"),
        (bytes(&deep), "nested_too_deep"),
        (bytes(&twice), "duplicate_field"),
        (with(json!({"businessId": 7})), "wrong_type"),
        (with(json!({"businessId": ["b"]})), "wrong_type"),
        (with(json!({"status": true})), "wrong_type"),
        (with(json!({"iteration": -1})), "wrong_type"),
        (with(json!({"iteration": 1.5})), "wrong_type"),
        (with(json!({"seq": "x"})), "wrong_type"),
        (with(json!({"meta": []})), "wrong_type"),
        (with(json!({"exception": 7})), "wrong_type"),
        (with(json!({"message": {}})), "wrong_type"),
        (with(json!({"time": {}})), "wrong_type"),
        (with(json!({"v": 2})), "unsupported_version"),
        (with(json!({"type": "metric"})), "unknown_type"),
        (with(json!({"status": "DONE"})), "unknown_status"),
        (with(json!({"type": "node", "nodeName": null})), "missing_field"),
        (with(json!({"type": "node", "status": null})), "missing_field"),
        (with(json!({"executionId": ""})), "empty_id"),
        (with(json!({"nodeName": ""})), "empty_id"),
        (with(json!({"businessId": "b".repeat(257)})), "id_too_long"),
        (with(json!({"sceneId": "ü".repeat(129)})), "id_too_long"),
        (with(json!({"executionId": "e".repeat(100_000)})), "id_too_long"),
        (with(json!({"nodeName": "n".repeat(129)})), "id_too_long"),
        (with(json!({"traceId": "t".repeat(257)})), "id_too_long"),
        (with(json!({"executionId": null})), "bad_mark"),
        (with(json!({"linkMark": "b_s_other"})), "bad_mark"),
        (bytes("{\"linkMark\":\"only_one\"}"), "bad_mark"),
        (with(json!({"time": "yesterday"})), "bad_time"),
        (with(json!({"time": "2026-11-21T10:00:00"})), "bad_time"),
        (with(json!({"time": "2026-13-41T10:00:00Z"})), "bad_time"),
        (in_string(0xff), "invalid_utf8"),
        (in_string(0x00), "malformed_json"),
        (in_string(0x1b), "malformed_json"),
        (vec![0xc3, 0x28], "invalid_utf8"),
        (vec![0xed, 0xa0, 0x80], "invalid_utf8"),
        (vec![0; 64], "malformed_json"),
        (with(json!({"message": "x".repeat(1 << 20)})), "report_too_long"),
    ];
    let place = Workplace::new();
    let mut file = Vec::new();
    let mut want_dead = Vec::new();
    let mut want_ran = Vec::new();
    for (number, (line, reason)) in cases.iter().enumerate() {
        let node = format!("n{number:03}");
        file.extend_from_slice(&good(&node));
        file.push(b'\n');
        file.extend_from_slice(line);
        file.extend_from_slice(b"\r\n\n");
        want_ran.push(node);
        want_dead.push((number as u64 * 3 + 2, (*reason).to_owned()));
    }
    place.write("in.ndjson", &file);
    let told = ingest(&place, "in.ndjson").err;
    let counts = format!("{0} stored, 0 duplicates within a flush, {0} dead letters", cases.len());
    assert!(told.contains(&counts), "{told}");
    assert_eq!(dead(&place), want_dead);
    assert_eq!(ran(&show(&place)), want_ran);
    place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0);
    // With `--strict` a script is told.
    place.run(&["ingest", "--store", "T", "--strict", "in.ndjson"]).ended_with(1);
}

#[test]
fn absurd_times_are_set_aside_and_shown_last() {
    let place = Workplace::new();
    let mut file = Vec::new();
    for (node, time) in [
        ("year1", json!("0001-01-01T00:00:00Z")),
        ("year9999", json!("9999-12-31T23:59:59.999999Z")),
        ("before1970", json!(-62_135_596_800_i64)),
        ("huge", serde_json::from_str("1e300").expect("a number")),
        ("tiny", serde_json::from_str("-99999999999999999999999999").expect("a number")),
        ("none", Value::Null),
        ("timed", json!(NOON)),
    ] {
        let mut report: Value = serde_json::from_slice(&good(node)).expect("JSON");
        report["time"] = time;
        file.extend_from_slice(report.to_string().as_bytes());
        file.push(b'\n');
    }
    place.write("in.ndjson", &file);
    ingest(&place, "in.ndjson");
    assert_eq!(dead(&place), []);
    let shown = show(&place);
    assert_eq!(ran(&shown).len(), 7);
    assert_eq!(shown["nodes"][0]["nodeName"], "timed", "{shown}");
    let untimed = shown["nodes"].as_array().expect("nodes")[1..].iter();
    assert!(untimed.clone().all(|node| node["runs"][0]["endTime"].is_null()), "{shown}");
    assert_eq!(shown["endTime"], "2026-11-21T10:00:00.000000Z");
    place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0);
}

#[test]
fn half_a_line_at_the_end_waits_for_its_other_half() {
    let place = Workplace::new();
    let (first, second) = (good("first"), good("second"));
    let (half, rest) = second.split_at(40);
    let mut file = first.clone();
    file.push(b'\n');
    file.extend_from_slice(half);
    place.write("in.ndjson", &file);
    let told = ingest(&place, "in.ndjson").err;
    assert!(told.contains("in.ndjson:2: incomplete tail of 40 bytes, left for the next time"), "{told}");
    assert_eq!((ran(&show(&place)), dead(&place)), (vec!["first".to_owned()], vec![]));
    place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0);

    file.extend_from_slice(rest);
    place.write("in.ndjson", &file);
    ingest(&place, "in.ndjson");
    assert_eq!(ran(&show(&place)), ["first", "second"]);
    // From a pipe there is no next time.
    let mut piped = good("third");
    piped.push(b'\n');
    piped.extend_from_slice(half);
    place.run_with(&["ingest", "--store", "S", "-"], &piped).ended_with(0);
    assert_eq!(ran(&show(&place)), ["first", "second", "third"]);
    assert_eq!(dead(&place).len(), 1, "what will never be whole is a dead letter");
}

/// Runs the binary to its end and returns the most memory it was seen to take, in KiB. It is looked at all the while: a
/// process that held 100 MB would do so for as long as it reads them.
fn peak_kib(place: &Workplace, arguments: &[&str]) -> Option<u64> {
    let mut child = place.command(arguments).stderr(Stdio::null()).spawn().expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let seen = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(seen);
        if let Some(ended) = child.try_wait().expect("a child") {
            assert!(ended.success(), "{arguments:?}: {ended}");
            if peak.is_none() {
                eprintln!("skipped: this system does not say how much memory a process takes");
            }
            return peak;
        }
        std::thread::yield_now();
    }
}

/// Memory a process may take beyond what it takes for a file without a long line, in KiB.
const ROOM_KIB: u64 = 32 * 1024;

/// A line of 100 MB: its beginning is kept, and the process never holds it.
#[test]
fn a_line_of_100_mb_is_a_dead_letter_in_bounded_memory() {
    let place = Workplace::new();
    let path = place.path("in.ndjson");
    let mut file = BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let block = vec![b'x'; 1 << 20];
    let write =
        |file: &mut BufWriter<std::fs::File>, bytes: &[u8]| file.write_all(bytes).expect("room on disk");
    write(&mut file, &good("before"));
    write(&mut file, b"\n{\"message\":\"");
    for _ in 0..100 {
        write(&mut file, &block);
    }
    write(&mut file, b"\"}\n");
    write(&mut file, &good("after"));
    write(&mut file, b"\n");
    drop(file);
    place.write("short.ndjson", [good("before"), b"\n".to_vec(), good("after"), b"\n".to_vec()].concat());

    let Some(usual) = peak_kib(&place, &["ingest", "--store", "T", "short.ndjson"]) else { return };
    let long = peak_kib(&place, &["ingest", "--store", "S", "in.ndjson"]).expect("as before");
    assert!(long < usual + ROOM_KIB, "{long} KiB at the peak, {usual} KiB without the long line");

    assert_eq!(ran(&show(&place)), ["after", "before"]);
    assert_eq!(dead(&place), [(2, "report_too_long".to_owned())]);
    let list = place.run(&["dead", "list", "--store", "S", "--output", "json"]).ended_with(0).json();
    assert_eq!(list["deadLetters"][0]["fullLength"], 100 * (1 << 20) + 14);
    assert_eq!(list["deadLetters"][0]["whole"], false);
    place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0);
}

#[test]
fn ids_may_hold_every_separator_and_control_character() {
    let mut ids: Vec<String> = (0..=0x7f_u8).map(|byte| format!("a{}b", char::from(byte))).collect();
    let further = [
        "_",
        "__",
        "a_b_c",
        "|",
        "||",
        "%",
        "%7C",
        "%%",
        "#",
        "/",
        "..",
        "../x",
        "-",
        "--help",
        " ",
        "\u{80}",
        "\u{9b}31m",
        "\u{202e}abc",
        "\u{feff}",
        "\u{10ffff}",
        "内容",
        "a|b|c|d|e",
        "\"",
        "\\",
        "'; --",
    ];
    ids.extend(further.map(str::to_owned));
    let place = Workplace::new();
    let mut file = String::new();
    for id in &ids {
        let report = |node: &str| json!({"businessId": id, "sceneId": id, "executionId": id, "nodeName": node, "status": "COMPLETED", "time": NOON, "traceId": id});
        // A node is named like that as well; a log joins by the trace.
        file.push_str(&format!("{}\n{}\n", report("n"), report(id)));
        file.push_str(&format!(
            "{}\n",
            json!({"traceId": id, "service": id, "message": "joined", "time": NOON})
        ));
        file.push_str(&format!("{}\n", json!({"service": id, "message": "unlinked", "time": NOON})));
    }
    place.write("in.ndjson", &file);
    ingest(&place, "in.ndjson");
    assert_eq!(dead(&place), []);
    let verified = place.run(&["verify", "--store", "S", "in.ndjson"]).ended_with(0).out;
    assert!(verified.contains(&format!("stored       {:>14}\n", ids.len() * 4)), "{verified}");
    // Answers for people cannot be steered by what was reported.
    let listed = place.run(&["unlinked", "list", "--store", "S", "--limit", "1000"]).ended_with(0).out;
    assert!(!listed.chars().any(|c| c.is_control() && c != '\n'), "{listed:?}");
    for id in ["a|b", "a_b", "a%b", "a/b", "a\u{1b}b", "a\nb", "--help", "..", "\u{202e}abc"] {
        let arguments = ["link", "show", "--store", "S", "--output", "json", "--", id, id, id];
        let shown = place.run(&arguments).ended_with(0).json();
        assert_eq!((&shown["businessId"], ran(&shown).len()), (&json!(id), 2), "{id:?}");
        let listed = place.run(&["link", "list", "--store", "S", "--", id]).ended_with(0).out;
        assert!(!listed.chars().any(|c| c.is_control() && c != '\n'), "{listed:?}");
        let unlinked =
            place.run(&["unlinked", "list", "--store", "S", "--output", "json", &format!("--service={id}")]);
        assert_eq!(unlinked.ended_with(0).json()["reports"][0]["message"], "unlinked", "{id:?}");
    }

    let reader = reader(&place);
    let now = Timestamp(NOON * 1_000_000);
    for id in &ids {
        let listed = reader.list(id, &ListQuery { limit: 10, ..ListQuery::default() }, now).expect("a list");
        let [entry] = listed.executions.as_slice() else { panic!("{id:?}: {listed:?}") };
        assert_eq!([&entry.business_id, &entry.scene_id, &entry.execution_id], [id; 3]);
        let mark = LinkMark::new(id, id, id).expect("allowed ids");
        let shown =
            reader.show(&mark, now, |answer| (answer.nodes.len(), answer.logs.total)).expect("readable");
        assert_eq!(shown, Some((2, 1)), "{id:?}");
    }
}

/// Marks as one string are cut at their last two separators, whatever else is in them.
#[test]
fn a_mark_in_one_string_may_hold_anything_but_its_separator_at_the_end() {
    let place = Workplace::new();
    let mut file = String::new();
    for business in ["a_b", "a__", "_", "a|b", "%", "a\u{1}b", "a\nb"] {
        let report = json!({"linkMark": format!("{business}_s_e"), "nodeName": "n", "status": "COMPLETED", "time": NOON});
        file.push_str(&format!("{report}\n"));
    }
    file.push_str("{\"linkMark\":\"_s_e\",\"message\":\"x\"}\n{\"linkMark\":\"b__e\",\"message\":\"x\"}\n");
    place.write("in.ndjson", &file);
    ingest(&place, "in.ndjson");
    assert_eq!(dead(&place), [(8, "empty_id".to_owned()), (9, "empty_id".to_owned())]);
    for business in ["a_b", "a__", "_", "a|b", "%", "a\u{1}b", "a\nb"] {
        place.run(&["link", "show", "--store", "S", business, "s", "e"]).ended_with(0);
    }
}

#[test]
fn a_definition_of_100_000_nodes_is_checked_put_and_shown() {
    const NODES: usize = 100_000;
    let place = Workplace::new();
    let nodes: Vec<String> =
        (0..NODES).map(|number| format!("{{\"nodeName\":\"n{number}\",\"nodeType\":\"rpc\"}}")).collect();
    std::fs::create_dir(place.path("dsl")).expect("a folder");
    place.write("dsl/s.json", format!("[{}]", nodes.join(",\n")));
    let checked = place.run(&["dsl", "check", "dsl/s.json"]).ended_with(0);
    assert!(checked.out.contains("100,000 nodes"), "{}", checked.out);
    place.write("in.ndjson", [good("n0"), b"\n".to_vec(), good("n99999"), b"\n".to_vec()].concat());
    place.run(&["ingest", "--store", "S", "--dsl", "dsl", "in.ndjson"]).ended_with(0);
    let shown = show(&place);
    assert_eq!(shown["nodes"].as_array().map(Vec::len), Some(NODES));
    assert_eq!(ran(&shown), ["n0", "n99999"]);
    assert_eq!(shown["nodes"][1]["state"], "missing");
    let drawn = place.run(&["dsl", "graph", "--store", "S", "s"]).ended_with(0).out;
    assert_eq!(drawn.lines().count(), NODES + 1);

    // One name twice among so many is found, and said once.
    place.write("twice.json", format!("[{},{}]", nodes.join(","), nodes[5]));
    let ran = place.run(&["dsl", "check", "twice.json"]).ended_with(1);
    assert_eq!(ran.out.matches("error: ").count(), 1, "{}", ran.out);
}

/// 100,000 logs, or as many as `LINKLOOM_TEST_LOGS` says (1,000,000 takes three minutes in a debug build).
#[test]
fn a_node_with_very_many_logs_is_read_page_by_page() {
    let logs: usize =
        std::env::var("LINKLOOM_TEST_LOGS").ok().and_then(|logs| logs.parse().ok()).unwrap_or(100_000);
    let place = Workplace::new();
    let mut file = BufWriter::new(std::fs::File::create(place.path("in.ndjson")).expect("a file"));
    file.write_all(&good("n")).and_then(|()| file.write_all(b"\n")).expect("room on disk");
    for number in 0..logs {
        // Written out of order, as many instances would.
        let time = NOON * 1_000 + (number as i64 * 7_919) % logs as i64;
        let level = if number % 1_000 == 0 { "ERROR" } else { "INFO" };
        writeln!(
            file,
            "{{\"businessId\":\"b\",\"sceneId\":\"s\",\"executionId\":\"e\",\"nodeName\":\"n\",\"level\":\"{level}\",\"message\":\"log {number}\",\"time\":{time}}}"
        )
        .expect("room on disk");
    }
    file.flush().expect("room on disk");
    let told = ingest(&place, "in.ndjson").err;
    assert!(told.contains(" 0 duplicates within a flush, 0 dead letters"), "{told}");
    let shown = show(&place);
    assert_eq!(shown["logs"]["total"], logs);
    assert_eq!(
        shown["nodes"][0]["logCounts"],
        json!({"ERROR": logs.div_ceil(1_000), "INFO": logs - logs.div_ceil(1_000)})
    );

    let mut cursor: Option<String> = None;
    let mut last = String::new();
    for _ in 0..3 {
        let mut arguments =
            vec!["node", "show", "--store", "S", "b", "s", "e", "n", "--limit", "100", "--output", "json"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = place.run(&arguments).ended_with(0).json();
        let times: Vec<&str> = page["logs"]
            .as_array()
            .expect("logs")
            .iter()
            .map(|log| log["time"].as_str().expect("a time"))
            .collect();
        assert_eq!(times.len(), 100);
        assert!(times.is_sorted() && *last < *times[0], "pages go on");
        last = times[99].to_owned();
        cursor = Some(page["nextCursor"].as_str().expect("more").to_owned());
    }
    let verified =
        place.run(&["verify", "--store", "S", "in.ndjson", "--output", "json"]).ended_with(0).json();
    assert_eq!((&verified["stored"], &verified["missing"]), (&json!(logs + 1), &json!(0)));
}

#[test]
fn a_definition_that_names_itself_is_refused_and_a_ring_of_links_ends() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("dsl")).expect("a folder");
    let link =
        |scene: &str| format!("[{{\"nodeName\":\"go\",\"nodeType\":\"link\",\"subScene\":\"{scene}\"}}]");
    place.write("dsl/s.json", link("s"));
    place.write("in.ndjson", [good("go"), b"\n".to_vec()].concat());
    let checked = place.run(&["dsl", "check", "dsl/s.json"]).ended_with(1);
    assert!(checked.out.contains("names itself"), "{}", checked.out);
    place.run(&["dsl", "put", "--store", "S", "dsl/s.json"]).ended_with(1);
    let ran = place.run(&["ingest", "--store", "S", "--dsl", "dsl", "in.ndjson"]).ended_with(2);
    assert!(ran.err.contains("names itself"), "{}", ran.err);

    // Two scenes that run each other, in one execution id: the depth is bounded.
    place.write("dsl/s.json", link("r"));
    place.write("dsl/r.json", link("s"));
    let other = String::from_utf8(good("go")).expect("UTF-8").replace("\"s\"", "\"r\"");
    place.write("in.ndjson", [good("go"), b"\n".to_vec(), other.into_bytes(), b"\n".to_vec()].concat());
    place.run(&["ingest", "--store", "S", "--dsl", "dsl", "in.ndjson"]).ended_with(0);
    show(&place);
    let list = place.run(&["link", "list", "--store", "S", "b", "--output", "json"]).ended_with(0).json();
    assert_eq!(list["executions"].as_array().map(Vec::len), Some(2));
    place.run(&["link", "show", "--store", "S", "b", "s", "e"]).ended_with(0);
}
