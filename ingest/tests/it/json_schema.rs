//! The published JSON Schema says what the decoder does, on a table of examples; where it cannot, the table says so.

use linkloom_ingest::decode::{Limits, decode};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../schema/report-v1.schema.json");

/// Whether the schema accepts an example, and whether the decoder does.
fn judged(example: &str) -> (bool, bool) {
    static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> = std::sync::LazyLock::new(|| {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
    });
    let value: Value = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
    (VALIDATOR.is_valid(&value), decode(example.as_bytes(), None, &Limits::default()).is_ok())
}

const ACCEPTED: &[&str] = &[
    r#"{}"#,
    r#"{"v":1}"#,
    r#"{"v":1.0}"#,
    r#"{"v":null}"#,
    r#"{"type":"log"}"#,
    r#"{"type":null,"status":null}"#,
    r#"{"type":"node","nodeName":"A","status":"RUNNING"}"#,
    r#"{"nodeName":"A","status":"COMPLETED"}"#,
    r#"{"type":null,"nodeName":"A","status":"FAILED"}"#,
    r#"{"nodeName":"A","status":"SKIPPED","case":"","iteration":0}"#,
    r#"{"type":"log","status":200}"#,
    r#"{"type":"log","nodeName":"A","status":"RUNNING"}"#,
    r#"{"businessId":"b","sceneId":"s","executionId":"e"}"#,
    r#"{"businessId":"b","sceneId":"s","executionId":"e","linkMark":"b_s_e"}"#,
    r#"{"businessId":null,"sceneId":null,"executionId":null}"#,
    r#"{"businessId":"a|b%_ \u0000","sceneId":"_","executionId":"\n"}"#,
    r#"{"linkMark":"b_s_e"}"#,
    r#"{"linkMark":"b_1\n_s_e"}"#,
    r#"{"linkMark":""}"#,
    r#"{"linkMark":null}"#,
    r#"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":""}"#,
    r#"{"time":"2026-11-21T10:00:00Z"}"#,
    r#"{"time":"2026-11-21T10:00:00.123456789+08:00"}"#,
    r#"{"time":"2016-12-31t23:59:60.5z"}"#,
    r#"{"time":"0001-01-01T00:00:00-23:59"}"#,
    r#"{"time":1795255200}"#,
    r#"{"time":1795255200.123}"#,
    r#"{"time":1.795255200e9}"#,
    r#"{"time":1795255200123456789}"#,
    r#"{"time":-1}"#,
    r#"{"time":"1795255200123"}"#,
    r#"{"time":"1795255200.5e0"}"#,
    r#"{"time":null}"#,
    r#"{"level":"INFO","message":"hello"}"#,
    r#"{"level":"","message":""}"#,
    r#"{"level":"chatty"}"#,
    r#"{"data":null,"input":[],"output":"x"}"#,
    r#"{"data":{"a":[1,2.5e300,null,true,"x"]}}"#,
    r#"{"exception":{"type":"E","message":"m","stack":"s"}}"#,
    r#"{"exception":{}}"#,
    r#"{"exception":"boom"}"#,
    r#"{"meta":{"trigger":"cron"}}"#,
    r#"{"seq":0,"boot":18446744073709551615}"#,
    r#"{"seq":3.0}"#,
    r#"{"id":"1","runId":"2","subExecutionId":"3"}"#,
    r#"{"service":"","instance":"","host":"","tenant":""}"#,
    r#"{"attributes":{"a":1},"b":[{}]}"#,
    r#"{"attributes":null}"#,
    r#"{"thread":"main","identity":7,"timeSubstituted":0,"cut":[]}"#,
];

