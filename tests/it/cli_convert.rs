//! `linkloom convert`: report lines on stdout, notes on stderr.

use expect_test::expect;

use crate::workplace::Workplace;

const TABLE: &str = "case_id,activity,start_time,end_time,resource,amount\n\
    7,Check,2023-02-09T08:00:00,2023-02-09T08:02:40.621,Clerk 1,3000\n\
    8,Check,2023-02-09T09:00:00,,Clerk 2,10\n";

#[test]
fn a_table_becomes_reports_that_can_be_ingested() {
    let place = Workplace::new();
    place.write("loans.csv", TABLE);
    let ran = place.run(&["convert", "--from", "csv", "loans.csv"]).ended_with(0);
    expect![[r#"
        {"v":1,"type":"node","businessId":"7","sceneId":"loans","executionId":"7","nodeName":"Check","status":"RUNNING","time":"2023-02-09T08:00:00Z","id":"row1-3ea80523-start","runId":"row1","input":{"amount":"3000"},"instance":"Clerk 1"}
        {"v":1,"type":"node","businessId":"7","sceneId":"loans","executionId":"7","nodeName":"Check","status":"COMPLETED","time":"2023-02-09T08:02:40.621Z","id":"row1-3ea80523-end","runId":"row1","instance":"Clerk 1"}
        {"v":1,"type":"node","businessId":"8","sceneId":"loans","executionId":"8","nodeName":"Check","status":"RUNNING","time":"2023-02-09T09:00:00Z","id":"row2-4bc61a22-start","runId":"row2","input":{"amount":"10"},"instance":"Clerk 2"}
    "#]].assert_eq(&ran.out);
    expect![[r#"
        loans.csv: run without an end: the run stays open (once, at row 2)
        loans.csv: guessed: activity is column "activity" (once, at line 1)
        loans.csv: guessed: case is column "case_id" (once, at line 1)
        loans.csv: guessed: end is column "end_time" (once, at line 1)
        loans.csv: guessed: resource is column "resource" (once, at line 1)
        loans.csv: guessed: start is column "start_time" (once, at line 1)
        loans.csv: 2 records read, 3 reports written: 2 executions, 2 runs, 0 logs
    "#]]
    .assert_eq(&ran.err);

    // The same through pipes, named by a flag.
    let piped = place
        .run_with(&["convert", "--from", "csv", "--scene", "loans", "-"], TABLE.as_bytes())
        .ended_with(0);
    assert_eq!(piped.out, ran.out);
    place.run_with(&["ingest", "--store", "S", "-"], piped.out.as_bytes()).ended_with(0);
    let shown =
        place.run(&["link", "show", "--store", "S", "7", "loans", "7", "--output", "json"]).ended_with(0);
    assert_eq!(shown.json()["nodes"][0]["state"], "completed");
}

#[test]
fn columns_are_named_by_flags() {
    let place = Workplace::new();
    place.write("t.csv", "Who;What;When;Ort\nx;Go;09.02.2023 08:00;Köln\n");
    let ran = place
        .run(&[
            "convert",
            "--from",
            "csv",
            "--case",
            "Who",
            "--activity",
            "What",
            "--time",
            "When",
            "--time-format",
            "%d.%m.%Y %H:%M",
            "--utc-offset",
            "+01:00",
            "--out-column",
            "Ort",
            "t.csv",
        ])
        .ended_with(0);
    expect![[r#"
        {"v":1,"type":"node","businessId":"x","sceneId":"t","executionId":"x","nodeName":"Go","status":"COMPLETED","time":"2023-02-09T07:00:00Z","id":"row1-296e765c-end","runId":"row1","output":{"Ort":"Köln"}}
    "#]].assert_eq(&ran.out);
}

#[test]
fn an_event_log_and_an_execution_are_converted() {
    let place = Workplace::new();
    place.write(
        "log.xes",
        r#"<log><trace><string key="concept:name" value="c1"/><event><string key="concept:name" value="A"/>
        <date key="time:timestamp" value="2023-01-01T00:00:00Z"/></event></trace></log>"#,
    );
    place.write(
        "run.json",
        r#"{"workflowId": "w1", "workflowName": "flow", "tasks": [{"taskId": "t1", "referenceTaskName": "a",
        "status": "COMPLETED", "startTime": 1675929600000, "endTime": 1675929601000}]}"#,
    );
    let ran = place.run(&["convert", "--from", "xes", "log.xes"]).ended_with(0);
    assert!(ran.out.contains(r#""nodeName":"A","status":"COMPLETED""#), "{}", ran.out);
    let ran = place.run(&["convert", "--from", "conductor", "run.json"]).ended_with(0);
    assert_eq!(ran.out.matches(r#""nodeName":"a""#).count(), 2, "{}", ran.out);
}

#[test]
fn what_is_not_what_it_should_be_ends_with_2_and_the_rest_is_converted() {
    let place = Workplace::new();
    place.write("loans.csv", TABLE);
    place.write("nothing.csv", "a,b\n1,2\n");
    let ran =
        place.run(&["convert", "--from", "csv", "absent.csv", "nothing.csv", "loans.csv"]).ended_with(2);
    assert_eq!(ran.out, place.run(&["convert", "--from", "csv", "loans.csv"]).out);
    assert!(
        ran.err.contains("absent.csv cannot be read") && ran.err.contains("no case column"),
        "{}",
        ran.err
    );
    place.run(&["convert", "--from", "conductor", "loans.csv"]).ended_with(2);
    place.run(&["convert", "--from", "xes", "loans.csv"]).ended_with(2);
}
