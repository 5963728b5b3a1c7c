//! The conformance vectors: the lines all toolkits write, and how they carry the mark.

use std::time::{Duration, UNIX_EPOCH};

use linkloom_reporter::{
    Context, Exception, Level, LinkMark, MaskRule, NodeRun, Reporter, baggage, parse_baggage,
    parse_traceparent,
};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../schema/conformance/reporter-v1.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("the vectors are JSON")
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("a list {name}"))
}

fn mark(value: &Value) -> Option<LinkMark> {
    let [business, scene, execution] =
        ["businessId", "sceneId", "executionId"].map(|name| value[name].as_str());
    LinkMark::of(business, scene, execution)
}

fn context(value: &Value) -> Context {
    let mut context = Context::default();
    if let Some(mark) = mark(&value["mark"]) {
        context = context.with_mark(mark);
    }
    if let Some(parent) = value["parentNode"].as_str() {
        context = context.with_parent_node(parent);
    }
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    context = context.with_trace(text("traceId"), text("spanId"));
    match value["node"].as_str() {
        Some(node) => context.within_node(node),
        None => context,
    }
}

fn rule(value: &Value) -> MaskRule {
    let (kind, text) = value.as_object().expect("a rule").iter().next().expect("a rule");
    let text = text.as_str().expect("a text");
    match (kind.as_str(), text) {
        ("key", key) => MaskRule::key(key),
        ("keyPattern", pattern) => MaskRule::key_pattern(pattern).unwrap(),
        ("textPattern", pattern) => MaskRule::text_pattern(pattern).unwrap(),
        ("text", "email") => MaskRule::email(),
        ("text", "phone") => MaskRule::phone(),
        ("text", "bankCard") => MaskRule::bank_card(),
        ("text", "idCard") => MaskRule::id_card(),
        other => panic!("an unknown rule {other:?}"),
    }
}

fn exception(value: &Value) -> Option<Exception> {
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    value.as_object()?;
    let mut exception = match text(value, "message") {
        Some(message) => Exception::text(message),
        None => Exception::default(),
    };
    if let Some(type_name) = text(value, "type") {
        exception = exception.with_type(type_name);
    }
    if let Some(stack) = text(value, "stack") {
        exception = exception.with_stack(stack);
    }
    for cause in value["causes"].as_array().into_iter().flatten() {
        exception = exception.with_cause(cause["type"].as_str(), cause["message"].as_str());
    }
    Some(exception)
}

/// Makes the calls of a case and returns the lines.
fn lines(case: &Value) -> Vec<String> {
    let settings = &case["settings"];
    let text = |name: &str| settings[name].as_str().unwrap_or_default();
    let cap = |name: &str, default: u64| settings["caps"][name].as_u64().unwrap_or(default) as usize;
    let mut builder = Reporter::builder()
        .without_environment()
        .service(text("service"))
        .instance(text("instance"))
        .host(text("host"))
        .boot(settings["boot"].as_u64().expect("a boot"))
        .payload_bytes_max(cap("payload", 262_144))
        .message_bytes_max(cap("message", 65_536))
        .stack_bytes_max(cap("stack", 65_536));
    for mask in settings["masks"].as_array().into_iter().flatten() {
        builder = builder.mask(rule(mask));
    }
    let (builder, captured) = builder.capture();
    let running = builder.start();
    let around = context(&case["context"]);
    let mut open: Vec<NodeRun> = Vec::new();
    for call in items(case, "calls") {
        make(running.reporter(), &around, &mut open, call);
    }
    assert!(open.is_empty(), "every node ends");
    drop(running);
    captured.lines()
}