const REFUSED: &[&str] = &[
    r#"[]"#,
    r#""text""#,
    r#"17"#,
    r#"null"#,
    r#"{"v":2}"#,
    r#"{"v":"1"}"#,
    r#"{"type":"metric"}"#,
    r#"{"type":""}"#,
    r#"{"type":1}"#,
    r#"{"type":"node"}"#,
    r#"{"type":"node","nodeName":"A"}"#,
    r#"{"type":"node","nodeName":"A","status":null}"#,
    r#"{"type":"node","nodeName":null,"status":"RUNNING"}"#,
    r#"{"status":"RUNNING"}"#,
    r#"{"nodeName":"A","status":"running"}"#,
    r#"{"nodeName":"A","status":"DONE"}"#,
    r#"{"nodeName":"A","status":200}"#,
    r#"{"nodeName":"A","status":{}}"#,
    r#"{"nodeName":""}"#,
    r#"{"nodeName":7}"#,
    r#"{"businessId":"b"}"#,
    r#"{"businessId":"b","sceneId":"s"}"#,
    r#"{"businessId":"b","sceneId":"s","executionId":null}"#,
    r#"{"businessId":"b","executionId":"e"}"#,
    r#"{"sceneId":"s","executionId":"e"}"#,
    r#"{"businessId":"","sceneId":"s","executionId":"e"}"#,
    r#"{"businessId":42,"sceneId":"s","executionId":"e"}"#,
    r#"{"linkMark":"b"}"#,
    r#"{"linkMark":"b_e"}"#,
    r#"{"linkMark":"_s_e"}"#,
    r#"{"linkMark":"b__e"}"#,
    r#"{"linkMark":"b_s_"}"#,
    r#"{"linkMark":[]}"#,
    r#"{"time":"yesterday"}"#,
    r#"{"time":""}"#,
    r#"{"time":"2026-11-21"}"#,
    r#"{"time":"2026-11-21T10:00:00"}"#,
    r#"{"time":"2026-13-21T10:00:00Z"}"#,
    r#"{"time":"2026-11-21T24:00:00Z"}"#,
    r#"{"time":"01795255200"}"#,
    r#"{"time":true}"#,
    r#"{"time":[1795255200]}"#,
    r#"{"level":5}"#,
    r#"{"message":{}}"#,
    r#"{"message":5}"#,
    r#"{"exception":["E"]}"#,
    r#"{"exception":false}"#,
    r#"{"meta":"x"}"#,
    r#"{"meta":[]}"#,
    r#"{"attributes":"x"}"#,
    r#"{"iteration":-1}"#,
    r#"{"iteration":"1"}"#,
    r#"{"seq":1.5}"#,
    r#"{"boot":1e30}"#,
    r#"{"case":true}"#,
    r#"{"id":""}"#,
    r#"{"id":1}"#,
    r#"{"runId":""}"#,
    r#"{"subExecutionId":""}"#,
    r#"{"service":[]}"#,
    r#"{"traceId":1}"#,
];

/// The decoder takes more than the schema promises: other spellings of a time.
const MORE_TOLERANT: &[&str] = &[
    r#"{"time":"2026-11-21 10:00:00Z"}"#,
    r#"{"time":"2026-11-21T10:00:00+0800"}"#,
    r#"{"time":"2026-11-21T10:00:00+08"}"#,
];

/// The schema cannot say it: days of a month, bytes of a text, two fields that must agree, one key twice.
const STRICTER: &[&str] = &[
    r#"{"time":"2026-02-30T10:00:00Z"}"#,
    r#"{"businessId":"b","sceneId":"s","executionId":"e","linkMark":"b_s_f"}"#,
    r#"{"x":1,"attributes":{"x":1}}"#,
    r#"{"level":"A","level":"A"}"#,
    concat!(
        r#"{"nodeName":""#,
        "漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢",
        r#""}"#
    ),
];

#[test]
fn schema_and_decoder_agree() {
    assert!(ACCEPTED.len() + REFUSED.len() >= 100);
    for (examples, want) in [
        (ACCEPTED, (true, true)),
        (REFUSED, (false, false)),
        (MORE_TOLERANT, (false, true)),
        (STRICTER, (true, false)),
    ] {
        for example in examples {
            assert_eq!(judged(example), want, "(schema, decoder) on {example}");
        }
    }
}

#[test]
fn lengths_are_those_of_the_decoder() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let fields = schema["properties"].as_object().unwrap();
    let mut checked = 0;
    for (field, rule) in fields {
        let rule = match rule["$ref"].as_str() {
            Some(name) => schema.pointer(name.trim_start_matches('#')).unwrap(),
            None => rule,
        };
        let Some(max) = rule["maxLength"].as_u64() else { continue };
        for (length, want) in [(max, true), (max + 1, false)] {
            let text = "x".repeat(length as usize);
            let example = match field.as_str() {
                "businessId" => format!(r#"{{"businessId":"{text}","sceneId":"s","executionId":"e"}}"#),
                "sceneId" => format!(r#"{{"businessId":"b","sceneId":"{text}","executionId":"e"}}"#),
                "executionId" => format!(r#"{{"businessId":"b","sceneId":"s","executionId":"{text}"}}"#),
                _ => format!(r#"{{"{field}":"{text}"}}"#),
            };
            assert_eq!(judged(&example), (want, want), "{field} of {length}");
        }
        checked += 1;
    }
    assert_eq!(checked, 17);
}

#[test]
fn the_examples_of_the_document_are_reports() {
    let document = include_str!("../../../docs/report-format.md");
    let examples: Vec<&str> = document.lines().filter(|line| line.starts_with("{\"v\":1,")).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        assert_eq!(judged(example), (true, true), "{example}");
    }
}
