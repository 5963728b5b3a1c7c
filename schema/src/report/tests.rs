//! Identity vectors of the document, and the corners of stored lines that no report leads to.

use expect_test::{Expect, expect};

use super::*;
use crate::ids::MarkRef;

const MARK: MarkRef<'static> =
    MarkRef { business_id: "content-42", scene_id: "realtime-input", execution_id: "5f2c" };

/// The hashed bytes of a line, a field a line in hex, and the identity; as the document shows them.
fn vector(text: &str) -> String {
    let mut line = Line::default();
    read(text, &mut line).unwrap();
    let mut report = line.report;
    let ids: Vec<Cow<'_, str>> = match &line.link_mark {
        Some(mark) => mark.split('_').map(|id| Cow::Owned(id.to_owned())).collect(),
        None => [line.business_id, line.scene_id, line.execution_id].into_iter().flatten().collect(),
    };
    if let [business_id, scene_id, execution_id] = &ids[..] {
        let (business_id, scene_id, execution_id) =
            (business_id.clone(), scene_id.clone(), execution_id.clone());
        report.mark = Some(Mark { business_id, scene_id, execution_id });
    }
    let mut bytes = Vec::new();
    push_identity_bytes(&mut bytes, &report, line.own_time);
    let mut text = String::new();
    let mut rest = &bytes[..];
    while let [tag, a, b, c, d, tail @ ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        text.push_str(&format!("{} {} {}\n", hex(&[*tag]), hex(&[*a, *b, *c, *d]), hex(&tail[..length])));
        rest = &tail[length..];
    }
    assert!(rest.is_empty());
    let identity = Identity::of(&report, line.own_time, &mut Vec::new());
    assert_eq!(identity.to_string().parse(), Ok(identity));
    format!("{text}= {identity}\n")
}

#[test]
fn vectors_of_the_document() {
    let document = include_str!("../../../docs/report-format.md");
    let section = document.split("### Test vectors").nth(1).unwrap().split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section.split("```").collect();
    let pairs: Vec<(&str, &str)> =
        blocks[1..].chunks(4).filter_map(|part| Some((*part.first()?, *part.get(2)?))).collect();
    assert_eq!(pairs.len(), 3);
    for (line, want) in pairs {
        let line = line.strip_prefix("json\n").unwrap().trim_end();
        assert_eq!(vector(line), want.trim_start_matches("text\n"), "{line}");
    }
}

#[track_caller]
fn stored(line: &str, want: Expect) {
    let text = match decode_stored(line.as_bytes(), Some(MARK)) {
        Ok(report) => {
            let mut out = Vec::new();
            encode_stored(&report, &mut out);
            String::from_utf8(out).unwrap()
        }
        Err(refusal) => format!("{}: {refusal}", refusal.reason),
    };
    want.assert_eq(&text);
}

#[test]
fn only_stored_lines_are_read_as_such() {
    stored("{}", expect!["{}"]);
    stored(
        r#"{"time":1795255200123456,"message":"x"}"#,
        expect![[r#"{"time":1795255200123456,"message":"x"}"#]],
    );
    stored(
        r#"{"data":"{\"a","cut":{"data":300000},"identity":"000000000000000000000000000000ff"}"#,
        expect![[r#"{"data":"{\"a","cut":{"data":300000},"identity":"000000000000000000000000000000ff"}"#]],
    );
    stored("", expect!["malformed_json: expected '{' at byte 0, found the end of the report"]);
    stored(r#"{"unheard":1}"#, expect![[r#"wrong_type: a stored report has no field "unheard""#]]);
    stored(r#"{"businessId":"b"}"#, expect![[r#"wrong_type: a stored report has no field "businessId""#]]);
    stored(
        r#"{"time":"2026-11-21T10:00:00Z"}"#,
        expect!["wrong_type: time is a string, a whole number from 0 to 18446744073709551615 is allowed"],
    );
    stored(
        r#"{"timeSubstituted":false}"#,
        expect!["wrong_type: timeSubstituted of a stored report is true or left out"],
    );
    stored(r#"{"identity":"FF"}"#, expect!["wrong_type: identity: an identity is 32 lower-case hex digits"]);
    stored(
        r#"{"identity":"000000000000000000000000000000ff"}"#,
        expect!["wrong_type: identity of a stored report is left out where it follows from the other fields"],
    );
    stored(r#"{"cut":{"data":1}}"#, expect!["wrong_type: cut names something that is no payload before it"]);
    stored(
        r#"{"status":"RUNNING"}"#,
        expect!["missing_field: a node report has no nodeName; it needs the name of the node"],
    );
}

#[test]
fn a_place_in_unlinked_rows_is_read_without_a_mark() {
    let report = decode_stored(br#"{"time":1795255200123456,"traceId":"t"}"#, None).unwrap();
    assert_eq!((report.mark, report.trace_id.as_deref()), (None, Some("t")));
}

#[test]
fn strings_borrow_from_the_line_when_they_can() {
    let line = br#"{"message":"plain","service":"a\tb","data":{"a":1}}"#;
    let report = decode_stored(line, None).unwrap();
    assert!(matches!(report.message, Some(Cow::Borrowed("plain"))));
    assert!(matches!(report.data, Some(Payload { json: Cow::Borrowed(_), .. })));
    assert_eq!(report.service.as_deref(), Some("a\tb"));
}

#[test]
fn identities_of_any_text_are_not_numbers() {
    for text in [
        "",
        "+0000000000000000000000000000001",
        "0000000000000000000000000000000G",
        "00000000000000000000000000000001 ",
    ] {
        assert_eq!(text.parse::<Identity>(), Err(BadIdentity), "{text}");
    }
}
