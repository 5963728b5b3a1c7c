//! Every endpoint with its parameters: the one table the router and the OpenAPI document are made from.

use axum::routing::{MethodRouter, get, post, put};
use http::Method;

use super::{Api, answers, definitions, figures, intake, live, openapi, path, ready, scenes};

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
const MIN_LEVEL: Parameter = Parameter {
    name: "minLevel",
    about: "only logs of this level or a graver one",
    kind: Kind::OneOf(&["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
    many: false,
    required: false,
};
const OF_NODE: Parameter = text("nodeName", "only logs that name this node");
const WENT_FROM: Parameter =
    text("nodeName", "only those in which this node, a decision, took the given case");
const WENT: Parameter = text("case", "the case of nodeName they took, or the label of another way out of it");
const LAST_EVENT: Parameter =
    text("lastEventId", "id of the last event that was seen; a header Last-Event-ID goes before it");
const LIVE_LIMIT: Parameter = count(live::LIMIT_DEFAULT, live::LIMIT_MAX);
const WITHOUT_NODE: Parameter = flag("withoutNode", "only logs that name no node");

pub(super) const NONE: &[Parameter] = &[];
pub(super) const EXECUTIONS: &[Parameter] = &[SCENE, STATUS, FROM, TO, META, IDS, LIMIT, CURSOR, AS_OF];
pub(super) const EXECUTION: &[Parameter] = &[AS_OF];
pub(super) const NODE: &[Parameter] = &[RUN, LEVEL, MIN_LEVEL, LIMIT, CURSOR, AS_OF];
pub(super) const LOGS: &[Parameter] =
    &[LEVEL, MIN_LEVEL, MESSAGE, OF_NODE, WITHOUT_NODE, LIMIT, CURSOR, AS_OF];
pub(super) const RESOLVE: &[Parameter] = &[
    Parameter {
        required: true,
        ..text("q", "any id: business id, link mark, trace id, row key, execution id, scene id")
    },
    Parameter {
        name: "search",
        about: "at most so many executions are looked through for an execution id when the text is nothing else",
        ..count(crate::SEARCHED.0, crate::SEARCHED.1)
    },
    AS_OF,
];
pub(super) const SCENES: &[Parameter] = &[LIMIT, CURSOR, AS_OF];
pub(super) const SCENE_EXECUTIONS: &[Parameter] =
    &[STATUS, FROM, TO, META, IDS, WENT_FROM, WENT, LIMIT, CURSOR, AS_OF];
pub(super) const LIVE: &[Parameter] = &[LAST_EVENT];
pub(super) const BUSINESS_LIVE: &[Parameter] = &[SCENE, STATUS, FROM, TO, META, IDS, LIVE_LIMIT, LAST_EVENT];
pub(super) const SCENE_LIVE: &[Parameter] = &[STATUS, FROM, TO, META, IDS, LIVE_LIMIT, LAST_EVENT];
pub(super) const UNLINKED: &[Parameter] = &[
    text("trace", "the reports of this trace, instead of the list"),
    text(
        "service",
        "the reports of this service that carry no trace id; none: of those that name no service",
    ),
    LEVEL,
    MESSAGE,
    LIMIT,
    CURSOR,
    AS_OF,
];
pub(super) const DEAD: &[Parameter] = &[
    text("source", "only from this topic, file or channel"),
    text("reason", "only those refused for this reason"),
    flag("replayed", "true: also those that were replayed"),
    LIMIT,
    CURSOR,
    AS_OF,
];
pub(super) const HISTORY: &[Parameter] = &[
    STATUS,
    FROM,
    TO,
    META,
    WENT_FROM,
    WENT,
    count(crate::figures::HISTORY.0, crate::figures::HISTORY.1),
    AS_OF,
];
pub(super) const STATISTICS: &[Parameter] = &[
    STATUS,
    FROM,
    TO,
    META,
    WENT_FROM,
    WENT,
    count(crate::figures::STATISTICS.0, crate::figures::STATISTICS.1),
    AS_OF,
];
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
        read(
            path::HISTORY,
            HISTORY,
            "History",
            "a node over the last executions of its scene",
            get(figures::history),
        ),
        read(
            path::STATISTICS,
            STATISTICS,
            "Statistics",
            "all nodes and edges of a scene over its last executions",
            get(figures::statistics),
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
        read(
            path::EXECUTION_LIVE,
            LIVE,
            "Events",
            "an execution as it changes, as server-sent events",
            get(live::execution),
        ),
        read(
            path::BUSINESS_LIVE,
            BUSINESS_LIVE,
            "Events",
            "the newest executions of a business id as they come and change, as server-sent events",
            get(live::business),
        ),
        read(
            path::SCENE_LIVE,
            SCENE_LIVE,
            "Events",
            "the newest executions of a scene as they come and change, as server-sent events",
            get(live::scene),
        ),
        read(
            path::UNLINKED,
            UNLINKED,
            "Unlinked",
            "traces and services that have reports without a mark, or the reports of one",
            get(intake::unlinked),
        ),
        read(path::DEAD, DEAD, "DeadLetters", "records that were refused", get(intake::dead)),
        Endpoint {
            method: Method::POST,
            path: path::REPLAY,
            about: "decodes a dead letter again and stores its report if it is accepted now",
            parameters: NONE,
            body: None,
            answer: "Replayed",
            handler: post(intake::replay),
        },
        Endpoint {
            method: Method::POST,
            path: path::REPORTS,
            about: "stores reports; answered when they are durable",
            parameters: NONE,
            body: Some(Body { about: "reports, one JSON object a line", types: &["application/x-ndjson"] }),
            answer: "Accepted",
            handler: post(intake::reports),
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
