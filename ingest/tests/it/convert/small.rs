//! Small inputs, line by line.

use expect_test::{Expect, expect};
use linkloom_ingest::convert::{Format, TableMapping, convert};

use super::{agrees, converted, read_back};

/// Lines, then notes.
#[track_caller]
fn check(format: Format, input: &str, mapping: &TableMapping, want: Expect) {
    let (done, lines) = converted(format, input, mapping);
    agrees(&done, &read_back(&lines));
    let notes: String = done.notes.iter().map(|note| format!("- {note}\n")).collect();
    want.assert_eq(&(lines + &notes));
}

#[track_caller]
fn check_error(format: Format, input: &str, mapping: &TableMapping, want: Expect) {
    let error =
        convert(format, "log.csv", input.as_bytes(), mapping, &mut Vec::new()).expect_err("it is refused");
    want.assert_eq(&error.to_string());
}

#[test]
fn rows_with_start_and_end() {
    let table = "case_id,activity,start_time,end_time,resource,amount,case:kind\n\
                 7, Check,2023-02-09T08:00:00,2023-02-09 08:02:40.621,Clerk 1,3000,loan\n\
                 7, Check,2023-02-09T08:00:00,2023-02-09 08:02:40.621,Clerk 1,3000,loan\n\
                 7,Pay,2023-02-09T09:00:00,,,,\n\
                 ,Pay,2023-02-09T09:00:00,,,,\n\
                 8,Pay,2023-02-09T09:00:00,2023-02-09T08:59:59,,\"a \"\"b\"\"\",\n";
    let mapping = TableMapping { utc_offset_secs: 3600, ..TableMapping::default() };
    check(
        Format::Csv,
        table,
        &mapping,
        expect![[r#"
            {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Check","status":"RUNNING","time":"2023-02-09T07:00:00Z","id":"row1-5c7730bf-start","runId":"row1","input":{"amount":"3000"},"instance":"Clerk 1","meta":{"kind":"loan"}}
            {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Check","status":"COMPLETED","time":"2023-02-09T07:02:40.621Z","id":"row1-5c7730bf-end","runId":"row1","instance":"Clerk 1"}
            {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Check","status":"RUNNING","time":"2023-02-09T07:00:00Z","id":"row2-5c7730bf-start","runId":"row2","input":{"amount":"3000"},"instance":"Clerk 1","meta":{"kind":"loan"}}
            {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Check","status":"COMPLETED","time":"2023-02-09T07:02:40.621Z","id":"row2-5c7730bf-end","runId":"row2","instance":"Clerk 1"}
            {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Pay","status":"RUNNING","time":"2023-02-09T08:00:00Z","id":"row3-27affa66-start","runId":"row3"}
            {"v":1,"type":"node","businessId":"8","sceneId":"input","executionId":"8","nodeName":"Pay","status":"RUNNING","time":"2023-02-09T08:00:00Z","id":"row5-c339df3c-start","runId":"row5","input":{"amount":"a \"b\""}}
            {"v":1,"type":"node","businessId":"8","sceneId":"input","executionId":"8","nodeName":"Pay","status":"COMPLETED","time":"2023-02-09T08:00:00Z","id":"row5-c339df3c-end","runId":"row5"}
            - refused: a row without a value in the case column (once, at line 5)
            - end before start: the end was set to the start (once, at row 5)
            - run without an end: the run stays open (once, at row 3)
            - renamed: space around an activity name removed (2 times, first at line 2)
            - guessed: activity is column "activity" (once, at line 1)
            - guessed: case is column "case_id" (once, at line 1)
            - guessed: end is column "end_time" (once, at line 1)
            - guessed: resource is column "resource" (once, at line 1)
            - guessed: start is column "start_time" (once, at line 1)
        "#]],
    );
}

#[test]
fn rows_with_a_lifecycle() {
    let table = "ticket;who;step;transition;timestamp\n\
                 a;x;S;schedule;1547430586952\n\
                 a;x;S;start;1547430586953\n\
                 b;x;S;start;1547430586954\n\
                 a;y;S;start;1547430586955\n\
                 a;y;S;COMPLETE;1547430586956\n\
                 a;z;S;ate_abort;1547430586957\n\
                 b;x;T;complete;never\n";
    let mapping = TableMapping {
        case: Some("ticket".into()),
        activity: Some("step".into()),
        resource: Some("who".into()),
        scene: Some("repair".into()),
        ..TableMapping::default()
    };
    check(
        Format::Csv,
        table,
        &mapping,
        expect![[r#"
            {"v":1,"type":"log","businessId":"a","sceneId":"repair","executionId":"a","nodeName":"S","time":"2019-01-14T01:49:46.952Z","id":"row1-5beb9576-log","level":"INFO","message":"schedule","instance":"x"}
            {"v":1,"type":"node","businessId":"a","sceneId":"repair","executionId":"a","nodeName":"S","status":"RUNNING","time":"2019-01-14T01:49:46.953Z","id":"row2-c8ccbd4e-start","runId":"row2","instance":"x"}
            {"v":1,"type":"node","businessId":"b","sceneId":"repair","executionId":"b","nodeName":"S","status":"RUNNING","time":"2019-01-14T01:49:46.954Z","id":"row3-69cb9ba2-start","runId":"row3","instance":"x"}
            {"v":1,"type":"node","businessId":"a","sceneId":"repair","executionId":"a","nodeName":"S","status":"RUNNING","time":"2019-01-14T01:49:46.955Z","id":"row4-5f15f37b-start","runId":"row4","instance":"y"}
            {"v":1,"type":"node","businessId":"a","sceneId":"repair","executionId":"a","nodeName":"S","status":"COMPLETED","time":"2019-01-14T01:49:46.956Z","id":"row5-5e528935-end","runId":"row4","instance":"y"}
            {"v":1,"type":"node","businessId":"a","sceneId":"repair","executionId":"a","nodeName":"S","status":"FAILED","time":"2019-01-14T01:49:46.957Z","id":"row6-fb8e34c9-end","runId":"row2","instance":"z"}
            {"v":1,"type":"node","businessId":"b","sceneId":"repair","executionId":"b","nodeName":"T","status":"COMPLETED","id":"row7-74296cc9-end","runId":"row7","instance":"x"}
            - status mapped: lifecycle "ate_abort" is FAILED (once, at row 6)
            - became a log: lifecycle "schedule" (once, at row 1)
            - run without a start: no start was recorded (once, at row 7)
            - run without an end: the run stays open (once, at the end of the table)
            - paired across resources: the oldest open run was taken (once, at row 6)
            - time: none: written without a time (once, at row 7)
            - unreadable: a time in column "timestamp" (once, at line 8)
            - guessed: fields are separated by ';' (once, at line 1)
            - guessed: lifecycle is column "transition" (once, at line 1)
            - guessed: time is column "timestamp" (once, at line 1)
        "#]],
    );
}

/// Nothing says that such a run has ended, so it stays open, without a time if it must.
#[test]
fn a_row_without_an_end_stays_open_whatever_its_start() {
    let table = "case_id,activity,start_time,end_time\n\
                 7,Pay,yesterday,\n\
                 7,Ship,,\n\
                 7,Send,yesterday,2023-02-09T09:00:00\n";
    check(
        Format::Csv,
        table,
        &TableMapping::default(),
        expect![[r#"
        {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Pay","status":"RUNNING","id":"row1-b8f5e0da-start","runId":"row1"}
        {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Ship","status":"RUNNING","id":"row2-32716577-start","runId":"row2"}
        {"v":1,"type":"node","businessId":"7","sceneId":"input","executionId":"7","nodeName":"Send","status":"COMPLETED","time":"2023-02-09T09:00:00Z","id":"row3-5cf7d2e7-end","runId":"row3"}
        - run without a start: no start was recorded (once, at row 3)
        - run without an end: the run stays open (2 times, first at row 1)
        - time: none: written without a time (2 times, first at row 1)
        - unreadable: a time in column "start_time" (2 times, first at line 2)
        - guessed: activity is column "activity" (once, at line 1)
        - guessed: case is column "case_id" (once, at line 1)
        - guessed: end is column "end_time" (once, at line 1)
        - guessed: start is column "start_time" (once, at line 1)
    "#]],
    );
}

#[test]
fn tables_that_are_refused() {
    let auto = TableMapping::default();
    check_error(
        Format::Csv,
        "",
        &auto,
        expect!["log.csv, line 1: the table is empty, a header with column names is needed"],
    );
    check_error(
        Format::Csv,
        "id,what,when\n1,2,3\n",
        &auto,
        expect![
            "log.csv has no case column: name one with --case, or call it case:concept:name, case_id, case, case_key, caseidentifier, trace_id, process_instance_id; the columns are id, what, when"
        ],
    );
    let named = TableMapping { case: Some("Id".into()), ..auto };
    check_error(
        Format::Csv,
        "id,activity,time\n1,2,3\n",
        &named,
        expect![[r#"log.csv has no column "Id" (--case): the columns are id, activity, time"#]],
    );
}

#[test]
fn an_event_log_with_instances_nesting_and_intervals() {
    let log = r#"<?xml version="1.0"?>
<log><extension name="x"/><string key="source" value="s"/>
<trace><string key="concept:name" value="A &amp; B"/><string key="kind" value="urgent"/>
<event><string key="concept:name" value="T"/><string key="concept:instance" value="i1"/>
  <string key="lifecycle:transition" value="start"/><date key="time:timestamp" value="2012-01-30T06:24:00.000+01:00"/></event>
<event><string key="concept:name" value="T"/><string key="concept:instance" value="i2"/>
  <string key="lifecycle:transition" value="start"/><date key="time:timestamp" value="2012-01-30T06:25:00.000+01:00"/></event>
<event><string key="concept:name" value="T"/><string key="concept:instance" value="i2"/>
  <string key="lifecycle:transition" value="complete"/><date key="time:timestamp" value="2012-01-30T06:26:00.000+01:00"/>
  <int key="n" value="07"/><float key="f" value="1.50"/><boolean key="b" value="true"/>
  <string key="s" value="x"><int key="inner" value="1"/></string>
  <list key="l"><values><string key="e" value="1"/><string key="e" value="2"/></values></list>
  <string key="n" value="again"/></event>
</trace>
<trace><event><string key="concept:name" value="U"/><date key="start_timestamp" value="2012-01-30"/>
  <date key="time:timestamp" value="2012-01-31"/></event><event><int key="x" value="1"/></event></trace>
<trace><string key="concept:name" value="empty"/></trace>
</log>"#;
    check(
        Format::Xes,
        log,
        &TableMapping::default(),
        expect![[r#"
            {"v":1,"type":"node","businessId":"A & B","sceneId":"input","executionId":"A & B","nodeName":"T","status":"RUNNING","time":"2012-01-30T05:24:00Z","id":"event1-28179d87-start","runId":"i1","meta":{"kind":"urgent"}}
            {"v":1,"type":"node","businessId":"A & B","sceneId":"input","executionId":"A & B","nodeName":"T","status":"RUNNING","time":"2012-01-30T05:25:00Z","id":"event2-c905fef6-start","runId":"i2"}
            {"v":1,"type":"node","businessId":"A & B","sceneId":"input","executionId":"A & B","nodeName":"T","status":"COMPLETED","time":"2012-01-30T05:26:00Z","id":"event3-079a8906-end","runId":"i2","output":{"n":"07","f":1.50,"b":true,"s":{"value":"x","attributes":[{"inner":1}]},"l":[{"e":"1"},{"e":"2"}],"n #6":"again"}}
            {"v":1,"type":"node","businessId":"trace-2","sceneId":"input","executionId":"trace-2","nodeName":"U","status":"RUNNING","time":"2012-01-30T00:00:00Z","id":"event4-7f3be333-start","runId":"event4"}
            {"v":1,"type":"node","businessId":"trace-2","sceneId":"input","executionId":"trace-2","nodeName":"U","status":"COMPLETED","time":"2012-01-31T00:00:00Z","id":"event4-7f3be333-end","runId":"event4"}
            - refused: an event without a value for "concept:name" (once, at byte 1302)
            - run without an end: the run stays open (once, at the end of trace 1)
            - field not kept: a trace without events: there is nothing to report (once, at byte 1368)
            - field not kept: attribute "source" of the log (once, at byte 48)
            - field not kept: element <extension> (once, at byte 27)
            - renamed: an attribute whose key repeats: its number was added (once, at byte 1095)
            - guessed: a trace without a name is called by its number (once, at byte 1263)
        "#]],
    );
}

#[test]
fn event_logs_that_are_refused() {
    let auto = TableMapping::default();
    check_error(
        Format::Xes,
        "",
        &auto,
        expect!["log.csv, byte 0: the file ends before </log>: not a whole XES event log"],
    );
    check_error(
        Format::Xes,
        "<html/>",
        &auto,
        expect!["log.csv, byte 0: the outermost element is <html>, an XES event log begins with <log>"],
    );
    check_error(
        Format::Xes,
        "<log><trace></log>",
        &auto,
        expect!["log.csv, byte 12: ill-formed document: expected `</trace>`, but `</log>` was found"],
    );
    check_error(
        Format::Xes,
        "<log><trace>",
        &auto,
        expect!["log.csv, byte 12: the file ends before </log>: not a whole XES event log"],
    );
    check_error(
        Format::Xes,
        &"<log>".repeat(100),
        &auto,
        expect!["log.csv, byte 320: elements nest deeper than 64"],
    );
}

#[test]
fn every_conductor_task_status() {
    let statuses = "SCHEDULED IN_PROGRESS COMPLETED COMPLETED_WITH_ERRORS CANCELED FAILED FAILED_WITH_TERMINAL_ERROR \
                    TIMED_OUT SKIPPED BOGUS";
    let tasks: Vec<String> = statuses
        .split(' ')
        .enumerate()
        .map(|(number, status)| {
            let start = if status == "SCHEDULED" || status == "SKIPPED" { 0 } else { 1_600_000_000_100_i64 };
            let end = if matches!(number, 0 | 1 | 9) { 0 } else { 1_600_000_000_200_i64 };
            format!(
                r#"{{"taskType":"SIMPLE","referenceTaskName":"t{number}","taskId":"id{number}","status":"{status}",
                "scheduledTime":1600000000000,"startTime":{start},"endTime":{end},"pollCount":{number}}}"#
            )
        })
        .collect();
    let input = format!(
        r#"{{"workflowId":"w1","workflowName":"flow","status":"RUNNING","createTime":1600000000000,"startTime":1600000000000,
        "correlationId":"order-1","input":{{"contentType":"live","big":{{"a": 1}}}},"tasks":[{}]}}"#,
        tasks.join(",")
    );
    check(
        Format::Conductor,
        &input,
        &TableMapping::default(),
        expect![[r#"
            {"v":1,"type":"log","businessId":"order-1","sceneId":"flow","executionId":"w1","time":"2020-09-13T12:26:40Z","id":"workflow:start","level":"INFO","message":"workflow started","data":{"contentType":"live","big":{"a":1}},"meta":{"contentType":"live","createTime":"2020-09-13T12:26:40Z","trigger":"start"}}
            {"v":1,"type":"log","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t0","time":"2020-09-13T12:26:40Z","id":"id0:scheduled","level":"INFO","message":"scheduled, not started","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t1","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id1:start","runId":"id1","meta":{"contentType":"live","createTime":"2020-09-13T12:26:40Z","trigger":"start"},"conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t2","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id2:start","runId":"id2","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t2","status":"COMPLETED","time":"2020-09-13T12:26:40.2Z","id":"id2:end","runId":"id2","conductor":{"pollCount":2}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t3","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id3:start","runId":"id3","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t3","status":"COMPLETED","time":"2020-09-13T12:26:40.2Z","id":"id3:end","runId":"id3","exception":{"type":"COMPLETED_WITH_ERRORS","message":"COMPLETED_WITH_ERRORS"},"conductor":{"pollCount":3}}
            {"v":1,"type":"log","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t3","time":"2020-09-13T12:26:40.2Z","id":"id3:errors","level":"WARN","message":"completed with errors","exception":{"type":"COMPLETED_WITH_ERRORS","message":"COMPLETED_WITH_ERRORS"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t4","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id4:start","runId":"id4","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t4","status":"FAILED","time":"2020-09-13T12:26:40.2Z","id":"id4:end","runId":"id4","exception":{"type":"CANCELED","message":"CANCELED"},"conductor":{"pollCount":4}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t5","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id5:start","runId":"id5","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t5","status":"FAILED","time":"2020-09-13T12:26:40.2Z","id":"id5:end","runId":"id5","exception":{"type":"FAILED","message":"FAILED"},"conductor":{"pollCount":5}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t6","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id6:start","runId":"id6","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t6","status":"FAILED","time":"2020-09-13T12:26:40.2Z","id":"id6:end","runId":"id6","exception":{"type":"FAILED_WITH_TERMINAL_ERROR","message":"FAILED_WITH_TERMINAL_ERROR"},"conductor":{"pollCount":6}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t7","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id7:start","runId":"id7","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t7","status":"FAILED","time":"2020-09-13T12:26:40.2Z","id":"id7:end","runId":"id7","exception":{"type":"TIMED_OUT","message":"TIMED_OUT"},"conductor":{"pollCount":7}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t8","status":"SKIPPED","time":"2020-09-13T12:26:40.2Z","id":"id8:end","runId":"id8","conductor":{"pollCount":8}}
            {"v":1,"type":"node","businessId":"order-1","sceneId":"flow","executionId":"w1","nodeName":"t9","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"id9:start","runId":"id9","conductor":{"taskType":"SIMPLE","scheduledTime":"2020-09-13T12:26:40Z"}}
            - status mapped: task CANCELED is FAILED (once, at execution 1, task 5)
            - status mapped: task COMPLETED_WITH_ERRORS is COMPLETED (once, at execution 1, task 4)
            - status mapped: task FAILED_WITH_TERMINAL_ERROR is FAILED (once, at execution 1, task 7)
            - status mapped: task TIMED_OUT is FAILED (once, at execution 1, task 8)
            - status mapped: task status "BOGUS" is not known: a run that stays open (once, at execution 1, task 10)
            - became a log: a task that is SCHEDULED and has not started (once, at execution 1, task 1)
            - run without a start: the task has no startTime (once, at execution 1, task 9)
            - field not kept: input in the meta: only small texts and numbers (all is in the log) (once, at execution 1)
            - field not kept: what a task that goes on has so far (output, reason, counters) (2 times, first at execution 1, task 2)
        "#]],
    );
}

#[test]
fn conductor_loops_decisions_sub_workflows_and_logs() {
    let input = r#"[{"workflowId":"w1","workflowType":"flow","version":2,"status":"FAILED","endTime":1600000000900,
      "startTime":1600000000000,"reasonForIncompletion":"no","output":{"a":[1, 2]},
      "workflowDefinition":{"name":"flow","tasks":[{"taskReferenceName":"d"},{"taskReferenceName":"s"}]},
      "tasks":[
      {"taskType":"SWITCH","referenceTaskName":"d__2","iteration":2,"taskId":"1","status":"COMPLETED","startTime":1600000000100,
       "endTime":1600000000100,"outputData":{"evaluationResult":["yes"]},"inputData":{"case":"no"}},
      {"taskType":"SUB_WORKFLOW","referenceTaskName":"s","taskId":"2","status":"FAILED","startTime":1600000000200,"endTime":1600000000150,
       "inputData":{"subWorkflowId":"w2"},"logs":["one",{"log":"two","createdTime":1600000000201}],"reasonForIncompletion":"broken \"x\""}]},
      {"workflowId":"w3"}]"#;
    check(
        Format::Conductor,
        input,
        &TableMapping::default(),
        expect![[r#"
            {"v":1,"type":"log","businessId":"w1","sceneId":"flow","executionId":"w1","time":"2020-09-13T12:26:40Z","id":"workflow:start","level":"INFO","message":"workflow started","meta":{"createTime":"2020-09-13T12:26:40Z","trigger":"start","workflowVersion":"2"}}
            {"v":1,"type":"node","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"d","status":"RUNNING","time":"2020-09-13T12:26:40.1Z","id":"1:start","runId":"1","iteration":2,"input":{"case":"no"},"meta":{"createTime":"2020-09-13T12:26:40Z","trigger":"start","workflowVersion":"2"},"conductor":{"taskType":"SWITCH"}}
            {"v":1,"type":"node","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"d","status":"COMPLETED","time":"2020-09-13T12:26:40.1Z","id":"1:end","runId":"1","case":"yes","iteration":2,"output":{"evaluationResult":["yes"]}}
            {"v":1,"type":"node","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"s","status":"RUNNING","time":"2020-09-13T12:26:40.2Z","id":"2:start","runId":"2","input":{"subWorkflowId":"w2"},"subExecutionId":"w2","conductor":{"taskType":"SUB_WORKFLOW"}}
            {"v":1,"type":"node","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"s","status":"FAILED","time":"2020-09-13T12:26:40.2Z","id":"2:end","runId":"2","exception":{"type":"FAILED","message":"broken \"x\""},"subExecutionId":"w2","conductorEndTime":1600000000150}
            {"v":1,"type":"log","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"s","time":"2020-09-13T12:26:40.2Z","id":"2:log0","level":"INFO","message":"one"}
            {"v":1,"type":"log","businessId":"w1","sceneId":"flow","executionId":"w1","nodeName":"s","time":"2020-09-13T12:26:40.201Z","id":"2:log1","level":"INFO","message":"two"}
            {"v":1,"type":"log","businessId":"w1","sceneId":"flow","executionId":"w1","time":"2020-09-13T12:26:40.9Z","id":"workflow:end","level":"ERROR","message":"workflow FAILED","data":{"a":[1,2]},"exception":{"type":"FAILED","message":"no"}}
            {"v":1,"type":"log","businessId":"w3","sceneId":"workflow","executionId":"w3","id":"workflow:start","level":"INFO","message":"workflow started","meta":{"trigger":"start"}}
            - end before start: the end was set to the start (once, at execution 1, task 2)
            - time: a log line without a time: 1 µs after the one before, from the start of its run (once, at execution 1, task 2)
            - unreadable: an execution without tasks (once, at execution 2)
            - field not kept: workflowDefinition (import it with `linkloom dsl import conductor`) (once, at execution 1)
            - renamed: the loop round at the end of a reference name became the iteration (once, at execution 1, task 1)
            - guessed: a workflow without a name: its scene is "workflow" (once, at execution 2)
        "#]],
    );
}

#[test]
fn conductor_input_that_is_refused() {
    let auto = TableMapping::default();
    check_error(Format::Conductor, "", &auto, expect!["log.csv, its end: there is no execution in it"]);
    check_error(
        Format::Conductor,
        "{\"a\":1}",
        &auto,
        expect![
            "log.csv, execution 1: no workflowId, so it is not a recorded workflow execution; its fields are a"
        ],
    );
    check_error(
        Format::Conductor,
        "{\"workflowId\":\"w\",\"tasks\":7}",
        &auto,
        expect!["log.csv, execution 1: tasks is not an array"],
    );
    check_error(
        Format::Conductor,
        "[{\"workflowId\":\"w\"}, 7]",
        &auto,
        expect!["log.csv, execution 2: not a JSON object"],
    );
    check_error(
        Format::Conductor,
        "{\"workflowId\":\"w\",}",
        &auto,
        expect!["log.csv, line 1: key must be a string at line 1 column 19"],
    );
}

#[test]
fn what_is_too_long_is_shortened_and_told() {
    let long = "n".repeat(400);
    let payload = "p\\n".repeat(200_000);
    let input = format!(
        r#"{{"workflowId":"{long}","workflowName":"{long}","tasks":[{{"referenceTaskName":"{long}1","taskId":"1",
        "status":"COMPLETED","startTime":1600000000100,"endTime":1600000000200,"inputData":{{"p":"{payload}"}}}},
        {{"referenceTaskName":"{long}2","taskId":"2","status":"COMPLETED","startTime":1600000000100,"endTime":1600000000200}}]}}"#
    );
    let (done, lines) = converted(Format::Conductor, &input, &TableMapping::default());
    let found = read_back(&lines);
    agrees(&done, &found);
    assert_eq!((found.nodes, found.runs), (2, 2), "names cut alike stay apart");
    let notes: Vec<String> = done.notes.iter().map(|note| note.to_string()).collect();
    expect![[r#"
        renamed: correlationId longer than 256 bytes shortened, with a hash (once, at execution 1)
        renamed: referenceTaskName longer than 128 bytes shortened, with a hash (2 times, first at execution 1, task 1)
        renamed: workflowId longer than 256 bytes shortened, with a hash (once, at execution 1)
        renamed: workflowName longer than 256 bytes shortened, with a hash (once, at execution 1)
        payload cut: inputData (once, at execution 1, task 1)"#]].assert_eq(&notes.join("\n"));
}

#[test]
fn a_record_without_an_end_is_stopped() {
    let table = format!("case,activity,time\n1,\"{}", "x".repeat(17 << 20));
    check_error(
        Format::Csv,
        &table,
        &TableMapping::default(),
        expect!["log.csv, line 2: one record is longer than 16 MiB"],
    );
    let log = format!("<log><trace><string key=\"{}", "x".repeat(17 << 20));
    check_error(
        Format::Xes,
        &log,
        &TableMapping::default(),
        expect!["log.csv, byte 12: I/O error: one record is longer than 16 MiB"],
    );
}

#[test]
fn gzip_is_told_by_its_magic_number() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"case,activity,time\n1,a,2020-01-01\n").expect("a Vec takes it");
    let packed = packed.finish().expect("a Vec takes it");
    let mut out = Vec::new();
    let done = convert(Format::Csv, "x", packed.as_slice(), &TableMapping::default(), &mut out)
        .expect("it converts");
    assert_eq!((done.counts.records, done.counts.runs), (1, 1));
    let error = convert(Format::Csv, "x", &packed[..20], &TableMapping::default(), &mut out)
        .expect_err("half a file");
    assert!(error.to_string().starts_with("x cannot be read"), "{error}");
}

#[test]
fn converting_again_gives_the_same_bytes() {
    let table = "case,activity,time\n1,a,2020-01-01\n2,a,2020-01-02\n1,a,2020-01-01\n";
    let auto = TableMapping::default();
    assert_eq!(converted(Format::Csv, table, &auto).1, converted(Format::Csv, table, &auto).1);
}
