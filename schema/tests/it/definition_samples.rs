//! The definitions and report files of `dsl-samples/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use linkloom_schema::definition::render::{Form, render};
use linkloom_schema::definition::{Definition, for_each_node, parse, parse_json, render_problems};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../dsl-samples"))
}

fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("dsl-samples is readable");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("dsl-samples is readable").path())
        .filter(|path| path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a sample has a name").to_string_lossy().into_owned()
}

fn read(path: &Path) -> Definition {
    let bytes = std::fs::read(path).expect("a sample is readable");
    parse(&path.to_string_lossy(), &stem(path), &bytes)
        .unwrap_or_else(|problems| panic!("{}", render_problems(&problems, &bytes, false)))
}

fn sample(name: &str) -> Definition {
    read(&folder().join(name))
}

#[test]
fn every_sample_is_a_definition_of_its_stem_and_survives_its_canonical_form() {
    let files = files(&["json", "xml"]);
    assert!(files.len() >= 8, "found {files:?}");
    for file in files {
        let definition = read(&file);
        assert_eq!(definition.scene_id.as_str(), stem(&file));
        let canonical = definition.to_canonical_json();
        assert_eq!(parse_json("canonical", "other", canonical.as_bytes()).as_ref(), Ok(&definition));
    }
}

#[test]
fn both_notations_of_the_sample_link_are_one_definition() {
    let (json, xml) = (sample("sample-link.json"), sample("sample-link.xml"));
    assert_eq!(json, xml);
    assert_eq!(json.version_hash(), xml.version_hash());
}

#[test]
fn together_the_samples_use_the_whole_language() {
    let mut seen = BTreeSet::new();
    for file in files(&["json", "xml"]) {
        let definition = read(&file);
        if !definition.variants.is_empty() {
            seen.insert("variants");
        }
        for (_, nodes) in definition.plans() {
            for_each_node(nodes, &mut |node, _| {
                seen.insert(node.kind.as_str());
                seen.extend(node.optional.then_some("optional"));
                seen.extend(node.minor.then_some("minor"));
                seen.extend(node.title.as_ref().map(|_| "title"));
                seen.extend(node.service.as_ref().map(|_| "service"));
                seen.extend(node.slow_after_ms.map(|_| "slowAfterMs"));
            });
        }
    }
    let seen: Vec<&str> = seen.into_iter().collect();
    assert_eq!(
        seen,
        [
            "decision",
            "fork",
            "join",
            "link",
            "local",
            "loop",
            "minor",
            "optional",
            "rpc",
            "service",
            "slowAfterMs",
            "terminate",
            "title",
            "variants"
        ]
    );
}

#[test]
fn every_report_file_tells_executions_of_its_scene() {
    for file in files(&["ndjson"]) {
        let scene = stem(&file);
        let definition =
            ["json", "xml"].iter().map(|e| file.with_extension(e)).find(|f| f.exists()).map(|f| read(&f));
        let definition = definition.unwrap_or_else(|| panic!("{scene} has reports but no definition"));
        let mut names = BTreeSet::new();
        for (_, nodes) in definition.plans() {
            for_each_node(nodes, &mut |node, _| {
                names.insert(node.name.clone());
            });
        }
        let text = std::fs::read_to_string(&file).expect("a report file is UTF-8");
        let mut executions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for (i, line) in text.lines().enumerate() {
            let at = format!("{scene}.ndjson:{}", i + 1);
            let report: serde_json::Value = serde_json::from_str(line).expect("a report is JSON");
            let field = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(report["v"], 1, "{at}");
            assert_eq!(field("sceneId"), scene, "{at}");
            assert!(names.contains(&field("nodeName")), "{at}: {:?} is not in the plan", field("nodeName"));
            let status = field("status");
            match field("type").as_str() {
                "node" => {
                    assert!(["RUNNING", "COMPLETED", "FAILED", "SKIPPED"].contains(&status.as_str()), "{at}");
                }
                "log" => assert!(!field("message").is_empty() && status.is_empty(), "{at}"),
                other => panic!("{at}: type {other:?}"),
            }
            let on_the_days = match &report["time"] {
                serde_json::Value::String(time) => {
                    time.starts_with("2026-11-20T") || time.starts_with("2026-11-21T")
                }
                time => (1_795_132_800_000..1_795_305_600_000).contains(&time.as_i64().unwrap_or_default()),
            };
            assert!(on_the_days, "{at}: {}", report["time"]);
            let statuses = executions.entry((field("businessId"), field("executionId"))).or_default();
            statuses.insert(status);
        }
        assert!((2..=5).contains(&executions.len()), "{scene} has {} executions", executions.len());
    }
}

