//! The history of a node and statistics of a scene.

use expect_test::expect;

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{LATER, Store, api_of, check, get};

#[test]
fn a_node_is_shown_over_the_last_executions() {
    check(
        &format!("/api/v1/scenes/intake/nodes/check/history?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"check","executions":2,"complete":true,"runs":{"total":1,"failed":1,"errorRate":1.0,"p50Micros":3000,"p95Micros":3000,"maxMicros":3000},"states":{"failed":1,"not_reached":1},"entries":[{"businessId":"content-42","executionId":"e2","startTime":"2026-11-21T10:01:00.000000Z","status":"stalled","state":"not_reached","runs":0,"runStatus":null,"durationMicros":null},{"businessId":"content-42","executionId":"e1","startTime":"2026-11-21T10:00:00.000000Z","status":"failed","state":"failed","runs":1,"runStatus":"FAILED","durationMicros":3000}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/nodes/check/history?asOf={LATER}&limit=1"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"check","executions":1,"complete":false,"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null},"states":{"not_reached":1},"entries":[{"businessId":"content-42","executionId":"e2","startTime":"2026-11-21T10:01:00.000000Z","status":"stalled","state":"not_reached","runs":0,"runStatus":null,"durationMicros":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/nodes/nobody/history?asOf={LATER}&status=failed"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","nodeName":"nobody","executions":1,"complete":true,"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null},"states":{},"entries":[]}
        "#]],
    );
}

