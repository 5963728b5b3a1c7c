//! Every endpoint with its parameters: the one table the router and the OpenAPI document are made from.

use axum::routing::{MethodRouter, get, put};
use http::Method;

use super::{Api, answers, definitions, openapi, path, ready, scenes};

/// A parameter of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// What it means, for people.
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    /// It may be given several times.
    pub(super) many: bool,
    pub(super) required: bool,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Time,
    Flag,
    Count { default: usize, max: usize },
    OneOf(&'static [&'static str]),
}

const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Text, many: false, required: false }
}

const fn time(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Time, many: false, required: false }
}

const fn flag(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Flag, many: false, required: false }
}

const fn count(default: usize, max: usize) -> Parameter {
    let kind = Kind::Count { default, max };
    Parameter { name: "limit", about: "at most so many entries", kind, many: false, required: false }
}

pub(super) const AS_OF: Parameter =
    time("asOf", "the instant that decides whether a silent execution is running or stalled; now if absent");
pub(super) const SCENE: Parameter = text("scene", "only of this scene");
pub(super) const STATUS: Parameter = Parameter {
    name: "status",
    about: "only in this status",
    kind: Kind::OneOf(&["running", "completed", "failed", "stalled"]),
    many: false,
    required: false,
};
pub(super) const FROM: Parameter = time("from", "only started then or later");
pub(super) const TO: Parameter = time("to", "only started before");
pub(super) const META: Parameter = Parameter {
    name: "meta",
    about: "only with this fact, KEY=VALUE; given several times, all have to hold",
    kind: Kind::Text,
    many: true,
    required: false,
};
pub(super) const IDS: Parameter = text("q", "only with this text in one of their ids, whatever its case");
pub(super) const LIMIT: Parameter = count(super::LIMIT_DEFAULT, super::LIMIT_MAX);
pub(super) const CURSOR: Parameter = text("cursor", "go on where the answer before ended: its nextCursor");
const RUN: Parameter = text("run", "only the run of this id, or #1, #2, ...");
const LEVEL: Parameter = text("level", "only logs of exactly this level, whatever its case");
const MESSAGE: Parameter = text("q", "only logs whose message contains this text");
const WITHOUT_NODE: Parameter = flag("withoutNode", "only logs that name no node");

pub(super) const NONE: &[Parameter] = &[];
pub(super) const EXECUTIONS: &[Parameter] = &[SCENE, STATUS, FROM, TO, META, IDS, LIMIT, CURSOR, AS_OF];
pub(super) const EXECUTION: &[Parameter] = &[AS_OF];
pub(super) const NODE: &[Parameter] = &[RUN, LEVEL, LIMIT, CURSOR, AS_OF];
pub(super) const LOGS: &[Parameter] = &[LEVEL, MESSAGE, WITHOUT_NODE, LIMIT, CURSOR, AS_OF];
pub(super) const RESOLVE: &[Parameter] = &[
    Parameter {
        required: true,
        ..text("q", "any id: business id, link mark, trace id, row key, execution id, scene id")
    },
    AS_OF,
];
pub(super) const SCENES: &[Parameter] = &[LIMIT, CURSOR, AS_OF];
pub(super) const SCENE_EXECUTIONS: &[Parameter] = &[STATUS, FROM, TO, META, IDS, LIMIT, CURSOR, AS_OF];
pub(super) const DEFINITION: &[Parameter] =
    &[text("version", "this version; the one that holds now if absent"), AS_OF];
pub(super) const PUT_DEFINITION: &[Parameter] = &[
    flag("check", "true: only check it, nothing is stored"),
    time(
        "validFrom",
        "from when on it holds, in event time; if absent from the beginning for the first version of a scene, else from now on",
    ),
];

/// What a request brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) about: &'static str,
    /// Media types.
    pub(super) types: &'static [&'static str],
}

/// One endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What it is for, in one line.
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    /// The schema of what it answers with 200; empty: a text; `Events`: events.
    pub(super) answer: &'static str,
    pub(super) handler: MethodRouter<Api>,
}

/// All endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = |path, parameters, answer, about, handler| Endpoint {
        method: Method::GET,
        path,
        about,
        parameters,
        body: None,
        answer,
        handler,
    };
    vec![
        read(
            path::EXECUTIONS,
            EXECUTIONS,
            "List",
            "executions of a business id over all scenes, newest start first",
            get(answers::executions),
        ),
        read(
            path::EXECUTION,
            EXECUTION,
            "Execution",
            "one execution laid over its definition",
            get(answers::execution),
        ),
        read(
            path::NODE,
            NODE,
            "Node",
            "one node: its runs with input and output, and a page of its business logs",
            get(answers::node),
        ),
        read(path::LOGS, LOGS, "Logs", "a page of the business logs of an execution", get(answers::logs)),
        read(path::RESOLVE, RESOLVE, "Resolved", "what a text may be the id of", get(scenes::resolve)),
        read(
            path::SCENES,
            SCENES,
            "Scenes",
            "the scenes that have a definition or executions",
            get(scenes::scenes),
        ),
        read(
            path::SCENE_EXECUTIONS,
            SCENE_EXECUTIONS,
            "List",
            "executions of a scene over all business ids, newest start first",
            get(scenes::executions),
        ),
        read(
            path::DEFINITION,
            DEFINITION,
            "Definition",
            "a definition of a scene, and which versions there are",
            get(definitions::get),
        ),
        Endpoint {
            method: Method::PUT,
            path: path::DEFINITION,
            about: "checks a definition in JSON or XML and puts it into the definition log",
            parameters: PUT_DEFINITION,
            body: Some(Body {
                about: "the definition: a list of nodes or an object in JSON, or XML",
                types: &["application/json", "application/xml"],
            }),
            answer: "DefinitionPut",
            handler: put(definitions::put),
        },
        read(path::OPENAPI, NONE, "Document", "this document", get(openapi::openapi)),
        read(
            path::METRICS,
            NONE,
            "",
            "metrics of the process in the Prometheus text format",
            get(super::metrics_text),
        ),
        read(path::HEALTH, NONE, "", "ok while the process answers", get(super::health)),
        read(
            path::READY,
            NONE,
            "",
            "ready while the store answers; else 503 with a line for each thing missing",
            get(ready::ready),
        ),
    ]
}
