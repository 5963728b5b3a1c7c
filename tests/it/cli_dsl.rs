//! `linkloom dsl`: checking, putting, drawing and importing definitions.

use expect_test::expect;
use linkloom_schema::definition::parse_json;

use crate::workplace::{Workplace, files_below, others};

const ONE: &str = r#"{"sceneId":"one","nodes":[{"nodeName":"A","nodeType":"rpc"}]}"#;
const TWO: &str = r#"[{"nodeName":"A","nodeType":"rpc"},{"nodeName":"B","nodeType":"local"}]"#;

const BROKEN: &str = r#"{
  "sceneId": "broken",
  "nodes": [
    {"nodeName": "A", "nodeType": "rcp"},
    {"nodeName": "A", "nodeType": "local", "slowAfterMs": -1},
    {"nodeName": "J", "nodeType": "join", "joinOnList": ["B"]},
    {"nodeName": "L", "nodeType": "link", "subScene": "broken"}
  ]
}
"#;

fn samples(place: &Workplace) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dsl-samples");
    let definitions = files_below(&folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json" || extension == "xml"));
    let mut names = Vec::new();
    for path in definitions {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        place.copy(&format!("dsl-samples/{name}"));
        names.push(name);
    }
    names
}

#[test]
fn the_samples_have_no_problems() {
    let place = Workplace::new();
    let names = samples(&place);
    assert!(names.len() >= 7, "{names:?}");
    let mut arguments = vec!["dsl", "check"];
    arguments.extend(names.iter().map(String::as_str));
    let ran = place.run(&arguments).ended_with(0);
    assert_eq!(ran.err, "");
    assert_eq!(ran.out.lines().filter(|line| line.contains(": ok, scene ")).count(), names.len());
    assert_eq!(ran.out.lines().last(), Some(&*format!("{} files checked, no problems", names.len())));

    arguments.extend(["--output", "json"]);
    let answer = place.run(&arguments).ended_with(0).json();
    assert_eq!(answer["definitions"].as_array().map(Vec::len), Some(names.len()));
    assert_eq!(answer["problems"], serde_json::json!([]));
}

