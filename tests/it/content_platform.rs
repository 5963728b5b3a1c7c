//! The example applications, end to end: two services in two languages that call each other, their reports by file or by HTTP through
//! `linkloom relay` into Kafka, `linkloom serve`, and the answers about what happened.

mod getting_started;
mod services;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::serve::until_or_tell;
use services::{Way, World};

const INTAKE: &str = "realtime-input";
const REVIEW: &str = "human-review";

/// A content as an author sends it.
fn content(id: &str, text: &str, pictures: &[&str]) -> Value {
    json!({
        "contentId": id, "title": "A title", "text": text, "author": "ann@example.org", "pictures": pictures,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value:#}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value:#}"))
}

/// A node of an execution.
#[track_caller]
fn node<'a>(execution: &'a Value, name: &str) -> &'a Value {
    let found = list(&execution["nodes"]).iter().find(|node| node["nodeName"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {execution:#}"))
}

/// Names of the nodes that are in this state, in the order they are shown.
fn nodes_that_are<'a>(execution: &'a Value, state: &str) -> Vec<&'a str> {
    let nodes = list(&execution["nodes"]).iter().filter(|node| node["state"] == state);
    nodes.map(|node| text(node, "nodeName")).collect()
}

/// What is odd about an execution, but for steps that took long: the machine may be busy.
fn findings(execution: &Value) -> Vec<&Value> {
    list(&execution["findings"]).iter().filter(|finding| finding["kind"] != "slow").collect()
}

fn run_statuses<'a>(node: &'a Value, key: &str) -> Vec<&'a str> {
    list(&node["runs"]).iter().map(|run| run[key].as_str().unwrap_or_default()).collect()
}

impl World {
    /// Posts a content; the answer, and the id of the execution.
    #[track_caller]
    fn take_in(&self, content: &Value, status: u16) -> (Value, String) {
        let (answered, answer) = self.post(&self.content_api, "/contents", &content.to_string(), &[]);
        assert_eq!(answered, status, "{answer:#}\n{}", self.said());
        let execution = text(&answer, "executionId").to_owned();
        (answer, execution)
    }

    /// The execution, once it is as it should be in the end.
    #[track_caller]
    fn execution(
        &self,
        business: &str,
        scene: &str,
        execution: &str,
        done: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/api/v1/business/{business}/scenes/{scene}/executions/{execution}");
        until_or_tell(&format!("{business} {scene} is as it should be"), || {
            let (status, body) = self.server.get(&path).ok_or("no answer")?;
            let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
            if status == 200 && done(&answer) {
                Ok(answer)
            } else {
                Err(format!("{status} {answer:#}\n{}", self.said()))
            }
        })
    }

    /// The execution, once all is there: so many reports, so many of them logs.
    #[track_caller]
    fn ended(&self, business: &str, scene: &str, execution: &str, status: &str, counts: (u64, u64)) -> Value {
        self.execution(business, scene, execution, |answer| {
            let count = |name: &str| answer["counts"][name].as_u64();
            answer["status"] == status
                && (count("reports"), count("logs")) == (Some(counts.0), Some(counts.1))
        })
    }

    /// The logs of a node, once there are as many.
    #[track_caller]
    fn logs(&self, mark: [&str; 3], node: &str, count: usize) -> Vec<Value> {
        let [business, scene, execution] = mark;
        let path = format!("/api/v1/business/{business}/scenes/{scene}/executions/{execution}/nodes/{node}");
        until_or_tell(&format!("{count} logs of {node}"), || {
            let (status, body) = self.server.get(&path).ok_or("no answer")?;
            let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
            let logs = answer["logs"].as_array().cloned().unwrap_or_default();
            if status == 200 && logs.len() == count { Ok(logs) } else { Err(format!("{status} {answer:#}")) }
        })
    }
}

