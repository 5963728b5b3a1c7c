//! What the decoder accepts, what it makes of it, and what it refuses.

use expect_test::{Expect, expect};
use linkloom_ingest::decode::{Decoder, Limits, Reason, Tally, decode};
use linkloom_schema::report::{Level, Report, encode_stored};
use linkloom_schema::time::Timestamp;

const SOURCE_TIME: Timestamp = Timestamp(1_795_255_200_000_000);

/// A report as text: its mark, its stored line.
fn shown(report: &Report<'_>) -> String {
    let mark = report
        .mark
        .as_ref()
        .map(|mark| format!("{} | {} | {}", mark.business_id, mark.scene_id, mark.execution_id));
    let mut line = Vec::new();
    encode_stored(report, &mut line);
    format!("[{}] {}", mark.unwrap_or_default(), String::from_utf8(line).unwrap())
}

#[track_caller]
fn check(line: &str, want: Expect) {
    let report = decode(line.as_bytes(), Some(SOURCE_TIME), &Limits::default()).unwrap();
    want.assert_eq(&shown(&report));
}

#[track_caller]
fn refused(line: impl AsRef<[u8]>, reason: Reason, want: Expect) {
    let refusal = decode(line.as_ref(), Some(SOURCE_TIME), &Limits::default()).unwrap_err();
    assert_eq!(refusal.reason, reason, "{refusal}");
    want.assert_eq(&refusal.to_string());
}

#[test]
fn a_node_report() {
    check(
        r#"{"v":1,"type":"node","businessId":"content-42","sceneId":"realtime-input","executionId":"5f2c","nodeName":"picProcess","status":"RUNNING","time":"2026-11-21T10:00:00.123456Z","input":{"contentId":42},"service":"content-api","instance":"10.0.0.3:8080","traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
        expect![[
            r#"[content-42 | realtime-input | 5f2c] {"time":1795255200123456,"status":"RUNNING","nodeName":"picProcess","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","service":"content-api","instance":"10.0.0.3:8080","input":{"contentId":42}}"#
        ]],
    );
}

#[test]
fn a_log_report() {
    check(
        r#"{"v":1,"type":"log","businessId":"content-42","sceneId":"realtime-input","executionId":"5f2c","nodeName":"picProcess","time":1795255200456,"level":"WARN","message":"picProcess failed, contentId:42","data":{"contentId":42},"exception":{"type":"java.io.IOException","message":"timeout","stack":"..."}}"#,
        expect![[
            r#"[content-42 | realtime-input | 5f2c] {"time":1795255200456000,"level":"WARN","nodeName":"picProcess","message":"picProcess failed, contentId:42","data":{"contentId":42},"exception":{"type":"java.io.IOException","message":"timeout","stack":"..."}}"#
        ]],
    );
}

#[test]
fn every_field_has_its_place() {
    check(
        r#" { "exception" : "boom" , "meta":{"trigger":"cron"}, "tenant":"t", "boot":2, "seq":1e1, "host":"h", "parentSpanId":"p", "spanId":"s", "output":[1, 2],
            "data":"d", "case":"", "iteration":3.0, "subExecutionId":"x", "parentNode":"P", "runId":"r", "id":"7", "nodeName":"A", "status":"SKIPPED", "type":"node" } "#,
        expect![[
            r#"[] {"time":1795255200000000,"id":"7","status":"SKIPPED","nodeName":"A","runId":"r","case":"","iteration":3,"subExecutionId":"x","parentNode":"P","spanId":"s","parentSpanId":"p","host":"h","tenant":"t","boot":2,"seq":10,"output":[1,2],"data":"d","exception":"boom","meta":{"trigger":"cron"},"timeSubstituted":true}"#
        ]],
    );
}

