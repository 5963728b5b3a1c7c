//! Requests and their answers.

use axum::body::Body;
use expect_test::{Expect, expect};
use http::{Method, Request, StatusCode};
use linkloom_query::{ListQuery, LogsQuery, json};
use linkloom_schema::answer::{ExecutionAnswer, NodeAnswer};
use linkloom_schema::ids::LinkMark;

use crate::world::{LATER, api, ask, get, later, reader};

const EXECUTION: &str = "/api/v1/business/content-42/scenes/intake/executions/e1";

#[track_caller]
fn check(path: &str, want: Expect) {
    let reply = get(&api(), path);
    want.assert_eq(&format!("{} {}\n{}", reply.status.as_u16(), reply.header("content-type"), reply.body));
}

#[test]
fn the_executions_of_a_business_id_are_listed_newest_first() {
    check(
        &format!("/api/v1/business/content-42/executions?asOf={LATER}"),
        expect![[r#""#]],
    );
    check(
        &format!("/api/v1/business/content-42/executions?scene=intake&status=failed&asOf={LATER}"),
        expect![[r#""#]],
    );
    check(
        &format!("/api/v1/business/content-42/executions?from=2026-11-21T10:01:00Z&to=2026-11-21T10:02:00Z&asOf={LATER}"),
        expect![[r#""#]],
    );
}

#[test]
fn silence_is_judged_at_as_of() {
    let api = api();
    for (as_of, status) in [("2026-11-21T10:01:30Z", "running"), (LATER, "stalled")] {
        let path = format!("/api/v1/business/content-42/scenes/intake/executions/e2?asOf={as_of}");
        let body = get(&api, &path).body;
        assert!(body.contains(&format!(r#""status":"{status}""#)), "{body}");
    }
}

#[test]
fn a_list_goes_on_where_its_cursor_says() {
    let api = api();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path =
            format!("/api/v1/business/content-42/executions?limit=1&asOf={LATER}&cursor={cursor}");
        let page: serde_json::Value = serde_json::from_str(&get(&api, &path).body).expect("JSON");
        for entry in page["executions"].as_array().expect("executions") {
            found.push(format!("{} {}", entry["sceneId"], entry["executionId"]));
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, [r#""retry" "e1""#, r#""intake" "e2""#, r#""intake" "e1""#]);
}

#[test]
fn an_unknown_business_id_has_no_executions() {
    check(
        "/api/v1/business/nobody/executions",
        expect![[r#""#]],
    );
}

#[test]
fn an_execution_is_shown() {
    check(&format!("{EXECUTION}?asOf={LATER}"), expect![[r#""#]]);
}

#[test]
fn a_node_is_shown_with_its_logs() {
    check(&format!("{EXECUTION}/nodes/check?asOf={LATER}"), expect![[r#""#]]);
    check(&format!("{EXECUTION}/nodes/check?asOf={LATER}&level=error&run=none"), expect![[r#""#]]);
}

#[test]
fn logs_are_searched_and_paged() {
    check(&format!("{EXECUTION}/logs?q=no+answer&limit=1"), expect![[r#""#]]);
    let api = api();
    let first: serde_json::Value =
        serde_json::from_str(&get(&api, &format!("{EXECUTION}/logs?limit=2")).body).expect("JSON");
    let cursor = first["nextCursor"].as_str().expect("more logs");
    check(&format!("{EXECUTION}/logs?limit=2&cursor={cursor}"), expect![[r#""#]]);
}

#[test]
fn bodies_are_the_bytes_of_output_json() {
    let (api, reader) = (api(), reader());
    let mark = LinkMark::new("content-42", "intake", "e1").expect("a mark");
    let list = ListQuery { limit: 50, ..ListQuery::default() };
    let logs = LogsQuery { limit: 50, ..LogsQuery::default() };
    for (path, want) in [
        (
            format!("/api/v1/business/content-42/executions?asOf={LATER}"),
            json::text(&reader.list("content-42", &list, later()).expect("a list")),
        ),
        (
            format!("{EXECUTION}?asOf={LATER}"),
            reader
                .show(&mark, later(), |answer: &ExecutionAnswer<'_>| json::text(answer))
                .expect("an answer")
                .expect("the execution"),
        ),
        (
            format!("{EXECUTION}/nodes/check?asOf={LATER}"),
            reader
                .node(&mark, "check", None, &logs, later(), |answer: &NodeAnswer<'_>| json::text(answer))
                .expect("an answer")
                .expect("the node"),
        ),
        (
            format!("{EXECUTION}/logs"),
            reader.logs(&mark, &logs, |answer| json::text(&answer)).expect("an answer").expect("logs"),
        ),
    ] {
        let reply = get(&api, &path);
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.body, want, "{path}");
        assert!(want.ends_with("}\n") && want.lines().count() == 1, "one line: {want:?}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    check("/api/v1/business/content-42/scenes/intake/executions/e9", expect![[r#""#]]);
    check("/api/v1/business/content-42/scenes/intake/executions/e9/nodes/check", expect![[r#""#]]);
    check("/api/v1/business/content-42/scenes/intake/executions/e9/logs", expect![[r#""#]]);
    check(&format!("{EXECUTION}/nodes/nobody"), expect![[r#""#]]);
    check("/api/v1/business//executions", expect![[r#""#]]);
    check("/", expect![[r#""#]]);
}

#[test]
fn what_is_wrong_with_a_request_is_said_at_once() {
    check(
        "/api/v1/business/content-42/executions?stauts=failed&limit=many&from=yesterday",
        expect![[r#""#]],
    );
    check("/api/v1/business/content-42/executions?cursor=abc", expect![[r#""#]]);
    check(&format!("{EXECUTION}/logs?cursor=abc"), expect![[r#""#]]);
    check(&format!("{EXECUTION}?limit=1"), expect![[r#""#]]);
    check("/api/v1/business/%FF/executions", expect![[r#""#]]);
    let long = "x".repeat(257);
    check(&format!("/api/v1/business/b/scenes/{long}/executions/e?asOf=now"), expect![[r#""#]]);
}

#[test]
fn only_reading_is_allowed() {
    let api = api();
    let reply = ask(
        &api,
        Request::builder()
            .method(Method::DELETE)
            .uri(EXECUTION)
            .body(Body::empty())
            .expect("a request"),
    );
    expect![[r#""#]].assert_eq(&format!("{} allow: {}\n{}", reply.status, reply.header("allow"), reply.body));

    let head =
        ask(&api, Request::head(EXECUTION).body(Body::empty()).expect("a request"));
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    assert_ne!(head.header("content-length"), "-");
}

#[test]
fn a_page_elsewhere_cannot_read_through_a_browser() {
    let api = api();
    let with_host = |host: &str| {
        let request = Request::get("/healthz").header("host", host).body(Body::empty()).expect("a request");
        ask(&api, request)
    };
    for own in ["localhost:8080", "127.0.0.1:1", "[::1]:443", "localhost"] {
        assert_eq!(with_host(own).status, StatusCode::OK, "{own}");
    }
    let reply = with_host("evil.example:8080");
    expect![[r#""#]].assert_eq(&reply.body);
    assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn metrics_health_and_what_every_response_says() {
    check("/healthz", expect![[r#""#]]);
    check("/metrics", expect![[r#""#]]);
    let reply = get(&api(), "/nowhere");
    assert_eq!(reply.header("linkloom-process"), std::process::id().to_string());
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}
