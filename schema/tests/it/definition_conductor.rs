//! Import of the Conductor definitions others wrote.

use std::io::Read;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use linkloom_schema::definition::conductor::{ImportRefusal, Imported, import_conductor};
use linkloom_schema::definition::parse_json;
use linkloom_schema::definition::render::{Form, render};

fn shared() -> Option<PathBuf> {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join("conductor-definitions");
    if !folder.is_dir() {
        eprintln!("skipped: {} is absent", folder.display());
        return None;
    }
    Some(folder)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.to_string_lossy().ends_with(".json") || path.to_string_lossy().ends_with(".json.gz") {
            into.push(path);
        }
    }
}

fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the file is readable");
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzipped UTF-8");
        return text;
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// An imported definition holds what our own files must hold, and can be drawn.
fn check_usable(path: &Path, imported: &Imported) {
    let canonical = imported.definition.to_canonical_json();
    let read = parse_json("canonical", "other", canonical.as_bytes());
    assert_eq!(read.as_ref(), Ok(&imported.definition), "{}", path.display());
    for form in [Form::Mermaid, Form::Dot, Form::Terminal] {
        let drawing = render(form, &imported.definition);
        assert!(drawing.lines().count() > 1 && drawing.ends_with('\n'), "{}", path.display());
    }
}

