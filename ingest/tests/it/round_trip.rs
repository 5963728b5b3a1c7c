//! Properties: stored lines read back as what they were, and no bytes make the decoder panic.

use linkloom_ingest::decode::{Decoder, Limits};
use linkloom_schema::report::{decode_stored, encode_stored, is_complete_object};
use linkloom_schema::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON value, some levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Texts with everything JSON must escape and everything UTF-8 can hold.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,20}", "\\PC{0,70}", "[\"\\\\\u{0}-\u{1f}\u{7f}a]{0,20}", any::<String>()]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{1,12}", any_text()]
        .prop_filter("1 to 60 characters", |text| (1..=60).contains(&text.chars().count()))
}

/// A report the decoder must accept.
fn report() -> impl Strategy<Value = Value> {
    let time = prop_oneof![
        Just(json!("2026-11-21T10:00:00.123456+08:00")),
        (0_i64..4_102_444_800).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let mark = prop_oneof![
        (id(), id(), id()).prop_map(|(b, s, e)| json!({"businessId": b, "sceneId": s, "executionId": e})),
        "[a-z]{1,9}(_[a-z]{1,9}){2,4}".prop_map(|mark| json!({ "linkMark": mark })),
        Just(json!({})),
    ];
    let texts = proptest::collection::vec(
        (
            prop_oneof![
                Just("id"),
                Just("runId"),
                Just("case"),
                Just("subExecutionId"),
                Just("parentNode"),
                Just("level"),
                Just("message"),
                Just("traceId"),
                Just("spanId"),
                Just("parentSpanId"),
                Just("service"),
                Just("instance"),
                Just("host"),
                Just("tenant"),
                Just("nodeName"),
            ],
            "[^\\pC]{1,20}|[\"\\\\\u{0}-\u{1f}]{1,9}",
        ),
        0..8,
    );
    let numbers = proptest::collection::vec(
        (prop_oneof![Just("iteration"), Just("seq"), Just("boot")], any::<u64>()),
        0..3,
    );
    let payloads = proptest::collection::vec(
        (
            prop_oneof![Just("input"), Just("output"), Just("data"), Just("unknown"), Just("Z"), Just("\n")],
            any_json(),
        ),
        0..4,
    );
    let objects = proptest::collection::vec(
        (
            prop_oneof![Just("meta"), Just("exception"), Just("attributes")],
            proptest::collection::vec((any_text(), any_json()), 0..3),
        ),
        0..3,
    );
    let status = prop_oneof![
        Just(None),
        Just(Some("RUNNING")),
        Just(Some("COMPLETED")),
        Just(Some("FAILED")),
        Just(Some("SKIPPED"))
    ];
    (mark, time, texts, numbers, payloads, objects, status).prop_map(
        |(mark, time, texts, numbers, payloads, objects, status)| {
            let Value::Object(mut all) = mark else { unreachable!("marks are objects") };
            all.insert("time".to_owned(), time);
            all.extend(texts.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))));
            all.extend(numbers.into_iter().map(|(key, number)| (key.to_owned(), Value::from(number))));
            all.extend(payloads.into_iter().map(|(key, payload)| (key.to_owned(), payload)));
            for (key, members) in objects {
                // Attributes must not name what is an unknown field as well.
                let members: Map<String, Value> =
                    members.into_iter().map(|(name, value)| (format!("{key} {name}"), value)).collect();
                all.insert(key.to_owned(), Value::Object(members));
            }
            if let Some(status) = status {
                all.insert("status".to_owned(), status.into());
                all.entry("nodeName").or_insert_with(|| "A".into());
            }
            Value::Object(all)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_stored_line_reads_back_as_the_report(report in report(), pretty: bool, small: bool, source_time: Option<u32>) {
        let line = if pretty { serde_json::to_string_pretty(&report) } else { serde_json::to_string(&report) }.unwrap();
        let limits = Limits { payload_bytes_max: if small { 20 } else { 256 << 10 }, ..Limits::default() };
        let mut decoder = Decoder::new(limits);
        let source_time = source_time.map(|seconds| Timestamp(i64::from(seconds) * 1_000_000));
        let report = match decoder.decode(line.as_bytes(), source_time) {
            Ok(report) => report,
            Err(refusal) => panic!("{refusal}: {line}"),
        };
        let _ = linkloom_schema::route::Route::of(&report);
        let mut stored = Vec::new();
        encode_stored(&report, &mut stored);
        let back = decode_stored(&stored, report.mark.as_ref().map(|mark| mark.as_ref())).unwrap();
        prop_assert_eq!(&back, &report);
        let mut again = Vec::new();
        encode_stored(&back, &mut again);
        prop_assert_eq!(&again, &stored);
        let plain: Value = serde_json::from_slice(&stored).expect("stored lines are JSON to others");
        // The identity is there exactly when it cannot be computed.
        if plain.get("identity").is_some() {
            prop_assert!(plain.get("cut").is_some() || plain.get("timeSubstituted").is_some());
        }
        // Whitespace and the order of fields do not matter.
        let Value::Object(fields) = serde_json::from_str(&line).unwrap() else { unreachable!("reports are objects") };
        let turned: Map<String, Value> = fields.into_iter().rev().collect();
        let turned = serde_json::to_string(&turned).unwrap();
        prop_assert_eq!(decoder.decode(turned.as_bytes(), source_time).unwrap(), report);
    }

    #[test]
    fn mutated_lines_are_reports_or_refusals(report in report(), at: proptest::sample::Index, byte: u8, kind in 0..4) {
        let mut line = serde_json::to_vec(&report).unwrap();
        let at = at.index(line.len());
        match kind {
            0 => line[at] = byte,
            1 => line.truncate(at),
            2 => drop(line.remove(at)),
            _ => line.insert(at, byte),
        }
        let decoded = Decoder::default().decode(&line, None).map(|report| {
            let mut stored = Vec::new();
            encode_stored(&report, &mut stored);
            let back = decode_stored(&stored, report.mark.as_ref().map(|mark| mark.as_ref())).unwrap();
            assert_eq!(back, report);
        });
        // What others call JSON, we call JSON, and the other way round.
        let json = serde_json::from_slice::<Box<serde_json::value::RawValue>>(&line).is_ok();
        prop_assert!(decoded.is_err() || json);
        prop_assert_eq!(is_complete_object(&line), json && line.trim_ascii_start().first() == Some(&b'{'));
        let _ = decode_stored(&line, None);
    }

    #[test]
    fn any_bytes_are_a_report_or_a_refusal(bytes: Vec<u8>, text in "[{}\\[\\]\":,\\\\u0-9a-f \\-+.eEtrulns]{0,60}") {
        for line in [&bytes[..], text.as_bytes()] {
            let _ = Decoder::default().decode(line, None);
            let _ = decode_stored(line, None);
            let json = serde_json::from_slice::<Box<serde_json::value::RawValue>>(line).is_ok();
            let object = line.trim_ascii_start().first() == Some(&b'{');
            prop_assert_eq!(is_complete_object(line), json && object);
        }
    }

    #[test]
    fn payloads_are_what_others_read(value in any_json()) {
        let line = format!("{{\"data\": {}}}", serde_json::to_string_pretty(&value).unwrap());
        let mut decoder = Decoder::default();
        let report = decoder.decode(line.as_bytes(), None).unwrap();
        let compact = report.data.map_or("null".into(), |payload| payload.json);
        prop_assert_eq!(&*compact, serde_json::to_string(&value).unwrap());
    }
}