#[test]
fn a_scene_is_summed_up_over_its_last_executions() {
    check(
        &format!("/api/v1/scenes/intake/statistics?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","from":null,"to":null,"executions":2,"complete":true,"statuses":{"failed":1,"stalled":1},"durations":{"p50Micros":6000,"p95Micros":6000,"maxMicros":6000},"nodes":[{"nodeName":"receive","executions":2,"states":{"completed":1,"stalled":1},"runs":{"total":2,"failed":0,"errorRate":0.0,"p50Micros":2000,"p95Micros":2000,"maxMicros":2000}},{"nodeName":"check","executions":2,"states":{"failed":1,"not_reached":1},"runs":{"total":1,"failed":1,"errorRate":1.0,"p50Micros":3000,"p95Micros":3000,"maxMicros":3000}},{"nodeName":"publish","executions":2,"states":{"not_reached":2},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}}],"edges":[{"from":"receive","to":"check","label":null,"taken":1,"notTaken":0,"open":1,"share":1.0},{"from":"check","to":"publish","label":null,"taken":0,"notTaken":0,"open":2,"share":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/intake/statistics?asOf={LATER}&from=2026-11-21T10:00:30Z&to=2026-11-22"),
        expect![[r#"
            200 application/json
            {"sceneId":"intake","from":"2026-11-21T10:00:30.000000Z","to":"2026-11-22T00:00:00.000000Z","executions":1,"complete":true,"statuses":{"stalled":1},"durations":{"p50Micros":null,"p95Micros":null,"maxMicros":null},"nodes":[{"nodeName":"receive","executions":1,"states":{"stalled":1},"runs":{"total":1,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}},{"nodeName":"check","executions":1,"states":{"not_reached":1},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}},{"nodeName":"publish","executions":1,"states":{"not_reached":1},"runs":{"total":0,"failed":0,"errorRate":null,"p50Micros":null,"p95Micros":null,"maxMicros":null}}],"edges":[{"from":"receive","to":"check","label":null,"taken":0,"notTaken":0,"open":1,"share":null},{"from":"check","to":"publish","label":null,"taken":0,"notTaken":0,"open":1,"share":null}]}
        "#]],
    );
    check(
        &format!("/api/v1/scenes/nobody/statistics?asOf={LATER}"),
        expect![[r#"
            200 application/json
            {"sceneId":"nobody","from":null,"to":null,"executions":0,"complete":true,"statuses":{},"durations":{"p50Micros":null,"p95Micros":null,"maxMicros":null},"nodes":[],"edges":[]}
        "#]],
    );
}

/// `choose` has a case with a node, an empty one that leads to `after`, and the link ends with `last`, which has an empty case.
const WAYS: &str = r#"[
    {"nodeName": "choose", "nodeType": "decision", "decisionCases": {"long": [{"nodeName": "work", "nodeType": "rpc"}], "short": []}},
    {"nodeName": "after", "nodeType": "rpc"},
    {"nodeName": "last", "nodeType": "decision", "decisionCases": {"tell": [{"nodeName": "mail", "nodeType": "rpc"}], "keep": []}}
]"#;

/// Executions `e0` to `e9` a second after another: every third goes the long way, every other one tells; `e9` is still before `after`.
fn ways_world() -> axum::Router {
    let mut store = Store::new();
    store.define("ways", WAYS);
    let mut lines = String::new();
    for number in 0..10 {
        let mut report = |node: &str, millis: u32, more: &str| {
            lines.push_str(&format!(
                "{{\"businessId\":\"b\",\"sceneId\":\"ways\",\"executionId\":\"e{number}\",\"nodeName\":\"{node}\",\
                 \"status\":\"COMPLETED\",\"time\":\"2026-11-21T10:00:0{number}.{millis:03}Z\"{more}}}\n"
            ));
        };
        let long = number % 3 == 0;
        report("choose", 0, if long { ",\"case\":\"long\"" } else { ",\"case\":\"short\"" });
        if long {
            report("work", 1, "");
        }
        if number == 9 {
            continue;
        }
        report("after", 2, "");
        report("last", 3, if number % 2 == 0 { ",\"case\":\"tell\"" } else { ",\"case\":\"keep\"" });
        if number % 2 == 0 {
            report("mail", 4, "");
        }
    }
    store.store(&lines);
    api_of(store.reader())
}

fn answer(api: &axum::Router, path: &str) -> Value {
    let reply = get(api, path);
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    serde_json::from_str(&reply.body).expect("JSON")
}

fn ids(entries: &Value) -> Vec<String> {
    let entries = entries.as_array().expect("a list");
    entries.iter().map(|entry| entry["executionId"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn every_way_leads_to_its_executions() {
    let api = ways_world();
    let statistics = answer(&api, &format!("/api/v1/scenes/ways/statistics?asOf={LATER}"));
    let edges = statistics["edges"].as_array().expect("a list");
    let labelled: Vec<&Value> = edges.iter().filter(|edge| !edge["label"].is_null()).collect();
    let told: Vec<Value> = labelled
        .iter()
        .map(|edge| {
            json!([edge["from"], edge["to"], edge["label"], edge["taken"], edge["notTaken"], edge["open"]])
        })
        .collect();
    assert_eq!(
        Value::Array(told),
        json!([
            ["choose", "work", "long", 4, 6, 0],
            ["choose", "after", "short", 6, 4, 0],
            ["choose", "after", "otherwise", 0, 10, 0],
            ["last", "mail", "tell", 5, 4, 1],
            ["last", null, "keep", 4, 5, 1],
        ])
    );
    for edge in labelled {
        let (from, label) = (edge["from"].as_str().expect("a node"), edge["label"].as_str().expect("a case"));
        let asked = format!("nodeName={from}&case={label}&asOf={LATER}");
        let listed = answer(&api, &format!("/api/v1/scenes/ways/executions?{asked}"));
        let listed = ids(&listed["executions"]);
        assert_eq!(listed.len() as u64, edge["taken"], "{edge}");

        // Those in whose history the decision took it, and those over which anything else is told.
        let history = answer(&api, &format!("/api/v1/scenes/ways/nodes/{from}/history?asOf={LATER}"));
        let mut entries = history["entries"].clone();
        entries
            .as_array_mut()
            .expect("a list")
            .retain(|entry| entry["cases"].as_array().is_some_and(|cases| cases.contains(&json!(label))));
        assert_eq!(ids(&entries), listed);
        let history = answer(&api, &format!("/api/v1/scenes/ways/nodes/after/history?{asked}"));
        assert_eq!(ids(&history["entries"]), listed);
        let statistics = answer(&api, &format!("/api/v1/scenes/ways/statistics?{asked}"));
        assert_eq!(statistics["executions"], edge["taken"]);

        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                answer(&api, &format!("/api/v1/scenes/ways/executions?{asked}&limit=2&cursor={cursor}"));
            paged.extend(ids(&page["executions"]));
            let Some(next) = page["nextCursor"].as_str() else { break };
            next.clone_into(&mut cursor);
        }
        assert_eq!(paged, listed, "{edge}");
    }
}

#[test]
fn a_way_is_a_node_and_a_case() {
    check(
        "/api/v1/scenes/intake/executions?case=yes",
        expect![[r#"
            400 application/problem+json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"nodeName is missing; allowed is the decision that took case","errors":[{"parameter":"nodeName","detail":"nodeName is missing; allowed is the decision that took case","found":"","allowed":"the decision that took case"}]}
        "#]],
    );
    let reply = get(&crate::world::api(), "/api/v1/scenes/intake/statistics?nodeName=check");
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.body.contains("case is missing"), "{}", reply.body);
}