/// What is published was looked at by both services: one tree of one trace.
fn published(world: &World) {
    let (answer, execution) = world.take_in(&content("content-1", "Boats and gulls.", &["harbour.png"]), 200);
    assert_eq!(answer["state"], "published");
    let shown = world.ended("content-1", INTAKE, &execution, "completed", (38, 10));
    let completed = [
        "receive",
        "normalize",
        "auditFork",
        "textAudit",
        "keywordMatch",
        "picAudit",
        "ocr",
        "videoFrames",
        "audioAudit",
        "auditJoin",
        "riskScore",
        "routeByRisk",
        "publish",
        "indexContent",
        "warmCache",
        "finish",
    ];
    assert_eq!(nodes_that_are(&shown, "completed"), completed);
    assert_eq!(nodes_that_are(&shown, "not_taken"), ["createReviewTask", "takeDown", "notifyAuthor"]);
    assert_eq!(shown["nodes"].as_array().map(Vec::len), Some(19), "nothing is unplanned");
    assert_eq!(
        (&shown["services"], &shown["traceIds"]),
        (&json!(["content-api", "review-console"]), &json!([execution]))
    );
    assert_eq!(
        findings(&shown),
        [] as [&Value; 0],
        "the clocks of one machine, and nothing in a wrong order"
    );
    assert_eq!(shown["meta"], json!({"contentType": "article", "trigger": "api"}));
    let ran_by = |name: &str| text(&node(&shown, name)["runs"][0], "service").to_owned();
    assert_eq!(
        ["receive", "picAudit", "ocr", "publish"].map(ran_by),
        ["content-api", "review-console", "review-console", "content-api"]
    );
    assert_eq!(run_statuses(node(&shown, "videoFrames"), "status"), ["SKIPPED"]);
    assert_eq!(run_statuses(node(&shown, "routeByRisk"), "case"), ["pass"]);
    let run = &node(&shown, "picAudit")["runs"][0];
    assert_eq!(run["input"], json!({"contentId": "content-1", "pictures": ["harbour.png"]}));
    assert_eq!(run["output"]["looked"], 1);
    assert_eq!(node(&shown, "receive")["runs"][0]["input"]["author"], "***", "an address is masked");
}

/// The model dies of a large picture, is started anew, and the second attempt gets through.
fn retried(world: &World) {
    let (_, execution) = world.take_in(&content("content-2", "The coast.", &["panorama.png"]), 200);
    let shown = world.ended("content-2", INTAKE, &execution, "completed", (42, 12));
    let audit = node(&shown, "picAudit");
    assert_eq!(
        (text(audit, "state"), run_statuses(audit, "status")),
        ("completed", vec!["FAILED", "COMPLETED"])
    );
    let logs = world.logs(["content-2", INTAKE, &execution], "picAudit", 3);
    let [java, rust, _] = &logs[..] else { unreachable!("three") };
    assert_eq!((text(java, "service"), text(java, "level")), ("review-console", "ERROR"));
    assert_eq!(text(java, "message"), "picAudit failed, contentId:content-2 picture:panorama.png");
    assert_eq!(text(&java["exception"], "type"), "io.linkloom.examples.review.Pictures$Failed");
    assert_eq!(text(&java["exception"], "message"), "panorama.png was not looked at");
    let stack = text(&java["exception"], "stack");
    for part in [
        "at io.linkloom.examples.review.StoredPictures.audit(",
        "Caused by: java.lang.ArrayIndexOutOfBoundsException: ",
    ] {
        assert!(stack.contains(part), "{part} in {stack}");
    }
    assert_eq!((text(rust, "service"), text(rust, "level")), ("content-api", "WARN"));
    assert_eq!((text(rust, "message"), &rust["data"]), ("picAudit is tried again", &json!({"attempt": 1})));
    assert_eq!(text(&rust["exception"], "type"), "Refused");
    assert!(
        text(&rust["exception"], "message")
            .starts_with("the picture service answered 500: panorama.png was not looked at")
    );
}

/// A picture that cannot be read fails for good; the same content with another one is another execution of the same business id.
fn failed_and_sent_again(world: &World) {
    let (answer, execution) = world.take_in(&content("content-3", "A scan.", &["torn.png"]), 502);
    assert!(text(&answer, "error").contains("torn.png was not looked at"), "{answer}");
    let shown = world.ended("content-3", INTAKE, &execution, "failed", (25, 9));
    let audit = node(&shown, "picAudit");
    assert_eq!((text(audit, "state"), run_statuses(audit, "status")), ("failed", vec!["FAILED"; 3]));
    assert_eq!(nodes_that_are(&shown, "failed"), ["picAudit"]);
    let behind = ["ocr", "auditJoin", "riskScore", "routeByRisk"];
    assert!(behind.iter().all(|name| node(&shown, name)["state"] == "not_reached"), "{shown:#}");
    assert_eq!(node(&shown, "keywordMatch")["state"], "completed", "the other branches came to their ends");
    let logs = world.logs(["content-3", INTAKE, &execution], "picAudit", 6);
    let of_java: Vec<_> = logs.iter().filter(|log| log["service"] == "review-console").collect();
    assert_eq!(of_java.len(), 3);
    assert!(
        text(&of_java[0]["exception"], "stack").contains("Caused by: java.io.EOFException"),
        "{of_java:#?}"
    );
    assert_eq!(text(&logs[5], "message"), "picAudit is given up");

    let (_, again) = world.take_in(&content("content-3", "A scan.", &["harbour.png"]), 200);
    world.ended("content-3", INTAKE, &again, "completed", (38, 10));
    let listed = world.listed("content-3", 2);
    let listed: Vec<_> =
        listed.iter().map(|entry| (text(entry, "executionId"), text(entry, "status"))).collect();
    assert_eq!(listed, [(again.as_str(), "completed"), (execution.as_str(), "failed")]);

    let (answer, execution) = world.take_in(&content("content-4", "A scan.", &["gone.png"]), 502);
    assert!(
        text(&answer, "error").ends_with("the picture service answered 422: there is no picture gone.png"),
        "{answer}"
    );
    let shown = world.ended("content-4", INTAKE, &execution, "failed", (17, 5));
    assert_eq!(run_statuses(node(&shown, "picAudit"), "status"), ["FAILED"], "no attempt would change that");
}