#[test]
fn all_problems_of_all_files_are_listed() {
    let place = Workplace::new();
    place.write("broken.json", BROKEN);
    place.write("one.json", ONE);
    place.write("cut.xml", "<definition sceneId='x'><local nodeName='a'/>");
    let ran = place.run(&["dsl", "check", "broken.json", "one.json", "cut.xml"]).ended_with(1);
    expect![[r#"
        error: "rcp" is not a node type
         --> broken.json:4:35
          |
        4 |     {"nodeName": "A", "nodeType": "rcp"},
          |                                   ^^^^^ did you mean "rpc"?
          |
          = found: "rcp"
          = allowed: local, rpc, fork, join, decision, loop, link, terminate
          = path: $.nodes[0].nodeType

        error: two nodes are named "A"
         --> broken.json:5:18
          |
        5 |     {"nodeName": "A", "nodeType": "local", "slowAfterMs": -1},
          |                  ^^^ first at 4:18
          |
          = found: "A"
          = allowed: a name no other node of this link has
          = path: $.nodes[1].nodeName

        error: slowAfterMs is not a whole number in its range
         --> broken.json:5:59
          |
        5 |     {"nodeName": "A", "nodeType": "local", "slowAfterMs": -1},
          |                                                           ^^
          |
          = found: -1
          = allowed: a whole number of milliseconds from 1 to 9007199254740991
          = path: $.nodes[1].slowAfterMs

        error: the join waits for "B", which is no node of this link
         --> broken.json:6:58
          |
        6 |     {"nodeName": "J", "nodeType": "join", "joinOnList": ["B"]},
          |                                                          ^^^
          |
          = found: "B"
          = allowed: names of nodes of the same list of nodes
          = path: $.nodes[2].joinOnList[0]

        error: a definition that names itself: its link would run within itself without end
         --> broken.json:7:55
          |
        7 |     {"nodeName": "L", "nodeType": "link", "subScene": "broken"}
          |                                                       ^^^^^^^^
          |
          = found: "broken"
          = allowed: the scene id of another definition; a part that repeats is a loop
          = path: $.nodes[3].subScene

        one.json: ok, scene one, 1 node, version 233b78dfb0124a63e9ee913b399a7407
        error: not XML: the root node was opened but never closed
         --> cut.xml:1:46
          |
        1 | <definition sceneId='x'><local nodeName='a'/>
          |                                              ^
          |
          = found: the end of the line
          = allowed: well-formed XML 1.0
          = path: /

        3 files checked, 6 problems in 2 of them
    "#]]
    .assert_eq(&ran.out);
    assert_eq!(ran.err, "");

    let answer = place
        .run(&["dsl", "check", "broken.json", "one.json", "cut.xml", "--output", "json"])
        .ended_with(1)
        .json();
    let problems = answer["problems"].as_array().expect("problems");
    assert_eq!(problems.len(), ran.out.matches("error: ").count());
    expect![[r#"
        {"file":"broken.json","line":4,"column":35,"path":"$.nodes[0].nodeType","message":"\"rcp\" is not a node type","found":"\"rcp\"","allowed":"local, rpc, fork, join, decision, loop, link, terminate","help":"did you mean \"rpc\"?"}
    "#]].assert_eq(&format!("{}\n", problems[0]));

    // A file that cannot be read is no problem of a definition; the others are checked all the same.
    let ran = place.run(&["dsl", "check", "absent.json", "one.json"]).ended_with(2);
    assert!(ran.out.starts_with("one.json: ok, scene one, 1 node, version "), "{}", ran.out);
    assert!(ran.err.contains("absent.json"), "{}", ran.err);
}

#[test]
fn a_definition_is_put_once() {
    let place = Workplace::new();
    place.write("one.json", ONE);
    place.write("two.json", TWO);
    let put = |arguments: &[&str]| {
        let mut all = vec!["dsl", "put", "--store", "S"];
        all.extend(arguments);
        place.run(&all)
    };
    let ran = put(&["one.json", "two.json"]).ended_with(0);
    expect![[r#"
        new       one, version 233b78dfb0124a63e9ee913b399a7407, valid from the beginning (one.json)
        new       two, version 1b08ca1efbd5a8eeafaee10bc53e9c95, valid from the beginning (two.json)
        2 new, 0 unchanged
    "#]]
    .assert_eq(&ran.out);
    let again = put(&["one.json", "two.json"]).ended_with(0);
    assert_eq!(
        again.out,
        ran.out.replace("new       ", "unchanged ").replace("2 new, 0 unchanged", "0 new, 2 unchanged")
    );

    // A second version holds from now on, or from the time given.
    place.write("one.json", ONE.replace("rpc", "local"));
    let ran = put(&["one.json"]).ended_with(0);
    assert!(
        ran.out.starts_with("new       one, version ") && ran.out.contains(", valid from 2"),
        "{}",
        ran.out
    );
    place.write("one.json", ONE.replace("\"A\"", "\"Z\""));
    let ran = put(&["one.json", "--valid-from", "2020-01-01"]).ended_with(0);
    assert!(ran.out.contains(", valid from 2020-01-01T00:00:00.000000Z (one.json)\n1 new"), "{}", ran.out);

    // Which version holds when.
    let graph = |at: &[&str]| {
        let mut all = vec!["dsl", "graph", "--store", "S", "one"];
        all.extend(at);
        place.run(&all).ended_with(0).out
    };
    assert_eq!(graph(&["--valid-at", "2019-12-31"]), "one\n└─ A  rpc\n");
    assert_eq!(graph(&["--valid-at", "2020-01-01"]), "one\n└─ Z  rpc\n");
    assert_eq!(graph(&[]), "one\n└─ A  local\n");
    let ran = place.run(&["dsl", "graph", "--store", "S", "three"]).ended_with(1);
    assert_eq!((&*ran.out, &*ran.err), ("", "the scene three has no definition\n"));
}

#[test]
fn nothing_is_put_when_something_is_wrong() {
    let place = Workplace::new();
    place.write("one.json", ONE);
    place.write("broken.json", BROKEN);
    let ran = place.run(&["dsl", "put", "--store", "S", "one.json", "broken.json"]).ended_with(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("error: ") && ran.err.ends_with("nothing was put\n"), "{}", ran.err);

    place.write("other.json", ONE.replace("\"A\"", "\"B\""));
    let ran = place.run(&["dsl", "put", "--store", "S", "one.json", "other.json"]).ended_with(1);
    expect![[r#"
        one.json and other.json define the scene "one" differently; put them one by one, each with its --valid-from
        nothing was put
    "#]].assert_eq(&ran.err);
    let ran = place.run(&["dsl", "put", "--store", "S", "one.json", "absent.json"]).ended_with(2);
    assert!(ran.err.contains("absent.json"), "{}", ran.err);
    assert!(!place.path("S").exists(), "no store was made");
}

#[test]
fn a_plan_is_drawn_in_three_languages() {
    let place = Workplace::new();
    place.copy("dsl-samples/sample-link.json");
    let graph =
        |format: &str| place.run(&["dsl", "graph", "sample-link.json", "--format", format]).ended_with(0).out;
    expect![[r#"
        sample-link
        ├─ A  rpc
        ├─ Fork  fork
        │  ├─ [branch 1]
        │  │  └─ B  rpc
        │  └─ [branch 2]
        │     └─ C  local
        ├─ Join  join of B, C
        └─ D  decision
           ├─ [case true]
           │  └─ E  rpc
           └─ [default]
              └─ F  rpc
    "#]]
    .assert_eq(&graph("text"));
    expect![[r#"
        flowchart TD
          n0("A")
          n1[/"Fork"/]
          n2("B")
          n3["C"]
          n4[/"Join"/]
          n5{"D"}
          n6("E")
          n7("F")
          n0 --> n1
          n1 --> n2
          n1 --> n3
          n2 --> n4
          n3 --> n4
          n4 --> n5
          n5 -->|"true"| n6
          n5 -->|"default"| n7
    "#]]
    .assert_eq(&graph("mermaid"));
    expect![[r#"
        digraph "sample-link" {
          rankdir=TB;
          node [fontname="sans-serif"];
          edge [fontname="sans-serif"];
          n0 [label="A", shape=ellipse];
          n1 [label="Fork", shape=parallelogram];
          n2 [label="B", shape=ellipse];
          n3 [label="C", shape=box];
          n4 [label="Join", shape=parallelogram];
          n5 [label="D", shape=diamond];
          n6 [label="E", shape=ellipse];
          n7 [label="F", shape=ellipse];
          n0 -> n1;
          n1 -> n2;
          n1 -> n3;
          n2 -> n4;
          n3 -> n4;
          n4 -> n5;
          n5 -> n6 [label="true"];
          n5 -> n7 [label="default"];
        }
    "#]]
    .assert_eq(&graph("dot"));
    // A store in the environment does not turn a file into a scene.
    let place = place.with_env("LINKLOOM_STORE", "S");
    place.run(&["dsl", "graph", "sample-link.json"]).ended_with(0);
    place.write("broken.json", BROKEN);
    let ran = place.run(&["dsl", "graph", "broken.json"]).ended_with(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("error: "), "{}", ran.err);
}

const WORKFLOWS: &str = r#"[
  {"name": "order/pay", "version": 2, "ownerEmail": "a@example.com", "failureWorkflow": "undo", "tasks": [
    {"name": "reserve", "taskReferenceName": "reserve", "type": "SIMPLE", "retryCount": 3},
    {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": [
      [{"name": "pay", "taskReferenceName": "pay", "type": "HTTP"}],
      [{"name": "mail", "taskReferenceName": "mail", "type": "SIMPLE"}]]},
    {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ["pay", "mail"]}]},
  {"name": "plain", "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}
]"#;

#[test]
fn conductor_definitions_are_imported() {
    let place = Workplace::new();
    place.write("workflows.json", WORKFLOWS);
    let import = |arguments: &[&str]| {
        let mut all = vec!["dsl", "import", "conductor", "workflows.json"];
        all.extend(arguments);
        place.run(&all)
    };
    let ran = import(&[]).ended_with(0);
    expect![[r#"
        {
          "sceneId": "order/pay",
          "version": "2",
          "nodes": [
            {"nodeName": "reserve", "nodeType": "rpc"},
            {
              "nodeName": "fork",
              "nodeType": "fork",
              "forkNodes": [[{"nodeName": "pay", "nodeType": "rpc"}], [{"nodeName": "mail", "nodeType": "rpc"}]]
            },
            {"nodeName": "join", "nodeType": "join", "joinOnList": ["pay", "mail"]}
          ]
        }
        {"sceneId": "plain", "nodes": [{"nodeName": "a", "nodeType": "rpc"}]}
    "#]].assert_eq(&ran.out);
    expect![[r#"
        workflows.json: order/pay: simplified: failureWorkflow "undo": the workflow that runs after a failure is not part of the plan
        workflows.json: order/pay: not part of a plan: ownerEmail, retryCount
        2 definitions from 1 file: 1 simplified, 0 refused
    "#]].assert_eq(&ran.err);

    let ran = import(&["--out", "D"]).ended_with(0);
    assert_eq!(ran.out, "D/order%2Fpay.json: written\nD/plain.json: written\n");
    place.run(&["dsl", "check", "D/order%2Fpay.json", "D/plain.json"]).ended_with(0);
    let ran = import(&["--out", "D"]).ended_with(0);
    assert_eq!(ran.out, "D/order%2Fpay.json: unchanged\nD/plain.json: unchanged\n");

    // What somebody has changed since is not lost.
    place.write("D/plain.json", TWO);
    let ran = import(&["--out", "D"]).ended_with(1);
    assert!(
        ran.err.contains("D/plain.json is there with another content; --force replaces it"),
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read_to_string(place.path("D/plain.json")).expect("a file"), TWO);
    import(&["--out", "D", "--force"]).ended_with(0);
    place.run(&["dsl", "graph", "D/plain.json"]).ended_with(0);
}

#[test]
fn what_conductor_refuses_is_refused_and_the_rest_imported() {
    let place = Workplace::new();
    place.write("good.json", r#"{"name": "good", "tasks": [{"name": "a", "taskReferenceName": "a"}]}"#);
    place.write("none.json", r#"{"name": "none", "tasks": []}"#);
    place.write("bytes.json", b"{\"name\": \"\xff\"}");
    let arguments = ["dsl", "import", "conductor", "none.json", "bytes.json", "good.json", "--out", "D"];
    let ran = place.run(&arguments).ended_with(1);
    assert_eq!(ran.out, "D/good.json: written\n");
    expect![[r#"
        none.json: refused: $.tasks: a workflow without tasks
        bytes.json: refused: not UTF-8 at byte 10
        1 definition from 3 files: 0 simplified, 2 refused
    "#]]
    .assert_eq(&ran.err);
    place.run(&["dsl", "import", "conductor", "absent.json", "good.json"]).ended_with(2);
}

/// Every definition of the shared data, through the binary and back.
#[test]
fn the_definitions_others_wrote_are_imported_and_check() {
    let Some(folder) = others("conductor-definitions") else { return };
    let names: Vec<String> = files_below(&folder)
        .into_iter()
        .filter(|path| {
            path.to_string_lossy().ends_with(".json") || path.to_string_lossy().ends_with(".json.gz")
        })
        .map(|path| std::path::absolute(path).expect("a path").to_str().expect("UTF-8").to_owned())
        .collect();
    assert_eq!(names.len(), 626);
    let place = Workplace::new();
    let mut arguments = vec!["dsl", "import", "conductor", "--out", "D"];
    arguments.extend(names.iter().map(String::as_str));
    let ran = place.run(&arguments).ended_with(0);
    assert_eq!(ran.err.lines().last(), Some("627 definitions from 626 files: 42 simplified, 0 refused"));

    let written = files_below(&place.path("D"));
    let told = ran.out.lines().filter(|line| line.ends_with(": written")).count();
    assert_eq!(written.len(), told, "every file is named once");
    // Scenes that several files define the same way share one file.
    assert_eq!(ran.out.lines().filter(|line| line.ends_with(": unchanged")).count(), 627 - told);
    for path in &written {
        let definition = parse_json("f", "f", &std::fs::read(path).expect("a file"));
        assert!(definition.is_ok(), "{}: {definition:?}", path.display());
    }
    let mut arguments = vec!["dsl", "check"];
    let paths: Vec<&str> = written.iter().map(|path| path.to_str().expect("UTF-8")).collect();
    arguments.extend(&paths);
    let ran = place.run(&arguments).ended_with(0);
    assert_eq!(ran.out.lines().last(), Some(&*format!("{} files checked, no problems", written.len())));
}
