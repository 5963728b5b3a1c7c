//! `linkloom link` and `linkloom node`: what is said of what is there, and of what is not.

use expect_test::expect;

use crate::workplace::Workplace;

const REPORTS: &str = concat!(
    r#"{"businessId":"order-7","sceneId":"payment","executionId":"P1","nodeName":"reserve","status":"RUNNING","time":"2026-11-21T10:00:00Z","service":"pay"}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"payment","executionId":"P1","nodeName":"reserve","level":"WARN","time":"2026-11-21T10:00:01Z","message":"slow answer"}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"payment","executionId":"P1","level":"INFO","time":"2026-11-21T10:00:02Z","message":"who called?","data":{"from":"cron"}}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"payment","executionId":"P1","nodeName":"reserve","level":"ERROR","time":"2026-11-21T10:00:03Z","message":"no answer"}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"payment","executionId":"P1","nodeName":"reserve","status":"FAILED","time":"2026-11-21T10:00:04Z","service":"pay"}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"order-refund","executionId":"R1","nodeName":"payBack","status":"RUNNING","time":"2026-11-21T11:00:00Z","service":"pay"}"#,
    "\n",
    r#"{"businessId":"order-7","sceneId":"order-refund","executionId":"R1","nodeName":"payBack","status":"COMPLETED","time":"2026-11-21T11:00:01Z","service":"pay"}"#,
    "\n",
);

fn place() -> Workplace {
    let place = Workplace::new().with_env("LINKLOOM_STORE", "S");
    place.write("in.ndjson", REPORTS);
    place.run(&["ingest", "in.ndjson"]).ended_with(0);
    place
}