/// Goes the other ways of the decision: taken down at once; reviewed, and everybody agrees.
fn decided_otherwise(world: &World) {
    let (answer, execution) = world.take_in(&content("content-5", "A casino with a miracle cure", &[]), 200);
    assert_eq!(answer["state"], "taken_down");
    let shown = world.ended("content-5", INTAKE, &execution, "completed", (32, 8));
    assert_eq!(run_statuses(node(&shown, "routeByRisk"), "case"), ["reject"]);
    assert_eq!(
        (&node(&shown, "takeDown")["state"], &node(&shown, "publish")["state"]),
        (&json!("completed"), &json!("not_taken"))
    );
    assert_eq!(run_statuses(node(&shown, "picAudit"), "status"), ["SKIPPED"]);

    let (answer, _) = world.take_in(&content("content-6", "A sponsored discount", &["poster.png"]), 200);
    let task = text(&answer, "taskId").to_owned();
    let shown = world.ended("content-6", REVIEW, &task, "completed", (26, 4));
    assert_eq!(run_statuses(node(&shown, "compareVerdicts"), "case"), ["agree"]);
    assert_eq!(nodes_that_are(&shown, "not_taken"), ["secondReview", "applyFinalVerdict"]);
    let (_, stored) = world.get(&world.content_api, "/contents/content-6");
    assert_eq!(stored["state"], "taken_down");
}

/// A content two reviewers look at, the second by a call of its own; gives back its task, which waits.
fn sent_to_review(world: &World, business: &str) -> (String, String) {
    let (answer, execution) = world.take_in(&content(business, "A sponsored lottery", &[]), 200);
    let task = text(&answer, "taskId").to_owned();
    assert_eq!(answer["state"], "in_review");
    world.ended(business, INTAKE, &execution, "completed", (29, 7));
    let shown = world.ended(business, REVIEW, &task, "running", (20, 3));
    assert_eq!(nodes_that_are(&shown, "running"), ["secondReview"]);
    (execution, task)
}

