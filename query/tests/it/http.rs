//! Requests and their answers.

use axum::body::Body;
use expect_test::expect;
use http::{Method, Request, StatusCode};
use linkloom_query::{ListQuery, LogsQuery, json};
use linkloom_schema::answer::{ExecutionAnswer, NodeAnswer};
use linkloom_schema::ids::LinkMark;

use crate::world::{LATER, api, api_of, ask, check, get, later, reader, stored};

const EXECUTION: &str = "/api/v1/business/content-42/scenes/intake/executions/e1";

#[test]
fn the_executions_of_a_business_id_are_listed_newest_first() {
    check(
        &format!("/api/v1/business/content-42/executions?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"executions":[{"businessId":"content-42","sceneId":"retry","executionId":"e1","status":"completed","startTime":"2026-11-21T10:02:00.000000Z","endTime":"2026-11-21T10:02:01.000000Z","durationMicros":1000000,"nodeCounts":{"completed":1},"errorCount":0,"meta":{}},{"businessId":"content-42","sceneId":"intake","executionId":"e2","status":"stalled","startTime":"2026-11-21T10:01:00.000000Z","endTime":null,"durationMicros":null,"nodeCounts":{"stalled":1,"not_reached":2},"errorCount":0,"meta":{}},{"businessId":"content-42","sceneId":"intake","executionId":"e1","status":"failed","startTime":"2026-11-21T10:00:00.000000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":6000,"nodeCounts":{"completed":1,"failed":1,"not_reached":1},"errorCount":1,"meta":{}}],"nextCursor":null}
        "#]],
    );
    check(
        &format!("/api/v1/business/content-42/executions?scene=intake&status=failed&asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"executions":[{"businessId":"content-42","sceneId":"intake","executionId":"e1","status":"failed","startTime":"2026-11-21T10:00:00.000000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":6000,"nodeCounts":{"completed":1,"failed":1,"not_reached":1},"errorCount":1,"meta":{}}],"nextCursor":null}
        "#]],
    );
    check(
        &format!(
            "/api/v1/business/content-42/executions?from=2026-11-21T10:01:00Z&to=2026-11-21T10:02:00Z&asOf={LATER}"
        ),
        expect![[r#"
            200 application/json
            {"executions":[{"businessId":"content-42","sceneId":"intake","executionId":"e2","status":"stalled","startTime":"2026-11-21T10:01:00.000000Z","endTime":null,"durationMicros":null,"nodeCounts":{"stalled":1,"not_reached":2},"errorCount":0,"meta":{}}],"nextCursor":null}
        "#]],
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
        let path = format!("/api/v1/business/content-42/executions?limit=1&asOf={LATER}&cursor={cursor}");
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
        expect![[r#"
            200 application/json
            {"executions":[],"nextCursor":null}
        "#]],
    );
}

#[test]
fn an_execution_is_shown() {
    check(
        &format!("{EXECUTION}?asOf={LATER}"),
        expect![[r##"
        200 application/json
        {"businessId":"content-42","sceneId":"intake","executionId":"e1","status":"failed","partial":false,"startTime":"2026-11-21T10:00:00.000000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":6000,"definitionVersion":"f72f5ddce0fe92851646264b56bea8c7","meta":{},"traceIds":[],"services":["api","check"],"nodes":[{"nodeName":"receive","nodeType":"local","state":"completed","runs":[{"runId":"#1","status":"COMPLETED","startTime":"2026-11-21T10:00:00.000000Z","endTime":"2026-11-21T10:00:00.002000Z","durationMicros":2000,"input":{"contentId":42},"output":null,"case":null,"service":"api","instance":"a:1"}],"logCounts":{},"notTakenBecause":null},{"nodeName":"check","nodeType":"rpc","state":"failed","runs":[{"runId":"#1","status":"FAILED","startTime":"2026-11-21T10:00:00.003000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":3000,"input":null,"output":null,"case":null,"service":"check","instance":"c:1"}],"logCounts":{"ERROR":1,"INFO":1},"notTakenBecause":null},{"nodeName":"publish","nodeType":"rpc","state":"not_reached","runs":[],"logCounts":{},"notTakenBecause":null}],"edges":[{"from":"receive","to":"check","label":null,"state":"taken"},{"from":"check","to":"publish","label":null,"state":"open"}],"findings":[],"logs":{"total":3,"withoutNode":1},"counts":{"reports":7,"logs":3,"truncated":0,"errors":1}}
    "##]],
    );
}

#[test]
fn a_node_is_shown_with_its_logs() {
    check(
        &format!("{EXECUTION}/nodes/check?asOf={LATER}"),
        expect![[r##"
        200 application/json
        {"nodeName":"check","state":"failed","runs":[{"runId":"#1","status":"FAILED","startTime":"2026-11-21T10:00:00.003000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":3000,"input":null,"output":null,"case":null,"service":"check","instance":"c:1"}],"logs":[{"time":"2026-11-21T10:00:00.004000Z","level":"INFO","message":"looking at content 42","data":null,"exception":null,"service":null,"instance":null,"traceId":null},{"time":"2026-11-21T10:00:00.005000Z","level":"ERROR","message":"no answer","data":{"tries":3},"exception":{"type":"Timeout"},"service":null,"instance":null,"traceId":null}],"nextCursor":null}
    "##]],
    );
    check(
        &format!("{EXECUTION}/nodes/check?asOf={LATER}&level=error&run=none"),
        expect![[r#"
        200 application/json
        {"nodeName":"check","state":"failed","runs":[],"logs":[{"time":"2026-11-21T10:00:00.005000Z","level":"ERROR","message":"no answer","data":{"tries":3},"exception":{"type":"Timeout"},"service":null,"instance":null,"traceId":null}],"nextCursor":null}
    "#]],
    );
}

#[test]
fn logs_without_a_node_are_asked_for() {
    check(
        &format!("{EXECUTION}/logs?withoutNode=true"),
        expect![[r#"
            200 application/json
            {"logs":[{"time":"2026-11-21T10:00:00.007000Z","level":"INFO","message":"given up","data":null,"exception":null,"service":null,"instance":null,"traceId":null}],"nextCursor":null}
        "#]],
    );
    let api = api();
    let body = |query: &str| get(&api, &format!("{EXECUTION}/logs{query}")).body;
    assert_eq!(body("?withoutNode=false"), body(""));
    assert_eq!(body("?withoutNode="), body(""));
    assert!(body("?withoutNode=yes").contains(r#"withoutNode is \"yes\"; allowed is true, false"#));
}

#[test]
fn logs_are_searched_and_paged() {
    check(
        &format!("{EXECUTION}/logs?q=no+answer&limit=1"),
        expect![[r#"
        200 application/json
        {"logs":[{"time":"2026-11-21T10:00:00.005000Z","level":"ERROR","message":"no answer","data":{"tries":3},"exception":{"type":"Timeout"},"service":null,"instance":null,"traceId":null,"nodeName":"check"}],"nextCursor":null}
    "#]],
    );
    let api = api();
    let first: serde_json::Value =
        serde_json::from_str(&get(&api, &format!("{EXECUTION}/logs?limit=2")).body).expect("JSON");
    let cursor = first["nextCursor"].as_str().expect("more logs");
    check(
        &format!("{EXECUTION}/logs?limit=2&cursor={cursor}"),
        expect![[r#"
        200 application/json
        {"logs":[{"time":"2026-11-21T10:00:00.007000Z","level":"INFO","message":"given up","data":null,"exception":null,"service":null,"instance":null,"traceId":null}],"nextCursor":null}
    "#]],
    );
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
    check(
        "/api/v1/business/content-42/scenes/intake/executions/e9",
        expect![[r#"
        404 application/problem+json
        {"type":"about:blank","title":"Not Found","status":404,"detail":"nothing is stored of execution \"e9\" of scene \"intake\" of \"content-42\""}
    "#]],
    );
    check(
        "/api/v1/business/content-42/scenes/intake/executions/e9/nodes/check",
        expect![[r#"
        404 application/problem+json
        {"type":"about:blank","title":"Not Found","status":404,"detail":"nothing is stored of execution \"e9\" of scene \"intake\" of \"content-42\""}
    "#]],
    );
    check(
        "/api/v1/business/content-42/scenes/intake/executions/e9/logs",
        expect![[r#"
        404 application/problem+json
        {"type":"about:blank","title":"Not Found","status":404,"detail":"nothing is stored of execution \"e9\" of scene \"intake\" of \"content-42\""}
    "#]],
    );
    check(
        &format!("{EXECUTION}/nodes/nobody"),
        expect![[r#"
        404 application/problem+json
        {"type":"about:blank","title":"Not Found","status":404,"detail":"execution \"e1\" has no node \"nobody\""}
    "#]],
    );
    check(
        "/api/v1/business//executions",
        expect![[r#"
        200 application/json
        {"executions":[],"nextCursor":null}
    "#]],
    );
    check(
        "/api/v2",
        expect![[r#"
        404 application/problem+json
        {"type":"about:blank","title":"Not Found","status":404,"detail":"there is nothing at /api/v2"}
    "#]],
    );
}

#[test]
fn what_is_wrong_with_a_request_is_said_at_once() {
    check(
        "/api/v1/business/content-42/executions?stauts=failed&limit=many&from=yesterday",
        expect![[r#"
            400 application/problem+json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"stauts is not known here; allowed is scene, status, from, to, meta, q, limit, cursor, asOf; from is \"yesterday\"; allowed is RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099; limit is \"many\"; allowed is a whole number from 1 to 10000","errors":[{"parameter":"stauts","detail":"stauts is not known here; allowed is scene, status, from, to, meta, q, limit, cursor, asOf","found":"failed","allowed":"scene, status, from, to, meta, q, limit, cursor, asOf"},{"parameter":"from","detail":"from is \"yesterday\"; allowed is RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099","found":"yesterday","allowed":"RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099"},{"parameter":"limit","detail":"limit is \"many\"; allowed is a whole number from 1 to 10000","found":"many","allowed":"a whole number from 1 to 10000"}]}
        "#]],
    );
    check(
        "/api/v1/business/content-42/executions?cursor=abc",
        expect![[r#"
        400 application/problem+json
        {"type":"about:blank","title":"Bad Request","status":400,"detail":"cursor is \"abc\"; allowed is the nextCursor of an answer of this list","errors":[{"parameter":"cursor","detail":"cursor is \"abc\"; allowed is the nextCursor of an answer of this list","found":"abc","allowed":"the nextCursor of an answer of this list"}]}
    "#]],
    );
    check(
        &format!("{EXECUTION}/logs?cursor=abc"),
        expect![[r#"
        400 application/problem+json
        {"type":"about:blank","title":"Bad Request","status":400,"detail":"cursor is \"abc\"; allowed is the nextCursor of an answer of this list","errors":[{"parameter":"cursor","detail":"cursor is \"abc\"; allowed is the nextCursor of an answer of this list","found":"abc","allowed":"the nextCursor of an answer of this list"}]}
    "#]],
    );
    check(
        &format!("{EXECUTION}?limit=1"),
        expect![[r#"
        400 application/problem+json
        {"type":"about:blank","title":"Bad Request","status":400,"detail":"limit is not known here; allowed is asOf","errors":[{"parameter":"limit","detail":"limit is not known here; allowed is asOf","found":"1","allowed":"asOf"}]}
    "#]],
    );
    check(
        "/api/v1/business/%FF/executions",
        expect![[r#"
            400 application/problem+json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"the path is \"/api/v1/business/%FF/executions\"; allowed is percent-encoded UTF-8","errors":[{"parameter":"the path","detail":"the path is \"/api/v1/business/%FF/executions\"; allowed is percent-encoded UTF-8","found":"/api/v1/business/%FF/executions","allowed":"percent-encoded UTF-8"}]}
        "#]],
    );
    let long = "x".repeat(257);
    check(
        &format!("/api/v1/business/b/scenes/{long}/executions/e?asOf=now"),
        expect![[r#"
        400 application/problem+json
        {"type":"about:blank","title":"Bad Request","status":400,"detail":"asOf is \"now\"; allowed is RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099; sceneId is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"; allowed is an id of 1 to 256 bytes","errors":[{"parameter":"asOf","detail":"asOf is \"now\"; allowed is RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099","found":"now","allowed":"RFC 3339 such as 2026-11-21T10:00:00Z (a + in it is written %2B), or a date, from 2000 to 2099"},{"parameter":"sceneId","detail":"sceneId is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"; allowed is an id of 1 to 256 bytes","found":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...","allowed":"an id of 1 to 256 bytes"}]}
    "#]],
    );
}

#[test]
fn a_store_that_does_not_answer_is_to_be_asked_again() {
    let (store, reader) = stored();
    let api = api_of(reader);
    store.fail_reads(1);
    let reply = get(&api, &format!("{EXECUTION}?asOf={LATER}"));
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
    expect![[r#"
        {"type":"about:blank","title":"Service Unavailable","status":503,"detail":"scan on memory: injected: the read failed"}
    "#]].assert_eq(&reply.body);
    assert_eq!(get(&api, &format!("{EXECUTION}?asOf={LATER}")).status, StatusCode::OK);
}

#[test]
fn only_reading_is_allowed() {
    let api = api();
    let reply = ask(
        &api,
        Request::builder().method(Method::DELETE).uri(EXECUTION).body(Body::empty()).expect("a request"),
    );
    expect![[r#"
        405 Method Not Allowed allow: GET,HEAD
        {"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"DELETE at /api/v1/business/content-42/scenes/intake/executions/e1; allowed is GET, HEAD"}
    "#]].assert_eq(&format!("{} allow: {}\n{}", reply.status, reply.header("allow"), reply.body));

    let head = ask(&api, Request::head(EXECUTION).body(Body::empty()).expect("a request"));
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
    expect![[r#"
        {"type":"about:blank","title":"Misdirected Request","status":421,"detail":"host is \"evil.example:8080\"; allowed are localhost, 127.0.0.1 and [::1], with any port: without tokens (api.token_file) the API only answers its own machine"}
    "#]].assert_eq(&reply.body);
    assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn metrics_health_and_what_every_response_says() {
    check(
        "/healthz",
        expect![[r#"
        200 text/plain; charset=utf-8
        ok
    "#]],
    );
    check(
        "/metrics",
        expect![[r#"
        200 text/plain; version=0.0.4; charset=utf-8
        # TYPE up gauge
        up 1
    "#]],
    );
    let reply = get(&api(), "/api/nowhere");
    assert_eq!(reply.header("linkloom-process"), std::process::id().to_string());
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}
