//! Two tiny languages for tests: plans and events as text.
//!
//! Plan: `A; F=fork{B; C | D?}; J=join(C,D); X=if{yes: E | no: | *: G}; L=loop{H<100}; S=link(other); T=end`.
//! A name may be followed by `?` (optional), `~` (minor), `!` (dynamic) and `<ms` (slow above).
//!
//! Events, one a line: `TIME NODE start|done|fail|skip [key=value ...]`; time in ms, `-` for none. Keys: `run`, `span`,
//! `svc`, `inst`, `host`, `case`, `iter`, `sub`, `parent`, `id`. The identity is the number of the line unless `id` says
//! otherwise.

pub(crate) mod random;

use std::borrow::Cow;

use crate::definition::{Node, NodeKind};
use crate::event::NodeEvent;
use crate::ids::SceneId;
use crate::report::{Identity, Mark, Payload, Report, ReportKind, Status};
use crate::time::Timestamp;

/// Reads a plan.
#[track_caller]
pub(crate) fn nodes(text: &str) -> Vec<Node> {
    let mut rest = text;
    let nodes = series(&mut rest);
    assert!(rest.trim().is_empty(), "left over: {rest:?}");
    nodes
}

fn eat(rest: &mut &str, what: char) -> bool {
    let trimmed = rest.trim_start();
    let after = trimmed.strip_prefix(what);
    *rest = after.unwrap_or(trimmed);
    after.is_some()
}

fn word(rest: &mut &str) -> String {
    let trimmed = rest.trim_start();
    let end = trimmed
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '*')))
        .unwrap_or(trimmed.len());
    let (word, after) = trimmed.split_at(end);
    *rest = after;
    word.to_owned()
}

fn series(rest: &mut &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    while !rest.trim_start().is_empty() && !rest.trim_start().starts_with(['|', '}']) {
        nodes.push(node(rest));
        if !eat(rest, ';') {
            break;
        }
    }
    nodes
}

fn node(rest: &mut &str) -> Node {
    let name = word(rest);
    assert!(!name.is_empty(), "a name is expected at {rest:?}");
    let kind = if eat(rest, '=') { kind(rest) } else { NodeKind::Local };
    let mut node = step(&name);
    node.kind = kind;
    loop {
        if eat(rest, '?') {
            node.optional = true;
        } else if eat(rest, '~') {
            node.minor = true;
        } else if eat(rest, '!') {
            node.dynamic = true;
        } else if eat(rest, '<') {
            node.slow_after_ms = word(rest).parse().ok();
        } else {
            return node;
        }
    }
}

/// A local step.
pub(crate) fn step(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        kind: NodeKind::Local,
        title: None,
        description: None,
        service: None,
        slow_after_ms: None,
        optional: false,
        minor: false,
        dynamic: false,
    }
}

fn kind(rest: &mut &str) -> NodeKind {
    match word(rest).as_str() {
        "rpc" => NodeKind::Rpc,
        "fork" => {
            assert!(eat(rest, '{'));
            let mut branches = vec![series(rest)];
            while eat(rest, '|') {
                branches.push(series(rest));
            }
            assert!(eat(rest, '}'), "}} is expected at {rest:?}");
            NodeKind::Fork { branches }
        }
        "join" => {
            let mut on = Vec::new();
            if eat(rest, '(') {
                while !eat(rest, ')') {
                    on.push(word(rest));
                    eat(rest, ',');
                }
            }
            NodeKind::Join { on }
        }
        "if" => {
            let (mut cases, mut default) = (Vec::new(), None);
            assert!(eat(rest, '{'));
            while !eat(rest, '}') {
                let label = word(rest);
                assert!(eat(rest, ':'), ": is expected at {rest:?}");
                let body = series(rest);
                if label == "*" {
                    default = Some(body);
                } else {
                    cases.push((label, body));
                }
                eat(rest, '|');
            }
            NodeKind::Decision { cases, default }
        }
        "loop" => {
            assert!(eat(rest, '{'));
            let body = series(rest);
            assert!(eat(rest, '}'), "}} is expected at {rest:?}");
            NodeKind::Loop { body }
        }
        "link" => {
            assert!(eat(rest, '('));
            let scene = word(rest);
            assert!(eat(rest, ')'));
            NodeKind::Link { sub_scene: SceneId::new(&scene).expect("a scene id") }
        }
        "end" => NodeKind::Terminate,
        other => panic!("no kind of node: {other:?}"),
    }
}