#[test]
fn type_is_told_by_status() {
    check(
        r#"{"status":"RUNNING","nodeName":"A","time":1795255200}"#,
        expect![[r#"[] {"time":1795255200000000,"status":"RUNNING","nodeName":"A"}"#]],
    );
    check(r#"{"time":1795255200}"#, expect![[r#"[] {"time":1795255200000000}"#]]);
    check(r#"{"status":null,"time":1795255200}"#, expect![[r#"[] {"time":1795255200000000}"#]]);
    // A log may have a status of its own.
    check(
        r#"{"status":{"code": 200},"type":"log","time":1795255200}"#,
        expect![[r#"[] {"time":1795255200000000,"attributes":{"status":{"code":200}}}"#]],
    );
}

#[test]
fn unknown_fields_become_attributes() {
    check(
        r#"{"time":1795255200,"z":1.50,"Ünï":[ true , {"a" : " b\t"} ],"thread":null,"a\u0062\"":"x\/y","attributes":{"m": 1e400},"identity":7}"#,
        expect![[
            r#"[] {"time":1795255200000000,"attributes":{"ab\"":"x\/y","identity":7,"m":1e400,"z":1.50,"Ünï":[true,{"a":" b\t"}]}}"#
        ]],
    );
    check(r#"{"time":1795255200,"x":null,"attributes":{}}"#, expect![[r#"[] {"time":1795255200000000}"#]]);
}

#[test]
fn null_is_absent() {
    check(
        r#"{"v":null,"type":null,"businessId":null,"sceneId":null,"executionId":null,"linkMark":null,"id":null,"nodeName":null,"time":null,"input":null,"message":null,"seq":null,"attributes":null}"#,
        expect![[r#"[] {"time":1795255200000000,"timeSubstituted":true}"#]],
    );
}

#[test]
fn strings_keep_every_character() {
    check(
        r#"{"time":1795255200,"businessId":"a\u0000|%_ \u001f\u007f","sceneId":"\ud83d\ude00","executionId":"e\\\"\/","message":"\b\f\n\r\t\u0001 é 漢"}"#,
        expect![[
            "[a\0|%_ \u{1f}\u{7f} | 😀 | e\\\"/] {\"time\":1795255200000000,\"message\":\"\\b\\f\\n\\r\\t\\u0001 é 漢\"}"
        ]],
    );
    // Half a surrogate pair, as JavaScript leaves when it cuts a text: no character, but no reason to lose a log.
    check(
        r#"{"time":1795255200,"message":"cut \ud83d","data":["\ud83d","\ude00\ud83d","\ud83d\ude00","\ud83d\n"]}"#,
        expect![[
            r#"[] {"time":1795255200000000,"message":"cut �","data":["\ufffd","\ufffd\ufffd","\ud83d\ude00","\ufffd\n"]}"#
        ]],
    );
}

#[test]
fn empty_texts_of_loggers_and_tracers_are_absent() {
    check(
        r#"{"time":1795255200,"linkMark":"","traceId":"","spanId":"","parentSpanId":"","parentNode":"","service":"","instance":"","host":"","tenant":"","level":"","message":""}"#,
        expect![[r#"[] {"time":1795255200000000,"message":""}"#]],
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    check("\u{feff}{\"time\":1795255200}", expect![[r#"[] {"time":1795255200000000}"#]]);
}

#[test]
fn a_mark_in_one_string_is_cut_at_its_last_two_separators() {
    let mut decoder = Decoder::default();
    let mut ids = |mark: &str| {
        let line = format!(r#"{{"linkMark":"{mark}"}}"#);
        let report = decoder.decode(line.as_bytes(), None).unwrap();
        let text = shown(&report);
        (text[1..text.find(']').unwrap()].to_owned(), decoder.tally.marks_with_more_separators)
    };
    assert_eq!(ids("b_s_e"), ("b | s | e".to_owned(), 0));
    assert_eq!(ids("b-1_s_e"), ("b-1 | s | e".to_owned(), 0));
    assert_eq!(ids("b_1_x_s_e"), ("b_1_x | s | e".to_owned(), 1));
    assert_eq!(ids("__s_e"), ("_ | s | e".to_owned(), 2));
    assert_eq!(ids(r"b\u005f\u0031_s_e"), ("b_1 | s | e".to_owned(), 3));

    let limits = Limits { mark_separator: "::".into(), ..Limits::default() };
    let report = decode(
        br#"{"linkMark":"a_b::c::d::e","businessId":"a_b::c","sceneId":"d","executionId":"e"}"#,
        None,
        &limits,
    );
    assert_eq!(report.unwrap().mark.unwrap().business_id, "a_b::c");
    let limits = Limits { mark_separator: "".into(), ..Limits::default() };
    assert_eq!(decode(br#"{"linkMark":"a_b_c"}"#, None, &limits).unwrap_err().reason, Reason::Mark);
}

#[test]
fn times_that_cannot_be_are_substituted_and_marked() {
    let time = |line: &str, source: Option<i64>| {
        let report = decode(line.as_bytes(), source.map(Timestamp), &Limits::default()).unwrap();
        (report.time.map(Timestamp::micros), report.time_substituted)
    };
    let sane = 1_795_255_200_000_000;
    assert_eq!(time(r#"{"time":1795255200}"#, Some(1)), (Some(sane), false));
    for line in [
        "{}",
        r#"{"time":null}"#,
        r#"{"time":"0001-01-01T00:00:00Z"}"#,
        r#"{"time":"9999-12-31T23:59:59Z"}"#,
        r#"{"time":0}"#,
        r#"{"time":-1795255200}"#,
        r#"{"time":1e300}"#,
        r#"{"time":"2100-01-01T00:00:00Z"}"#,
        r#"{"time":946684799.999999}"#,
    ] {
        assert_eq!(time(line, Some(sane)), (Some(sane), true), "{line}");
        assert_eq!(time(line, Some(5)), (None, true), "{line}");
        assert_eq!(time(line, None), (None, true), "{line}");
    }
}

#[test]
fn identity_is_that_of_the_report_not_of_its_way() {
    let identity = |line: &str, source: Option<Timestamp>| {
        decode(line.as_bytes(), source, &Limits::default()).unwrap().identity
    };
    let one = identity(r#"{"time":0,"data":{"a":1}}"#, None);
    assert_eq!(
        one,
        identity(
            r#"{"data" : { "a":1 }, "time":"1970-01-01T01:00:00+01:00", "type":"log", "v":1}"#,
            Some(SOURCE_TIME)
        )
    );
    for other in [
        r#"{"time":1,"data":{"a":1}}"#,
        r#"{"data":{"a":1}}"#,
        r#"{"time":0,"data":{"a":1.0}}"#,
        r#"{"time":0,"input":{"a":1}}"#,
        r#"{"time":0,"data":{"a":1},"message":""}"#,
        r#"{"time":0,"data":{"a":1},"x":1}"#,
    ] {
        assert_ne!(one, identity(other, None), "{other}");
    }
    // Its own id counts within its mark or trace, and its type.
    let own = identity(r#"{"id":"1","linkMark":"b_s_e","message":"x","traceId":"t"}"#, None);
    assert_eq!(own, identity(r#"{"id":"1","linkMark":"b_s_e","time":5,"message":"y"}"#, None));
    for other in [
        r#"{"id":"2","linkMark":"b_s_e"}"#,
        r#"{"id":"1","linkMark":"b_s_f"}"#,
        r#"{"id":"1","traceId":"t"}"#,
        r#"{"id":"1","linkMark":"b_s_e","nodeName":"A","status":"RUNNING"}"#,
    ] {
        assert_ne!(own, identity(other, None), "{other}");
    }
    let unlinked = identity(r#"{"id":"1","service":"a"}"#, None);
    assert_ne!(unlinked, identity(r#"{"id":"1","service":"b"}"#, None));
    assert_eq!(unlinked, identity(r#"{"id":"1","service":"a","message":"x"}"#, None));
}

#[test]
fn long_payloads_are_cut_with_a_mark() {
    let limits = Limits { payload_bytes_max: 12, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    let line = r#"{"time":1795255200,"input":{"text": "ééééé"},"output":"0123456789","data":"01234567890","meta":{"k":"0123456789"},"x":"0123456789"}"#;
    let report = decoder.decode(line.as_bytes(), None).unwrap();
    expect![[r#"[] {"time":1795255200000000,"input":"{\"text\":","output":"0123456789","data":"\"01234567","meta":"{\"k\":\"0","attributes":"{\"x\":\"0","cut":{"input":21,"data":13,"meta":18,"attributes":18},"identity":"00000000000000000000000000000000"}"#]]
    .assert_eq(&shown(&Report { identity: Default::default(), ..report.clone() }));
    assert_eq!(decoder.tally, Tally { payloads_cut: 4, ..Tally::default() });
    // The identity is that of the whole payload.
    assert_eq!(report.identity, decode(line.as_bytes(), None, &Limits::default()).unwrap().identity);
    // Exactly the default limit is not cut, one more is.
    for (length, cut) in [((256 << 10) - 2, None), ((256 << 10) - 1, Some((256 << 10) + 1))] {
        let line = format!(r#"{{"data":"{}"}}"#, "x".repeat(length));
        let report = decode(line.as_bytes(), None, &Limits::default()).unwrap();
        assert_eq!(report.data.unwrap().cut_from, cut);
    }
}

#[test]
fn levels_are_told_without_regard_to_case() {
    for (text, want) in [
        ("WARN", Level::Warn),
        ("warning", Level::Warn),
        ("Info", Level::Info),
        ("error", Level::Error),
        ("DEBUG", Level::Debug),
        ("trace", Level::Trace),
        ("FATAL", Level::Fatal),
        ("critical", Level::Fatal),
        ("NOTICE", Level::Other),
    ] {
        let line = format!(r#"{{"level":"{text}"}}"#);
        let report = decode(line.as_bytes(), None, &Limits::default()).unwrap();
        assert_eq!((report.level(), report.level.as_deref()), (want, Some(text)));
    }
    assert_eq!(Report::default().level(), Level::Other);
}

#[test]
fn malformed_json_names_the_byte() {
    use Reason::{Malformed, NotAnObject, NotUtf8, TooDeep};
    refused("", Malformed, expect!["expected '{' at byte 0, found the end of the report"]);
    refused("hello", Malformed, expect!["expected '{' at byte 0, found 'h'"]);
    refused("{", Malformed, expect!["expected a string at byte 1, found the end of the report"]);
    refused(r#"{"a""#, Malformed, expect!["expected ':' at byte 4, found the end of the report"]);
    refused(r#"{"a":"#, Malformed, expect!["expected a value at byte 5, found the end of the report"]);
    refused(r#"{"a":1"#, Malformed, expect!["expected ',' or '}' at byte 6, found the end of the report"]);
    refused(r#"{"a":1,}"#, Malformed, expect!["expected a string at byte 7, found '}'"]);
    refused(r#"{"a":1} x"#, Malformed, expect!["expected the end of the report at byte 8, found 'x'"]);
    refused(r#"{"a":01}"#, Malformed, expect!["expected ',' or '}' at byte 6, found '1'"]);
    refused(r#"{"a":1.}"#, Malformed, expect!["expected a digit at byte 7, found '}'"]);
    refused(r#"{"a":-}"#, Malformed, expect!["expected a digit at byte 6, found '}'"]);
    refused(r#"{"a":+1}"#, Malformed, expect!["expected a value at byte 5, found '+'"]);
    refused(r#"{"a":nul}"#, Malformed, expect!["expected null at byte 5, found 'n'"]);
    refused(r#"{"a":NaN}"#, Malformed, expect!["expected a value at byte 5, found 'N'"]);
    refused(r#"{"a":[1,2}}"#, Malformed, expect!["expected ',' or ']' at byte 9, found '}'"]);
    refused(r#"{"a":{"b" 1}}"#, Malformed, expect!["expected ':' at byte 10, found '1'"]);
    refused(
        r#"{"a":"\x"}"#,
        Malformed,
        expect![r#"expected one of " \ / b f n r t u after a backslash at byte 7, found 'x'"#],
    );
    refused(r#"{"a":"\u12g4"}"#, Malformed, expect!["expected four hex digits at byte 8, found '1'"]);
    refused(
        "{\"a\":\"\0\"}",
        Malformed,
        expect![[r#"expected '"', or control characters written as \u escapes, at byte 6, found U+0000"#]],
    );
    refused("{'a':1}", Malformed, expect!["expected a string at byte 1, found '''"]);
    refused(r#"{"time":1795255200.}"#, Malformed, expect!["expected a digit at byte 19, found '}'"]);
    refused(
        r#"{"businessId":"\ud83d"}"#,
        Malformed,
        expect![r"businessId holds half a surrogate pair (\ud800 to \udfff alone), which is no character"],
    );
    refused(
        r#"{"\ud83d":1}"#,
        Malformed,
        expect![r"a field name holds half a surrogate pair (\ud800 to \udfff alone), which is no character"],
    );
    refused("[]", NotAnObject, expect!["a report is a JSON object, found an array"]);
    refused("17", NotAnObject, expect!["a report is a JSON object, found a number"]);
    refused("null", NotAnObject, expect!["a report is a JSON object, found null"]);
    refused("[", Malformed, expect!["expected a value at byte 1, found the end of the report"]);
    refused(b"{\"a\":\"\xff\"}", NotUtf8, expect!["invalid UTF-8 at byte 6"]);
    refused(b"{\"a\":\"\xed\xa0\x80\"}", NotUtf8, expect!["invalid UTF-8 at byte 6"]);
    let bomb = format!(r#"{{"a":{}"#, "[".repeat(500_000));
    refused(bomb, TooDeep, expect!["nested deeper than 100 levels at byte 104"]);
    let bomb = format!(r#"{{"a":{}"#, r#"{"a":"#.repeat(100_000));
    refused(bomb, TooDeep, expect!["nested deeper than 100 levels at byte 500"]);
    let deepest = format!(r#"{{"a":{}{}}}"#, "[".repeat(99), "]".repeat(99));
    decode(deepest.as_bytes(), None, &Limits::default()).unwrap();
}

#[test]
fn faults_name_the_field_what_was_found_and_what_is_allowed() {
    use Reason::*;
    refused(r#"{"v":2}"#, Version, expect!["v is 2, the supported version is 1"]);
    refused(
        r#"{"v":"1"}"#,
        WrongType,
        expect!["v is a string, a whole number from 0 to 18446744073709551615 is allowed"],
    );
    refused(r#"{"type":"metric"}"#, UnknownType, expect![[r#"type is "metric", allowed are node and log"#]]);
    refused(r#"{"type":1}"#, WrongType, expect!["type is a number (1), a string is allowed"]);
    refused(
        r#"{"nodeName":"A","status":"DONE"}"#,
        UnknownStatus,
        expect![[r#"status is "DONE", allowed are RUNNING, COMPLETED, FAILED and SKIPPED"#]],
    );
    refused(
        r#"{"nodeName":"A","status":200}"#,
        WrongType,
        expect!["status is a number (200), a string is allowed"],
    );
    refused(
        r#"{"type":"node","nodeName":"A"}"#,
        Missing,
        expect!["a node report has no status; it needs RUNNING, COMPLETED, FAILED or SKIPPED"],
    );
    refused(
        r#"{"type":"node","status":"FAILED"}"#,
        Missing,
        expect!["a node report has no nodeName; it needs the name of the node"],
    );
    refused(r#"{"businessId":42}"#, WrongType, expect!["businessId is a number (42), a string is allowed"]);
    refused(r#"{"case":true}"#, WrongType, expect!["case is a boolean (true), a string is allowed"]);
    refused(r#"{"message":{"a":1}}"#, WrongType, expect!["message is an object, a string is allowed"]);
    refused(
        r#"{"exception":[]}"#,
        WrongType,
        expect!["exception is an array, an object and a string are allowed"],
    );
    refused(r#"{"meta":"x"}"#, WrongType, expect!["meta is a string, an object is allowed"]);
    refused(r#"{"attributes":[]}"#, WrongType, expect!["attributes is an array, an object is allowed"]);
    refused(
        r#"{"iteration":-1}"#,
        WrongType,
        expect![[r#"iteration is "-1", a whole number from 0 to 18446744073709551615 is allowed"#]],
    );
    refused(
        r#"{"seq":1.5}"#,
        WrongType,
        expect![[r#"seq is "1.5", a whole number from 0 to 18446744073709551615 is allowed"#]],
    );
    refused(
        r#"{"seq":1e30}"#,
        WrongType,
        expect![[r#"seq is "1e30", a whole number from 0 to 18446744073709551615 is allowed"#]],
    );
    refused(r#"{"nodeName":""}"#, EmptyId, expect!["nodeName is empty"]);
    refused(r#"{"businessId":""}"#, EmptyId, expect!["businessId is empty"]);
    refused(r#"{"id":""}"#, EmptyId, expect!["id is empty"]);
    refused(r#"{"linkMark":"_s_e"}"#, EmptyId, expect!["businessId in linkMark is empty"]);
    refused(r#"{"linkMark":"b__e"}"#, EmptyId, expect!["sceneId in linkMark is empty"]);
    refused(
        r#"{"linkMark":"b_e"}"#,
        Mark,
        expect![[r#"linkMark has fewer than two separators "_"; allowed is businessId_sceneId_executionId"#]],
    );
    refused(
        r#"{"businessId":"b","executionId":"e"}"#,
        Mark,
        expect!["businessId and executionId without sceneId; allowed are all three, linkMark, or none"],
    );
    refused(
        r#"{"businessId":"b","sceneId":"s","executionId":"e","linkMark":"b_s_f"}"#,
        Mark,
        expect![
            "linkMark and the ids businessId, sceneId, executionId name different executions; allowed is one of them, or both if they agree"
        ],
    );
    refused(
        r#"{"time":"yesterday"}"#,
        Time,
        expect![[
            r#"time: "yesterday" is not a time; allowed are RFC 3339 with an offset (2026-11-21T10:00:00.123456Z) and a number since the epoch in s, ms, µs or ns"#
        ]],
    );
    refused(
        r#"{"time":true}"#,
        WrongType,
        expect!["time is a boolean (true), a string and a number are allowed"],
    );
    refused(r#"{"level":"A","level":"A"}"#, Duplicate, expect![[r#"field "level" is given twice"#]]);
    refused(r#"{"level":null,"lev\u0065l":"A"}"#, Duplicate, expect![[r#"field "level" is given twice"#]]);
    refused(r#"{"x":1,"x":1}"#, Duplicate, expect![[r#"field "x" is given twice"#]]);
    refused(r#"{"x":1,"attributes":{"x":1}}"#, Duplicate, expect![[r#"field "x" is given twice"#]]);
}

#[test]
fn limits_are_exact() {
    let line = |field: &str, length: usize| format!(r#"{{"{field}":"{}","type":"log"}}"#, "x".repeat(length));
    for (field, max) in [
        ("id", 256),
        ("runId", 256),
        ("subExecutionId", 256),
        ("traceId", 256),
        ("spanId", 256),
        ("parentSpanId", 256),
        ("service", 256),
        ("instance", 256),
        ("host", 256),
        ("tenant", 256),
        ("case", 256),
        ("nodeName", 128),
        ("parentNode", 128),
        ("level", 128),
    ] {
        decode(line(field, max).as_bytes(), None, &Limits::default()).unwrap();
        let refusal = decode(line(field, max + 1).as_bytes(), None, &Limits::default()).unwrap_err();
        let want = format!("{field} is {} bytes long, at most {max} are allowed", max + 1);
        assert_eq!((refusal.reason, refusal.detail), (Reason::IdTooLong, want));
    }
    for field in ["businessId", "sceneId", "executionId"] {
        let refusal = decode(line(field, 257).as_bytes(), None, &Limits::default()).unwrap_err();
        assert_eq!(refusal.reason, Reason::IdTooLong);
    }
    // Bytes count, not characters.
    let wide = format!(r#"{{"id":"{}"}}"#, "é".repeat(129));
    assert_eq!(decode(wide.as_bytes(), None, &Limits::default()).unwrap_err().reason, Reason::IdTooLong);

    let room = (1 << 20) - r#"{"message":""}"#.len();
    let report = |length: usize| format!(r#"{{"message":"{}"}}"#, "x".repeat(length));
    decode(report(room).as_bytes(), None, &Limits::default()).unwrap();
    refused(
        report(room + 1),
        Reason::TooLong,
        expect!["the report is 1048577 bytes long, at most 1048576 are allowed"],
    );
}

#[test]
fn messages_stay_short_whatever_the_report_holds() {
    let long = "\u{1}".repeat(1000).replace('\u{1}', r"\u0001");
    for line in [
        format!(r#"{{"type":"{long}"}}"#),
        format!(r#"{{"nodeName":"A","status":"{long}"}}"#),
        format!(r#"{{"time":"{long}"}}"#),
        format!(r#"{{"{long}":1,"{long}":2}}"#),
        format!(r#"{{"seq":1{}}}"#, "0".repeat(1000)),
    ] {
        let refusal = decode(line.as_bytes(), None, &Limits::default()).unwrap_err();
        assert!(refusal.detail.len() < 700, "{}", refusal.detail.len());
    }
}

#[test]
fn reasons_have_labels_of_their_own() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_label(reason.as_str()), Some(reason));
    }
    assert_eq!(Reason::from_label("whim"), None);
}
