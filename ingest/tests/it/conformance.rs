//! What the conformance vectors make the reporter toolkits write is what the decoder takes.

use linkloom_ingest::decode::{Decoder, Limits, Tally};
use linkloom_schema::report::ReportKind;
use serde_json::Value;

const VECTORS: &str = include_str!("../../../schema/conformance/reporter-v1.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("the vectors are JSON")
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("a list {name}"))
}

/// The ids of a mark, if it has all three.
fn ids(mark: &Value) -> Option<[&str; 3]> {
    let [Some(business), Some(scene), Some(execution)] =
        ["businessId", "sceneId", "executionId"].map(|name| mark[name].as_str())
    else {
        return None;
    };
    Some([business, scene, execution])
}

fn valid(ids: &[&str; 3]) -> bool {
    ids.iter().all(|id| (1..=256).contains(&id.len()))
}

#[test]
fn every_line_decodes_as_it_was_meant() {
    let vectors = vectors();
    let mut decoder = Decoder::new(Limits::default());
    let mut lines = 0;
    for case in items(&vectors, "cases") {
        let name = case["name"].as_str().expect("a name");
        let calls = items(case, "calls");
        assert_eq!(calls.len(), items(case, "lines").len(), "{name}: a line a call");
        let mark = ids(&case["context"]["mark"]).filter(valid);
        for (seq, (call, line)) in calls.iter().zip(items(case, "lines")).enumerate() {
            let line = line.as_str().expect("a line");
            let report = decoder
                .decode(line.as_bytes(), None)
                .unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            let kind = if call["call"] == "log" { ReportKind::Log } else { ReportKind::Node };
            assert_eq!(report.kind, kind, "{name}: {line}");
            assert_eq!(report.time.map(|time| time.micros()), call["time"].as_i64(), "{name}: {line}");
            assert!(!report.time_substituted, "{name}: {line}");
            assert_eq!(
                (report.seq, report.boot),
                (Some(seq as u64), case["settings"]["boot"].as_u64()),
                "{name}"
            );
            assert!(report.id.is_some(), "{name}: {line}");
            let found =
                report.mark.as_ref().map(|mark| [&*mark.business_id, &*mark.scene_id, &*mark.execution_id]);
            let attributes = report.attributes.as_ref().map_or("", |attributes| &*attributes.json);
            // A mark is dropped for an invalid node name, too; what was given is then kept.
            let dropped = attributes.contains("invalidMark");
            assert_eq!(found, mark.filter(|_| !dropped), "{name}: {line}");
            lines += 1;
        }
    }
    assert!(lines > 200, "only {lines} lines");
    assert_eq!(decoder.tally, Tally::default(), "nothing is cut, no time is replaced");
}

#[test]
fn marks_in_one_text_are_read_as_the_decoder_reads_them() {
    let vectors = vectors();
    for vector in items(&vectors, "markTextIn") {
        let text = vector["text"].as_str().expect("a text");
        let line = serde_json::json!({ "linkMark": text }).to_string();
        let mut decoder = Decoder::new(Limits::default());
        let report = decoder.decode(line.as_bytes(), None);
        let mark = report.ok().and_then(|report| report.mark);
        let found = mark.as_ref().map(|mark| [&*mark.business_id, &*mark.scene_id, &*mark.execution_id]);
        assert_eq!(found, ids(&vector["mark"]), "{text}");
    }
}