/// The instant `ms` milliseconds after a fixed one.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp(1_795_255_200_000_000 + ms * 1_000)
}

/// Milliseconds after the fixed instant.
pub(crate) fn ms(time: Timestamp) -> i64 {
    (time.0 - at(0).0) / 1_000
}

/// Reads events; lines that are empty or begin with `//` are skipped.
#[track_caller]
pub(crate) fn events(text: &str) -> Vec<NodeEvent<'_>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    (1_u128..).zip(lines).map(|(number, line)| event(number, line)).collect()
}

#[track_caller]
fn event(number: u128, line: &str) -> NodeEvent<'_> {
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("too short: {line:?}"));
    let (time, node, status) = (next(), next(), next());
    let mut event = NodeEvent {
        identity: Identity(number),
        node,
        status: match status {
            "start" => Status::Running,
            "done" => Status::Completed,
            "fail" => Status::Failed,
            "skip" => Status::Skipped,
            other => panic!("no status: {other:?}"),
        },
        time: time.parse().ok().map(at),
        run_id: None,
        span_id: None,
        service: None,
        instance: None,
        host: None,
        case: None,
        iteration: None,
        sub_execution_id: None,
        parent_node: None,
    };
    for word in words {
        let (key, value) =
            word.split_once('=').unwrap_or_else(|| panic!("key=value is expected, not {word:?}"));
        match key {
            "run" => event.run_id = Some(value),
            "span" => event.span_id = Some(value),
            "svc" => event.service = Some(value),
            "inst" => event.instance = Some(value),
            "host" => event.host = Some(value),
            "case" => event.case = Some(value),
            "iter" => event.iteration = value.parse().ok(),
            "sub" => event.sub_execution_id = Some(value),
            "parent" => event.parent_node = Some(value),
            "id" => event.identity = Identity(value.parse().expect("a number")),
            other => panic!("no key: {other:?}"),
        }
    }
    event
}

/// The node report an event is the light form of, under the mark (`b`, `s`, `e`).
pub(crate) fn report<'a>(event: &NodeEvent<'a>) -> Report<'a> {
    let text = |text: Option<&'a str>| text.map(Cow::Borrowed);
    Report {
        mark: Some(Mark { business_id: "b".into(), scene_id: "s".into(), execution_id: "e".into() }),
        identity: event.identity,
        node_name: Some(Cow::Borrowed(event.node)),
        status: Some(event.status),
        time: event.time,
        run_id: text(event.run_id),
        span_id: text(event.span_id),
        service: text(event.service),
        instance: text(event.instance),
        host: text(event.host),
        case: text(event.case),
        iteration: event.iteration,
        sub_execution_id: text(event.sub_execution_id),
        parent_node: text(event.parent_node),
        ..Report::default()
    }
}

/// A business log of a node.
pub(crate) fn log(
    identity: u128,
    node: Option<&'static str>,
    level: &'static str,
    time: i64,
) -> Report<'static> {
    Report {
        kind: ReportKind::Log,
        mark: Some(Mark { business_id: "b".into(), scene_id: "s".into(), execution_id: "e".into() }),
        identity: Identity(identity),
        node_name: node.map(Cow::Borrowed),
        level: Some(level.into()),
        message: Some(format!("{level} at {time}").into()),
        time: Some(at(time)),
        ..Report::default()
    }
}

/// JSON as a payload.
pub(crate) fn payload(json: &'static str) -> Option<Payload<'static>> {
    Some(Payload { json: json.into(), cut_from: None })
}
