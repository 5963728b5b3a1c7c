//! Scenes, definitions, and what a text is the id of.

use axum::body::Body;
use expect_test::expect;
use http::{Method, Request};
use serde_json::Value;

use crate::world::{LATER, Reply, api, ask, check, get, put_api};

fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.body))
}

#[test]
fn scenes_have_a_definition_or_executions() {
    check(
        &format!("/api/v1/scenes?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"scenes":[{"sceneId":"in take/../x","linkName":null,"description":null,"definitionVersion":null,"versions":0,"nodes":0,"lastStartTime":"2026-11-21T10:03:00.000000Z"},{"sceneId":"intake","linkName":null,"description":null,"definitionVersion":"f72f5ddce0fe92851646264b56bea8c7","versions":1,"nodes":3,"lastStartTime":"2026-11-21T10:01:00.000000Z"},{"sceneId":"retry","linkName":null,"description":null,"definitionVersion":null,"versions":0,"nodes":0,"lastStartTime":"2026-11-21T10:02:00.000000Z"}],"nextCursor":null}
        "#]],
    );
    let api = api();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = json(&get(&api, &format!("/api/v1/scenes?limit=1&cursor={cursor}")));
        found.extend(page["scenes"].as_array().expect("scenes").iter().map(|scene| scene["sceneId"].clone()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, ["in take/../x", "intake", "retry"]);
}

#[test]
fn the_executions_of_a_scene_are_listed_newest_first() {
    check(
        &format!("/api/v1/scenes/intake/executions?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"executions":[{"businessId":"content-42","sceneId":"intake","executionId":"e2","status":"stalled","startTime":"2026-11-21T10:01:00.000000Z","endTime":null,"durationMicros":null,"nodeCounts":{"stalled":1,"not_reached":2},"errorCount":0,"meta":{}},{"businessId":"content-42","sceneId":"intake","executionId":"e1","status":"failed","startTime":"2026-11-21T10:00:00.000000Z","endTime":"2026-11-21T10:00:00.006000Z","durationMicros":6000,"nodeCounts":{"completed":1,"failed":1,"not_reached":1},"errorCount":1,"meta":{}}],"nextCursor":null}
        "#]],
    );
    let api = api();
    let ids = |query: &str| -> Vec<String> {
        let page = json(&get(&api, &format!("/api/v1/scenes/intake/executions?asOf={LATER}&{query}")));
        let executions = page["executions"].as_array().expect("executions");
        executions.iter().map(|entry| entry["executionId"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(ids("status=failed"), ["e1"]);
    assert_eq!(ids("status=stalled"), ["e2"]);
    assert_eq!(ids("status=completed"), [""; 0]);
    assert_eq!(ids("from=2026-11-21T10:01:00Z"), ["e2"]);
    assert_eq!(ids("to=2026-11-21T10:01:00Z"), ["e1"]);
    assert_eq!(ids("q=E1"), ["e1"]);
    assert_eq!(ids("q=content"), ["e2", "e1"]);
    assert_eq!(ids("meta=trigger=manual"), [""; 0]);
}

#[test]
fn a_definition_is_shown_with_its_versions() {
    check(
        "/api/v1/scenes/intake/definition",
        expect![[r#"
            200 application/json
            {"sceneId":"intake","version":"f72f5ddce0fe92851646264b56bea8c7","validFrom":null,"current":true,"definition":{"sceneId":"intake","nodes":[{"nodeName":"receive","nodeType":"local"},{"nodeName":"check","nodeType":"rpc"},{"nodeName":"publish","nodeType":"rpc"}]},"versions":[{"version":"f72f5ddce0fe92851646264b56bea8c7","validFrom":null,"label":null,"linkName":null,"current":true}]}
        "#]],
    );
    check(
        "/api/v1/scenes/retry/definition",
        expect![[r#"
            404 application/problem+json
            {"type":"about:blank","title":"Not Found","status":404,"detail":"scene \"retry\" has no definition"}
        "#]],
    );
    check(
        "/api/v1/scenes/intake/definition?version=00000000000000000000000000000000",
        expect![[r#"
            404 application/problem+json
            {"type":"about:blank","title":"Not Found","status":404,"detail":"scene \"intake\" has no version 00000000000000000000000000000000 of a definition"}
        "#]],
    );
    check(
        "/api/v1/scenes/intake/definition?version=1",
        expect![[r#"
            400 application/problem+json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"version is \"1\"; allowed is a version as answers have it: 32 lower-case hex digits","errors":[{"parameter":"version","detail":"version is \"1\"; allowed is a version as answers have it: 32 lower-case hex digits","found":"1","allowed":"a version as answers have it: 32 lower-case hex digits"}]}
        "#]],
    );
}

const SECOND: &str = r#"[{"nodeName":"receive","nodeType":"local"}]"#;

#[test]
fn a_definition_is_checked_and_put() {
    let api = put_api();
    let put = |query: &str, body: &str| {
        let request =
            Request::builder().method(Method::PUT).uri(format!("/api/v1/scenes/intake/definition{query}"));
        ask(&api, request.body(Body::from(body.to_owned())).expect("a request"))
    };
    let versions =
        || json(&get(&api, "/api/v1/scenes/intake/definition"))["versions"].as_array().map_or(0, Vec::len);
    let checked = put("?check=true", SECOND);
    expect![[r#"
        200 {"sceneId":"intake","version":"292da48553c5207d49a4a796aec1f387","validFrom":null,"new":true,"stored":false,"definition":{"sceneId":"intake","nodes":[{"nodeName":"receive","nodeType":"local"}]}}
    "#]].assert_eq(&format!("{} {}", checked.status.as_u16(), checked.body));
    assert_eq!(versions(), 1, "nothing was put");

    let stored = put("?validFrom=2026-11-22", SECOND);
    expect![[r#"
        200 {"sceneId":"intake","version":"292da48553c5207d49a4a796aec1f387","validFrom":"2026-11-22T00:00:00.000000Z","new":true,"stored":true,"definition":{"sceneId":"intake","nodes":[{"nodeName":"receive","nodeType":"local"}]}}
    "#]].assert_eq(&format!("{} {}", stored.status.as_u16(), stored.body));
    assert_eq!(versions(), 2);
    let second = json(&stored)["version"].as_str().expect("a version").to_owned();
    let early = json(&get(&api, &format!("/api/v1/scenes/intake/definition?asOf={LATER}&version={second}")));
    assert_eq!(
        (&early["current"], &early["versions"][0]["current"]),
        (&Value::Bool(false), &Value::Bool(false))
    );
    let later = json(&get(&api, "/api/v1/scenes/intake/definition?asOf=2026-11-23"));
    assert_eq!((&later["version"], &later["current"]), (&Value::from(second), &Value::Bool(true)));

    let bad =
        put("?check=true", "[\n  {\"nodeName\": \"a\", \"nodeType\": \"rcp\"},\n  {\"nodeName\": \"a\"}\n]");
    expect![[r#"
        422 {"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"the definition:2:33: \"rcp\" is not a node type ($[0].nodeType): found \"rcp\", allowed local, rpc, fork, join, decision, loop, link, terminate; did you mean \"rpc\"?; 2 more in problems","problems":[{"file":"the definition","line":2,"column":33,"path":"$[0].nodeType","message":"\"rcp\" is not a node type","found":"\"rcp\"","allowed":"local, rpc, fork, join, decision, loop, link, terminate","help":"did you mean \"rpc\"?"},{"file":"the definition","line":3,"column":3,"path":"$[1]","message":"a node without nodeType","found":"an object with \"nodeName\"","allowed":"nodeType: local, rpc, fork, join, decision, loop, link, terminate"},{"file":"the definition","line":3,"column":16,"path":"$[1].nodeName","message":"two nodes are named \"a\"","found":"\"a\"","allowed":"a name no other node of this link has","help":"first at 2:16"}]}
    "#]].assert_eq(&format!("{} {}", bad.status.as_u16(), bad.body));
    let other = put("", r#"{"sceneId":"other","nodes":[{"nodeName":"a","nodeType":"rpc"}]}"#);
    expect![[r#"
        422 {"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"sceneId of the definition is \"other\"; allowed is intake","errors":[{"parameter":"sceneId of the definition","detail":"sceneId of the definition is \"other\"; allowed is intake","found":"other","allowed":"intake"}]}
    "#]].assert_eq(&format!("{} {}", other.status.as_u16(), other.body));
    let long = put("", &" ".repeat(17 << 20));
    assert_eq!(long.status.as_u16(), 413, "{}", long.body);
    assert_eq!(versions(), 2);
}

#[test]
fn where_nobody_can_write_nothing_is_put() {
    let request =
        Request::put("/api/v1/scenes/intake/definition").body(Body::from(SECOND)).expect("a request");
    let reply = ask(&api(), request);
    assert_eq!(reply.status.as_u16(), 503, "{}", reply.body);
    let checked = Request::put("/api/v1/scenes/intake/definition?check=true").body(Body::from(SECOND));
    assert_eq!(ask(&api(), checked.expect("a request")).status.as_u16(), 200, "it can be checked");
}

#[test]
fn a_text_is_told_what_it_is_the_id_of() {
    let api = api();
    let kinds = |text: &str| -> Vec<String> {
        let text: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let reply = json(&get(&api, &format!("/api/v1/resolve?q={text}&asOf={LATER}")));
        let found = reply["found"].as_array().expect("found").iter();
        found
            .map(|found| {
                let entry = &found["execution"];
                let parts = [
                    &found["kind"],
                    &found["as"],
                    &entry["businessId"],
                    &entry["sceneId"],
                    &entry["executionId"],
                ];
                parts.map(|part| part.as_str().unwrap_or("-")).join(" ")
            })
            .collect()
    };
    assert_eq!(kinds("content-42"), ["business - - - -"]);
    assert_eq!(kinds(" content-42\n"), ["business - - - -"]);
    assert_eq!(kinds("content-42_intake_e1"), ["execution linkMark content-42 intake e1"]);
    assert_eq!(kinds("e2"), ["execution executionId content-42 intake e2"]);
    assert_eq!(
        kinds("e1"),
        ["execution executionId content-42 intake e1", "execution executionId content-42 retry e1"]
    );
    assert_eq!(kinds("intake"), ["scene - - - -"]);
    let row = |table| match table {
        "link" => linkloom_schema::row_key::link(crate::ids::MARK),
        _ => linkloom_schema::row_key::scene(
            crate::ids::MARK,
            "completed",
            linkloom_schema::time::Timestamp(0),
        ),
    };
    for table in ["link", "scene"] {
        assert_eq!(kinds(&row(table)), ["execution rowKey a/b c|ü?%2F in take/../x #1&2=3+4"], "{table}");
    }
    check(
        "/api/v1/resolve?q=nothing-known",
        expect![[r#"
            200 application/json
            {"query":"nothing-known","found":[],"searched":{"executions":4,"complete":true}}
        "#]],
    );
    check(
        "/api/v1/resolve?q=nothing-known&search=3",
        expect![[r#"
            200 application/json
            {"query":"nothing-known","found":[],"searched":{"executions":1,"complete":false}}
        "#]],
    );
    check(
        "/api/v1/resolve?q=",
        expect![[r#"
            400 application/problem+json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"q is missing; allowed is any id","errors":[{"parameter":"q","detail":"q is missing; allowed is any id","found":"","allowed":"any id"}]}
        "#]],
    );
}