#[track_caller]
fn check(form: Form, name: &str, want: Expect) {
    want.assert_eq(&render(form, &sample(name)));
}

#[test]
fn the_sample_link_is_drawn_in_every_form() {
    check(
        Form::Terminal,
        "sample-link.json",
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
    "#]],
    );
    check(
        Form::Mermaid,
        "sample-link.json",
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
    "#]],
    );
    check(
        Form::Dot,
        "sample-link.json",
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
    "#]],
    );
}

#[test]
fn variants_loops_and_links_are_drawn() {
    check(
        Form::Terminal,
        "realtime-input.json",
        expect![[r#"
            realtime-input  Realtime intake of a content
            ├─ receive  Message received  local · content-api
            ├─ normalise  local · content-api · minor
            ├─ enrich  Enrichment  fork
            │  ├─ [branch 1]
            │  │  ├─ picProcess  Picture check  rpc · picture · slow after 800 ms
            │  │  └─ ocr  Text in pictures  rpc · picture · slow after 1500 ms · optional
            │  ├─ [branch 2]
            │  │  └─ textProcess  Text check  rpc · text
            │  └─ [branch 3]
            │     └─ authorProfile  Author profile  rpc · user-profile · minor
            ├─ enriched  join of ocr, textProcess, authorProfile
            ├─ riskScore  Risk score  rpc · risk · slow after 300 ms
            ├─ verdict  What the score says  decision · content-api
            │  ├─ [case pass]  nothing
            │  ├─ [case review]
            │  │  └─ humanReview  Review by a person  link to human-review
            │  └─ [case block]
            │     ├─ notifyAuthor  rpc · notification · optional
            │     └─ blocked  Blocked  terminate
            ├─ publish  Published  rpc · content-store · slow after 500 ms
            └─ index  Search index  rpc · search · minor

            when contentType = live
            ├─ receive  Message received  local · content-api
            ├─ liveCheck  Stream check  rpc · live · slow after 200 ms
            └─ publish  On air  rpc · content-store
        "#]],
    );
    check(
        Form::Terminal,
        "human-review.json",
        expect![[r#"
        human-review  Review by a person
        ├─ openTask  Review opened  local · review
        ├─ pushToDesk  On the reviewer's desk  rpc · review-desk · slow after 1000 ms
        ├─ takeAnswer  Answer received  local · review
        ├─ answer  The answer  decision · review
        │  ├─ [case approve]
        │  │  └─ release  Released  rpc · content-store
        │  ├─ [case reject]
        │  │  ├─ withdraw  Withdrawn  rpc · content-store
        │  │  └─ tellAuthor  rpc · notification · optional
        │  └─ [case unsure]
        │     ├─ secondOpinion  Ask a senior reviewer  loop
        │     │  ├─ askSenior  rpc · review-desk
        │     │  └─ takeOpinion  local · review
        │     └─ applyOpinion  rpc · content-store
        └─ closeTask  Review closed  local · review · minor
    "#]],
    );
    check(
        Form::Terminal,
        "catalogue-import.json",
        expect![[r#"
        catalogue-import  Nightly import of a supplier's catalogue
        ├─ fetchFile  File fetched  rpc · importer · slow after 60000 ms
        ├─ checkFile  File checked  local · importer
        ├─ fileState  decision · importer
        │  ├─ [case unchanged]
        │  │  └─ nothingNew  Nothing new  terminate
        │  ├─ [case broken]
        │  │  ├─ tellSupplier  rpc · notification
        │  │  └─ refused  File refused  terminate
        │  └─ [default]  nothing
        ├─ pages  Page by page  loop
        │  ├─ readPage  local · importer · minor
        │  └─ writePage  Page written  rpc · catalogue · slow after 5000 ms
        ├─ wrapUp  fork
        │  ├─ [branch 1]
        │  │  └─ rebuildIndex  rpc · search
        │  └─ [branch 2]
        │     └─ warmCaches  rpc · edge-cache · optional
        ├─ wrappedUp  join of rebuildIndex
        └─ report  Report sent  rpc · notification · minor
    "#]],
    );
    check(
        Form::Mermaid,
        "recompute.xml",
        expect![[r#"
        flowchart TD
          subgraph plan0 ["otherwise"]
            n0["loadSnapshot<br/>Snapshot loaded"]
            n1[/"features<br/>Features"/]
            n2("textFeatures")
            n3("pictureFeatures")
            n4["mergePictures"]
            n5("audioFeatures")
            n6[/"allFeatures"/]
            n7("score<br/>Scored again")
            n8{"changed<br/>Did it change#63;"}
            n9("store<br/>New score stored")
            n10("announce")
            n11["done"]
            n0 --> n1
            n1 --> n2
            n1 --> n3
            n3 --> n4
            n1 --> n5
            n2 --> n6
            n4 --> n6
            n6 --> n7
            n7 --> n8
            n8 -->|"true"| n9
            n9 --> n10
            n10 --> n11
            n8 -->|"false"| n11
          end
          subgraph plan1 ["when trigger = operator"]
            n12["loadSnapshot<br/>Snapshot loaded"]
            n13("score<br/>Scored again")
            n14("store<br/>New score stored")
            n12 --> n13
            n13 --> n14
          end
          classDef minor stroke-width:0.5px,opacity:0.7
          class n4,n10,n11 minor
          classDef optional stroke-dasharray:6 3
          class n5 optional
    "#]],
    );
    check(
        Form::Dot,
        "order-payment.json",
        expect![[r#"
        digraph "order-payment" {
          rankdir=TB;
          node [fontname="sans-serif"];
          edge [fontname="sans-serif"];
          n0 [label="placeOrder\nOrder placed", shape=box];
          n1 [label="prepare", shape=parallelogram];
          n2 [label="reserveStock\nStock reserved", shape=ellipse];
          n3 [label="checkAddress\nAddress checked", shape=ellipse];
          n4 [label="applyVoucher\nVoucher applied", shape=ellipse, style=dashed];
          n5 [label="prepared", shape=parallelogram];
          n6 [label="charge\nUntil the bank answers", shape=hexagon];
          n7 [label="chargeCard\nCard charged", shape=ellipse];
          n8 [label="paid\nPaid?", shape=diamond];
          n9 [label="confirm\nOrder confirmed", shape=ellipse];
          n10 [label="ship\nShipped", shape=component];
          n11 [label="returnVoucher\nVoucher given back", shape=ellipse, style=dashed];
          n12 [label="releaseStock\nStock released", shape=ellipse];
          n13 [label="cancelOrder\nOrder cancelled", shape=box];
          n14 [label="cancelled\nCancelled", shape=doublecircle];
          n15 [label="sendReceipt", shape=ellipse, color=gray];
          n0 -> n1;
          n1 -> n2;
          n1 -> n3;
          n1 -> n4;
          n2 -> n5;
          n3 -> n5;
          n4 -> n5;
          n5 -> n6;
          n6 -> n7;
          n7 -> n6 [label="again", style=dashed, constraint=false];
          n6 -> n8;
          n8 -> n9 [label="true"];
          n9 -> n10;
          n8 -> n11 [label="false"];
          n11 -> n12;
          n12 -> n13;
          n13 -> n14;
          n10 -> n15;
        }
    "#]],
    );
}