#[test]
fn every_shared_definition_is_imported() {
    let Some(folder) = shared() else { return };
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let (mut whole, mut simplified, mut workflows, mut nodes) = (0, 0, 0, 0);
    let mut refused: Vec<(PathBuf, ImportRefusal)> = Vec::new();
    let mut notes = Vec::new();
    for path in &files {
        match import_conductor(&text_of(path)) {
            Ok(imported) => {
                let simple = imported.iter().all(|one| one.notes.is_empty());
                *(if simple { &mut whole } else { &mut simplified }) += 1;
                for one in &imported {
                    workflows += 1;
                    linkloom_schema::definition::for_each_node(&one.definition.nodes, &mut |_, _| nodes += 1);
                    check_usable(path, one);
                    notes.extend(one.notes.clone());
                }
            }
            Err(refusal) => refused.push((path.clone(), refusal)),
        }
    }
    // What the notes say, without the names, and how often.
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for note in &notes {
        let kind: Vec<&str> = note.split('"').step_by(2).collect();
        *kinds.entry(kind.join("…")).or_default() += 1;
    }
    let kinds: String = kinds.iter().map(|(kind, n)| format!("{n:>4} {kind}\n")).collect();
    let counts = format!(
        "files {}, whole {whole}, simplified {simplified}, refused {refused:?}\nworkflows {workflows}, nodes {nodes}\n{kinds}",
        files.len()
    );
    expect![[r#"
        files 626, whole 584, simplified 42, refused []
        workflows 627, nodes 2815
          12 failureWorkflow …: the workflow that runs after a failure is not part of the plan
           6 task …: DYNAMIC chooses its task at run time: a step marked dynamic
           1 task …: EXCLUSIVE_JOIN waits for the first of its tasks: a join of all that run
          14 task …: FORK_JOIN_DYNAMIC makes its branches at run time: a step marked dynamic
           1 task …: START_WORKFLOW starts another workflow and goes on: an rpc, the other is not followed
           1 task …: defaultExclusiveJoinTask is not part of the plan
           1 task …: joinOn names …, which is no task of this workflow: left out
          12 task …: permissive (the workflow goes on after its failure and fails at the end) is not part of the plan
           1 task …: the definition of its workflow is made at run time: a step marked dynamic
           2 task …: the name of its workflow is made at run time: a step marked dynamic
           4 task …: the type … is not known, taken for the task of a worker (rpc)
    "#]].assert_eq(&counts);
}

#[track_caller]
fn check(text: &str, want: Expect) {
    let shown = match import_conductor(text) {
        Ok(all) => all
            .iter()
            .map(|one| {
                let notes: String = one.notes.iter().map(|note| format!("note: {note}\n")).collect();
                let not_carried = one.not_carried.join(", ");
                format!("{}{notes}not carried: {not_carried}\n", render(Form::Terminal, &one.definition))
            })
            .collect(),
        Err(refusal) => format!("refused: {refusal}\n"),
    };
    want.assert_eq(&shown);
}

#[test]
fn every_kind_of_task_becomes_a_node() {
    check(
        r#"{"name": "all", "version": 3, "description": "every type", "ownerEmail": "a@example.com", "failureWorkflow": "undo", "tasks": [
            {"name": "work", "taskReferenceName": "no_type", "retryCount": 3},
            {"name": "http", "taskReferenceName": "http", "type": "HTTP", "optional": true, "inputParameters": {"http_request": {}}},
            {"name": "jq", "taskReferenceName": "jq", "type": "JSON_JQ_TRANSFORM"},
            {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": [
                [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}],
                [{"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "other", "version": 2}},
                 {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]]},
            {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ["a", "sub", "gone", "a"]},
            {"name": "df", "taskReferenceName": "df", "type": "FORK_JOIN_DYNAMIC"},
            {"name": "dj", "taskReferenceName": "dj", "type": "JOIN", "joinOn": ["gone"]},
            {"name": "dt", "taskReferenceName": "dt", "type": "DYNAMIC", "dynamicTaskNameParam": "x"},
            {"name": "expr", "taskReferenceName": "expr", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "${workflow.input.name}"}},
            {"name": "self", "taskReferenceName": "self", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "all"}},
            {"name": "inline", "taskReferenceName": "inline", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "x", "workflowDefinition":
                {"name": "inner", "tasks": [{"name": "i", "taskReferenceName": "i", "type": "WAIT"}]}}},
            {"name": "sw", "taskReferenceName": "sw", "type": "SWITCH", "decisionCases": {"yes": [
                {"name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopOver": [
                    {"name": "b", "taskReferenceName": "b", "type": "HUMAN"}]}],
                "no": [], "": []},
              "defaultCase": [{"name": "end", "taskReferenceName": "end", "type": "TERMINATE"}]},
            {"name": "ej", "taskReferenceName": "ej", "type": "EXCLUSIVE_JOIN", "joinOn": ["b"], "defaultExclusiveJoinTask": ["a"]},
            {"name": "start", "taskReferenceName": "start", "type": "START_WORKFLOW", "permissive": true},
            {"name": "odd", "taskReferenceName": "odd", "type": "MY_TYPE", "loopOver": [{"taskReferenceName": "lost"}]},
            {"name": "f0", "taskReferenceName": "f0", "type": "FORK_JOIN", "forkTasks": []},
            {"name": "d0", "taskReferenceName": "d0", "type": "DECISION", "decisionCases": {}},
            {"name": "l0", "taskReferenceName": "l0", "type": "DO_WHILE"}
        ]}"#,
        expect![[r#"
            all
            ├─ no_type  work  rpc
            ├─ http  rpc · optional
            ├─ jq  local
            ├─ fork  fork
            │  ├─ [branch 1]
            │  │  └─ a  rpc
            │  └─ [branch 2]
            │     ├─ sub  link to other
            │     └─ a#2  a  rpc
            ├─ join  join of a, sub
            ├─ df  local · dynamic
            ├─ dj  join of every branch
            ├─ dt  rpc · dynamic
            ├─ expr  rpc · dynamic
            ├─ self  rpc · dynamic
            ├─ inline  link to inner
            ├─ sw  decision
            │  ├─ [case yes]
            │  │  └─ loop  loop
            │  │     └─ b  local
            │  ├─ [case no]  nothing
            │  ├─ [case case 3]  nothing
            │  └─ [default]
            │     └─ end  terminate
            ├─ ej  join of b
            ├─ start  rpc
            ├─ odd  rpc
            ├─ f0  local
            ├─ d0  local
            └─ l0  local
            note: failureWorkflow "undo": the workflow that runs after a failure is not part of the plan
            note: task "a": another task has the same name: called "a#2" (its reports show at the first)
            note: task "join": joinOn names "gone", which is no task of this workflow: left out
            note: task "join": joinOn names "a" twice: once
            note: task "df": FORK_JOIN_DYNAMIC makes its branches at run time: a step marked dynamic
            note: task "dj": joinOn names "gone", which is no task of this workflow: left out
            note: task "dj": nothing is left of joinOn: it joins every branch
            note: task "dt": DYNAMIC chooses its task at run time: a step marked dynamic
            note: task "expr": the name of its workflow is made at run time: a step marked dynamic
            note: task "self": the workflow runs itself: a step marked dynamic
            note: task "sw": a case without a usable name is called "case 3"
            note: task "ej": EXCLUSIVE_JOIN waits for the first of its tasks: a join of all that run
            note: task "ej": defaultExclusiveJoinTask is not part of the plan
            note: task "start": START_WORKFLOW starts another workflow and goes on: an rpc, the other is not followed
            note: task "start": permissive (the workflow goes on after its failure and fails at the end) is not part of the plan
            note: task "odd": the type "MY_TYPE" is not known, taken for the task of a worker (rpc)
            note: task "odd": loopOver has no meaning for its type and is left out
            note: task "f0": FORK_JOIN without forkTasks: a local step
            note: task "d0": DECISION without cases: a local step
            note: task "l0": a loop without loopOver: a local step
            not carried: dynamicTaskNameParam, inputParameters, ownerEmail, retryCount, subWorkflowParam.version
            inner
            └─ i  local
            not carried: 
        "#]],
    );
}