fn make(reporter: &Reporter, around: &Context, open: &mut Vec<NodeRun>, call: &Value) {
    let time = UNIX_EPOCH + Duration::from_micros(call["time"].as_u64().expect("a time"));
    let here = open.last().map_or(around, NodeRun::context).clone();
    let owned = |name: &str| call[name].as_str().map(str::to_owned);
    let kind = call["call"].as_str().expect("a call");
    match (kind, owned("node")) {
        ("log", _) => {
            let units: Option<Vec<u16>> = call["messageUtf16"]
                .as_array()
                .map(|units| units.iter().map(|unit| unit.as_u64().unwrap() as u16).collect());
            let message = units.map(|units| String::from_utf16_lossy(&units)).or(owned("message"));
            let level = owned("level").map(|level| match level.as_str() {
                "TRACE" => Level::Trace,
                "DEBUG" => Level::Debug,
                "INFO" => Level::Info,
                "WARN" => Level::Warn,
                "ERROR" => Level::Error,
                "FATAL" => Level::Fatal,
                other => panic!("an unknown level {other}"),
            });
            match (level, message) {
                (Some(level), Some(message)) => {
                    let mut log = reporter.log(level, message).data(&call["data"]).meta(&call["meta"]);
                    if let Some(exception) = exception(&call["exception"]) {
                        log = log.exception(exception);
                    }
                    log.at(time).within(here).send();
                }
                (None, None) => reporter.bare_log().data(&call["data"]).at(time).within(here).send(),
                other => panic!("no call for {other:?}"),
            }
        }
        ("start", Some(name)) => {
            let mut node = reporter.node(name).within(here).at(time).meta(&call["meta"]);
            if let Some(round) = call["iteration"].as_u64() {
                node = node.iteration(round);
            }
            if let Some(id) = owned("subExecutionId") {
                node = node.sub_execution(id);
            }
            open.push(node.start(&call["input"]));
        }
        ("skip", Some(name)) => reporter.node(name).within(here).at(time).skip(&call["reason"]),
        (end, None) => {
            let mut run = open.pop().expect("an open node").at(time).meta(&call["meta"]);
            if let Some(case) = owned("case") {
                run = run.case(case);
            }
            if let Some(id) = owned("subExecutionId") {
                run = run.sub_execution(id);
            }
            match end {
                "complete" => run.complete(&call["output"]),
                "fail" => run.failed(exception(&call["error"]), &call["output"]),
                "skip" => run.skip(&call["reason"]),
                other => panic!("an unknown call {other}"),
            }
        }
        other => panic!("an unknown call {other:?}"),
    }
}

#[test]
fn every_case_gives_its_lines() {
    let mut wrong = Vec::new();
    let vectors = vectors();
    for case in items(&vectors, "cases") {
        let want: Vec<&str> =
            items(case, "lines").iter().map(|line| line.as_str().expect("a line")).collect();
        let found = lines(case);
        for at in 0..want.len().max(found.len()) {
            let (want, found) = (want.get(at), found.get(at));
            if want.copied() != found.map(String::as_str) {
                wrong.push(format!("{} #{at}\n  want  {want:?}\n  found {found:?}", case["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn baggage_is_written() {
    for vector in items(&vectors(), "baggage") {
        let existing = vector["existing"].as_str();
        let found = baggage(&context(vector), existing);
        // Nothing to change is the header that is there.
        assert_eq!(found.as_deref().or(existing), vector["header"].as_str(), "{vector}");
    }
}

#[test]
fn baggage_is_read() {
    for vector in items(&vectors(), "baggageIn") {
        let found = parse_baggage(vector["header"].as_str().expect("a header"));
        let want = mark(&vector["mark"]).map(|mark| (mark, vector["parentNode"].as_str().map(str::to_owned)));
        assert_eq!(found, want, "{vector}");
    }
}

#[test]
fn traceparent_is_read() {
    for vector in items(&vectors(), "traceparentIn") {
        let found = parse_traceparent(vector["header"].as_str().expect("a header"));
        let want = vector["traceId"].as_str().zip(vector["spanId"].as_str());
        assert_eq!(found, want, "{vector}");
    }
}

#[test]
fn marks_are_texts() {
    for vector in items(&vectors(), "markText") {
        let found = mark(&vector["mark"]).and_then(|mark| mark.to_text());
        assert_eq!(found.as_deref(), vector["text"].as_str(), "{vector}");
    }
    for vector in items(&vectors(), "markTextIn") {
        let found = LinkMark::from_text(vector["text"].as_str().expect("a text"));
        assert_eq!(found, mark(&vector["mark"]), "{vector}");
    }
}