/// Two calls, two traces, two services: one execution, by the id of the task.
fn reviewed_twice(world: &World) {
    let (intake, task) = sent_to_review(world, "content-7");
    let (status, waiting) = world.get(&world.review, &format!("/tasks/{task}"));
    assert_eq!((status, &waiting["state"]), (200, &json!("WAITING")));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = [("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))];
    let decision = r#"{"reviewer":"r-42","verdict":"keep","note":"a lottery for charity"}"#;
    let decide = format!("/tasks/{task}/decision");
    let (status, answer) = world.post(&world.review, &decide, decision, &headers);
    assert_eq!((status, &answer["state"]), (200, &json!("CLOSED")), "{answer}");

    let shown = world.ended("content-7", REVIEW, &task, "completed", (30, 6));
    assert_eq!(
        nodes_that_are(&shown, "completed"),
        [
            "claimTask",
            "loadContent",
            "loadHistory",
            "adviceFork",
            "machineAdvice",
            "similarContent",
            "firstReview",
            "adviceJoin",
            "compareVerdicts",
            "secondReview",
            "applyFinalVerdict",
            "notifyAuthor",
            "closeTask",
        ]
    );
    let traces: BTreeSet<&str> = list(&shown["traceIds"]).iter().filter_map(Value::as_str).collect();
    assert_eq!(traces, BTreeSet::from([intake.as_str(), trace]), "{shown:#}");
    assert_eq!(shown["services"], json!(["content-api", "review-console"]));
    assert_eq!(findings(&shown), [] as [&Value; 0]);
    let second = node(&shown, "secondReview");
    assert_eq!(
        second["runs"][0]["output"],
        json!({"reviewer": "r-42", "verdict": "keep", "note": "a lottery for charity"})
    );
    let logs = world.logs(["content-7", REVIEW, &task], "secondReview", 1);
    assert_eq!(
        (text(&logs[0], "message"), text(&logs[0], "traceId")),
        ("r-42: keep, a lottery for charity", trace)
    );
    let logs = world.logs(["content-7", REVIEW, &task], "applyFinalVerdict", 1);
    assert_eq!((text(&logs[0], "service"), text(&logs[0], "traceId")), ("content-api", trace));
    // The business id leads to both.
    let listed = world.listed("content-7", 2);
    assert_eq!(
        listed.iter().map(|entry| text(entry, "sceneId")).collect::<BTreeSet<_>>(),
        BTreeSet::from([INTAKE, REVIEW])
    );

    let (status, answer) = world.post(&world.review, &decide, decision, &[]);
    assert_eq!(status, 409, "{answer}");
}

/// A service that is away is a failed step, told by the service that called.
fn services_away(world: &mut World) {
    let (_, task) = sent_to_review(world, "content-8");
    world.stop_content_api();
    let decide = format!("/tasks/{task}/decision");
    let decision = r#"{"reviewer":"r-42","verdict":"keep"}"#;
    let (status, answer) = world.post(&world.review, &decide, decision, &[]);
    assert_eq!(status, 502, "{answer}");
    let shown = world.ended("content-8", REVIEW, &task, "failed", (25, 5));
    assert_eq!(nodes_that_are(&shown, "failed"), ["applyFinalVerdict"]);
    assert_eq!(run_statuses(node(&shown, "applyFinalVerdict"), "service"), ["review-console"]);

    world.start_content_api();
    world.stop_review();
    let (_, execution) = world.take_in(&content("content-9", "Boats.", &["harbour.png"]), 502);
    let shown = world.ended("content-9", INTAKE, &execution, "failed", (22, 6));
    let audit = node(&shown, "picAudit");
    assert_eq!(
        (run_statuses(audit, "status"), run_statuses(audit, "service")),
        (vec!["FAILED"; 3], vec!["content-api"; 3])
    );
    let logs = world.logs(["content-9", INTAKE, &execution], "picAudit", 3);
    assert_eq!(text(&logs[2]["exception"], "message"), "the picture service cannot be reached");
    assert!(text(&logs[2]["exception"], "stack").contains("Caused by: "), "{logs:#?}");
    let (answer, _) = world.take_in(&content("content-10", "Boats.", &[]), 200);
    assert_eq!(answer["state"], "published", "it needs no pictures");
}

/// What makes no sense is refused with a reason, and changes nothing.
fn bad_input(world: &World) {
    let refused = |status, (answered, answer): (u16, Value), reason: &str| {
        assert_eq!(answered, status, "{answer}");
        assert!(text(&answer, "error").contains(reason), "{reason}: {answer}");
    };
    let contents = |body: &str| world.post(&world.content_api, "/contents", body, &[]);
    refused(400, contents("{\"contentId\":"), "the body is no content: EOF while parsing a value at line 1");
    refused(400, contents("[]"), "the body is no content");
    refused(400, contents(r#"{"contentId":"x"}"#), "missing field `title`");
    refused(400, contents(&content("a b", "", &[]).to_string()), "contentId is \"a b\", allowed are");
    refused(
        400,
        contents(&content("x", "", &["../secret"]).to_string()),
        "the picture \"../secret\" has no name",
    );
    refused(413, contents(&"x".repeat(70_000)), "at most 65536 bytes");
    refused(404, world.get(&world.content_api, "/contents/nobody"), "there is no content nobody");
    refused(
        400,
        world.post(&world.content_api, "/contents/x/verdict", r#"{"verdict":"maybe"}"#, &[]),
        "allowed are keep, reject",
    );
    let console = |path: &str, body: &str| world.post(&world.review, path, body, &[]);
    refused(400, console("/pictures/audit", "{"), "the body is no JSON");
    refused(400, console("/pictures/audit", "[]"), "no JSON object");
    refused(400, console("/pictures/audit", r#"{"contentId":"x","pictures":[]}"#), "pictures has 0 names");
    refused(400, console("/pictures/ocr", r#"{"contentId":"x","pictures":["../x"]}"#), "a picture is named");
    refused(413, console("/pictures/ocr", &"x".repeat(70_000)), "more than 65536 bytes");
    refused(405, world.get(&world.review, "/pictures/audit"), "GET has no meaning here");
    refused(404, console("/tasks/nobody/decision", "{}"), "there is no task nobody");
    refused(404, world.get(&world.review, "/nothing"), "there is nothing here");
}

fn story(world: &mut World) {
    bad_input(world);
    published(world);
    retried(world);
    failed_and_sent_again(world);
    decided_otherwise(world);
    reviewed_twice(world);
    services_away(world);
}

#[test]
fn what_two_services_write_to_files_is_one_story() {
    let Some(mut world) = World::start("files", Way::Files) else { return };
    story(&mut world);
    world.assert_all_is_linked();
}

#[test]
fn what_two_services_post_is_one_story() {
    let Some(mut world) = World::start("http", Way::Http) else { return };
    story(&mut world);
    world.assert_all_is_linked();
}