#[test]
fn what_conductor_refuses_is_refused() {
    for text in [
        "[",
        "[]",
        "7",
        "{}",
        r#"{"name": "x"}"#,
        r#"{"name": "x", "tasks": []}"#,
        r#"{"name": " ", "tasks": [{"taskReferenceName": "a"}]}"#,
        r#"{"name": "x", "tasks": {}}"#,
        r#"{"name": "x", "tasks": ["a"]}"#,
        r#"{"name": "x", "tasks": [{"name": "a"}]}"#,
        r#"{"name": "x", "tasks": [{"taskReferenceName": "a"}, {"taskReferenceName": "a"}]}"#,
        r#"{"name": "x", "tasks": [{"taskReferenceName": "a", "type": "JOIN", "joinOn": "b"}]}"#,
        r#"{"name": "x", "tasks": [{"taskReferenceName": "a", "type": "FORK_JOIN", "forkTasks": [{}]}]}"#,
        r#"{"name": "x", "tasks": [{"taskReferenceName": "a", "type": "DECISION", "decisionCases": []}]}"#,
    ] {
        let refusal = import_conductor(text).expect_err(text);
        assert!(!refusal.reason.is_empty() && refusal.place.starts_with('$'), "{refusal}");
    }
    check(
        r#"[{"name": "x", "tasks": [{"name": "a"}]}]"#,
        expect![[r#"
        refused: $[0].tasks[0]: a task without taskReferenceName
    "#]],
    );
}

#[test]
fn a_list_a_request_and_hostile_depth_are_handled() {
    check(
        r#"[{"name": "one", "tasks": [{"taskReferenceName": "a"}]}, {"workflowDef": {"name": "two", "version": "7", "tasks": [{"taskReferenceName": "b"}]}}]"#,
        expect![[r#"
            one
            └─ a  rpc
            not carried: 
            two
            └─ b  rpc
            not carried: 
        "#]],
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(import_conductor(&deep).is_err());
    let open = r#"{"taskReferenceName": "a", "type": "DO_WHILE", "loopOver": ["#;
    let deep = format!("{{\"name\": \"x\", \"tasks\": [{}{}]}}", open.repeat(70), "]}".repeat(70));
    assert!(import_conductor(&deep).is_err());
}