#[test]
fn the_logs_of_an_execution_are_listed_over_all_nodes() {
    let place = place();
    let logs = |further: &[&str]| {
        let mut all = vec!["link", "logs", "order-7", "payment", "P1"];
        all.extend(further);
        place.run(&all)
    };
    expect![[r#"
        order-7 › payment › P1

          3 logs
          2026-11-21 UTC
          10:00:01.000  WARN  reserve  slow answer
          10:00:02.000  INFO           who called?
                                       data  {"from": "cron"}
          10:00:03.000  ERROR reserve  no answer
    "#]]
    .assert_eq(&logs(&[]).ended_with(0).out);
    expect![[r#"
        order-7 › payment › P1

          1 log without a node
          2026-11-21 UTC
          10:00:02.000  INFO  who called?
                              data  {"from": "cron"}
    "#]]
    .assert_eq(&logs(&["--without-node"]).ended_with(0).out);
    expect![[r#"
        {"logs":[{"time":"2026-11-21T10:00:02.000000Z","level":"INFO","message":"who called?","data":{"from":"cron"},"exception":null,"service":null,"instance":null,"traceId":null}],"nextCursor":null}
    "#]]
    .assert_eq(&logs(&["--without-node", "--output", "json"]).ended_with(0).out);
    expect![[r#"
        order-7 › payment › P1

          1 log of level ERROR with "answer"
          2026-11-21 UTC
          10:00:03.000  ERROR reserve  no answer
    "#]]
    .assert_eq(&logs(&["--level", "error", "--text", "answer"]).ended_with(0).out);
    let none = logs(&["--level", "fatal", "--without-node"]).ended_with(0).out;
    assert!(none.ends_with("  no logs of level FATAL without a node\n"), "{none}");

    // Page by page the same.
    let (mut messages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut further = vec!["--limit", "1", "--output", "json"];
        if let Some(cursor) = &cursor {
            further.extend(["--cursor", cursor]);
        }
        let page = logs(&further).ended_with(0).json();
        messages.push(page["logs"][0]["message"].as_str().expect("a message").to_owned());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(messages, ["slow answer", "who called?", "no answer"]);
    let first = logs(&["--limit", "1"]).ended_with(0).out;
    assert!(first.contains("  1 log, and more\n") && first.contains("next page: --cursor "), "{first}");
    logs(&["--cursor", "x"]).ended_with(2);
}

#[test]
fn an_execution_that_is_not_there_is_met_with_those_that_are() {
    let place = place();
    for command in [&["link", "show"][..], &["link", "logs"], &["node", "show"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["order-7", "refund", "R1"]);
        if command[0] == "node" {
            arguments.push("payBack");
        }
        let ran = place.run(&arguments).ended_with(1);
        assert_eq!(ran.out, "");
        expect![[r#"
            nothing is stored of execution R1 of scene refund of order-7; did you mean order-refund R1?
            there is order-refund R1
                     payment P1
        "#]]
        .assert_eq(&ran.err);
    }
    let ran = place.run(&["link", "show", "order-8", "payment", "P1"]).ended_with(1);
    assert_eq!(ran.err, "nothing is stored of order-8\n");
}

#[test]
fn a_node_or_run_that_is_not_there_is_met_with_those_that_are() {
    let place = place();
    let node = |further: &[&str]| {
        let mut all = vec!["node", "show", "order-7", "payment", "P1"];
        all.extend(further);
        place.run(&all)
    };
    let ran = node(&["reserv"]).ended_with(1);
    assert_eq!(
        (&*ran.out, &*ran.err),
        ("", "the execution has no node reserv; did you mean reserve?\nits nodes: reserve\n")
    );
    for output in ["table", "json"] {
        let ran = node(&["reserve", "--run", "#9", "--output", output]).ended_with(1);
        assert_eq!((&*ran.out, &*ran.err), ("", "node reserve has no run #9; there is #1 (failed)\n"));
    }
    node(&["reserve", "--run", "#1"]).ended_with(0);
}

#[test]
fn a_level_nobody_logged_is_said_to_have_no_logs() {
    let place = place();
    let node = ["node", "show", "order-7", "payment", "P1", "reserve", "--level"];
    let with = |level: &'static str| {
        let mut all = node.to_vec();
        all.push(level);
        place.run(&all).ended_with(0).out
    };
    assert!(with("debug").ends_with("\n  no logs of level DEBUG\n"), "{}", with("debug"));
    assert!(with("warn").contains("\n  1 log of level WARN\n"), "{}", with("warn"));
}

#[test]
fn a_list_without_a_match_says_what_there_is() {
    let place = place();
    let list = |further: &[&str]| {
        let mut all = vec!["link", "list", "order-7"];
        all.extend(further);
        place.run(&all).ended_with(1)
    };
    expect![[r#"
        order-7: no executions of scene refnd; did you mean order-refund?
          there are 2 executions of: order-refund, payment
    "#]]
    .assert_eq(&list(&["--scene", "order-refnd"]).out.replace("order-refnd", "refnd"));
    expect![[r#"
        order-7: no executions of scene shipping
          there are 2 executions of: order-refund, payment
    "#]]
    .assert_eq(&list(&["--scene", "shipping"]).out);
    let none = list(&["--scene", "payment", "--status", "running"]).out;
    assert_eq!(none, "order-7: no executions that match; without filters there are 2\n");
    assert_eq!(list(&["--scene", "x", "--output", "json"]).out, "{\"executions\":[],\"nextCursor\":null}\n");
    let unknown = place.run(&["link", "list", "order-8", "--scene", "payment"]).ended_with(1);
    assert_eq!(unknown.out, "order-8: no executions\n");
}

/// Far less than the timeout goes by, and programs are given the answer.
#[test]
fn waiting_ends_when_the_execution_has_ended_otherwise() {
    let place = place();
    let wait = |further: &[&str]| {
        let mut all = vec!["link", "wait", "order-7", "payment", "P1", "--output", "json"];
        all.extend(further);
        place.run(&all)
    };
    let shown = place.run(&["link", "show", "order-7", "payment", "P1", "--output", "json"]).ended_with(0);
    let began = std::time::Instant::now();
    let ran = wait(&["--timeout", "1h"]).ended_with(1);
    assert!(began.elapsed() < std::time::Duration::from_secs(600));
    assert_eq!(
        ran.err,
        "it has ended otherwise: status is failed, not completed; --keep-waiting waits on all the same\n"
    );
    assert_eq!(ran.out, shown.out);
    let ran = wait(&["--timeout", "3s", "--keep-waiting"]).ended_with(1);
    assert_eq!((ran.out, &*ran.err), (shown.out.clone(), "not within 3s: status is failed, not completed\n"));
    let ran = wait(&["--until", "failed"]).ended_with(0);
    assert_eq!((ran.out, &*ran.err), (shown.out, ""));
}
