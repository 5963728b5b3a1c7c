//! Broken definitions: every problem in one go, with its place.

use expect_test::{Expect, expect};
use linkloom_schema::definition::{parse, render_problems};

#[track_caller]
fn check(file: &str, text: &str, want: Expect) {
    let problems = parse(file, "scene", text.as_bytes()).expect_err("the definition is broken");
    let shown: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    want.assert_eq(&shown);
}

#[test]
fn every_problem_of_a_json_file_is_listed() {
    check(
        "order.json",
        r#"{
  "sceneId": "order",
  "nodes": [
    {"nodName": "A", "nodeType": "RPC"},
    {"nodeName": "A2", "nodeType": "local", "slowAfterMs": 1.5, "optional": "yes", "title": ""},
    {"nodeName": "Fork", "nodeType": "fork", "forkNodes": [[{"nodeName": "B", "nodeType": "rpc"}], {}]},
    {"nodeName": "Join", "nodeType": "join", "joinOnList": ["B", "b2", "Join", "B", 7]},
    {"nodeName": "B", "nodeType": "decision", "decisionCases": {"x": [], "x": null}, "loopNodes": []},
    {"nodeName": "L", "nodeType": "link", "subScene": "order"},
    {"nodeName": "L", "nodeType": "loop", "loopNodes": []},
    {"nodeName": "", "nodeType": "fork", "forkNodes": []},
    {"nodeName": "E", "nodeType": "decision", "decisionCases": {}},
    {"nodeName": "F", "nodeType": "link"},
    "G"
  ],
  "variants": [{"when": {}, "nodes": []}, {"when": {"a": "1"}, "nodes": [{"nodeName": "A", "nodeType": "rpc"}]}, {"when": {"a": "1"}}],
  "nodes": []
}"#,
        expect![[r#"
            order.json:4:5: a node without nodeName ($.nodes[0]): found an object with "nodName", "nodeType", allowed nodeName: 1 to 128 bytes of text
            order.json:4:6: "nodName" is not a key of a node ($.nodes[0].nodName): found "nodName", allowed nodeName, nodeType, title, description, service, slowAfterMs, optional, minor, dynamic, forkNodes, joinOnList, decisionCases, defaultCase, loopNodes, subScene; did you mean "nodeName"?
            order.json:4:34: "RPC" is not a node type ($.nodes[0].nodeType): found "RPC", allowed local, rpc, fork, join, decision, loop, link, terminate; did you mean "rpc"?
            order.json:5:60: slowAfterMs is not a whole number in its range ($.nodes[1].slowAfterMs): found 1.5, allowed a whole number of milliseconds from 1 to 9007199254740991
            order.json:5:77: optional is a text ($.nodes[1].optional): found a text "yes", allowed true or false
            order.json:5:93: title is empty ($.nodes[1].title): found the empty text, allowed some text, or no title at all
            order.json:6:100: a branch of a fork is an object ($.nodes[2].forkNodes[1]): found an object, allowed an array of nodes
            order.json:7:66: the join waits for "b2", which is no node of this link ($.nodes[3].joinOnList[1]): found "b2", allowed names of nodes of the same list of nodes; did you mean "A2"?
            order.json:7:72: a join that waits for itself never ends ($.nodes[3].joinOnList[2]): found "Join", allowed names of other nodes
            order.json:7:80: the join names "B" twice ($.nodes[3].joinOnList[3]): found "B", allowed each name once
            order.json:7:85: an entry of joinOnList is a number ($.nodes[3].joinOnList[4]): found a number 7, allowed the name of a node
            order.json:8:18: two nodes are named "B" ($.nodes[4].nodeName): found "B", allowed a name no other node of this link has; first at 6:74
            order.json:8:74: the key "x" is given twice ($.nodes[4].decisionCases.x): found "x", allowed each key once; first at 8:65
            order.json:8:86: loopNodes does not belong to a node of type decision ($.nodes[4].loopNodes): found "loopNodes", allowed decisionCases, defaultCase
            order.json:8:99: a loop without nodes ($.nodes[4].loopNodes): found [], allowed at least one node that is repeated
            order.json:9:55: a definition that names itself: its link would run within itself without end ($.nodes[5].subScene): found "order", allowed the scene id of another definition; a part that repeats is a loop
            order.json:10:18: two nodes are named "L" ($.nodes[6].nodeName): found "L", allowed a name no other node of this link has; first at 9:18
            order.json:10:56: a loop without nodes ($.nodes[6].loopNodes): found [], allowed at least one node that is repeated
            order.json:11:18: nodeName is empty ($.nodes[7].nodeName): found the empty text, allowed 1 to 128 bytes of text
            order.json:11:55: a fork without branches ($.nodes[7].forkNodes): found [], allowed at least one branch
            order.json:12:64: a decision without cases ($.nodes[8]): found {}, allowed at least one case, or a defaultCase
            order.json:13:5: a link without subScene ($.nodes[9]): found an object with "nodeName", "nodeType", allowed subScene: the scene id of another definition
            order.json:14:5: a node is a text ($.nodes[10]): found a text "G", allowed an object with nodeName and nodeType
            order.json:16:25: when is empty ($.variants[0].when): found {}, allowed at least one meta value; what runs otherwise stands in nodes
            order.json:16:38: a link without nodes ($.variants[0].nodes): found [], allowed at least one node
            order.json:16:114: a variant without nodes ($.variants[2]): found an object with "when", allowed nodes: an array of nodes
            order.json:16:123: this variant can never be chosen: an earlier one has the same condition ($.variants[2].when): found {"a": "1"}, allowed a condition no earlier variant has; first at 16:52
            order.json:17:3: the key "nodes" is given twice ($.nodes): found "nodes", allowed each key once; first at 3:3
        "#]],
    );
}

#[test]
fn slips_of_notation_are_listed_beside_the_rest() {
    check(
        "slips.json",
        "// a remark\n[{'nodeName': \"A\", nodeType: \"rcp\",} {\"nodeName\": \"B\nC\", \"nodeType\": \"rpc\", \"slowAfterMs\": 0x10},]",
        expect![[r#"
            slips.json:1:1: JSON has no comments ($): found // a remark, allowed no comment; a node has description for remarks
            slips.json:2:3: a text in single quotes ($): found 'nodeName', allowed a text in double quotes
            slips.json:2:20: a key without double quotes ($): found nodeType, allowed a key in double quotes
            slips.json:2:30: "rcp" is not a node type ($[0].nodeType): found "rcp", allowed local, rpc, fork, join, decision, loop, link, terminate; did you mean "rpc"?
            slips.json:2:35: a comma before the closing bracket ($): found ",", allowed no comma after the last entry
            slips.json:2:38: a comma is missing before this ($): found {, allowed "," between two entries
            slips.json:2:53: a control character inside a text ($): found U+000A, allowed \u000a, or \n, \r, \t
            slips.json:3:39: not a JSON number ($): found 0x10, allowed a decimal number such as 0, -12 or 1.5e3
            slips.json:3:39: slowAfterMs is not a whole number in its range ($[1].slowAfterMs): found 0x10, allowed a whole number of milliseconds from 1 to 9007199254740991
            slips.json:3:44: a comma before the closing bracket ($): found ",", allowed no comma after the last entry
        "#]],
    );
}

#[test]
fn every_problem_of_an_xml_file_is_listed() {
    check(
        "order.xml",
        r#"<definition sceneId="order" lnkName="x">
  <rcp nodeName="A"/>
  <rpc nodeName="A" slowAfterMs="-1" optional="yes" subScene="q">words</rpc>
  <fork nodeName="Fork">
    <branch><local nodeName="B"/></branch>
    <rpc nodeName="C"/>
  </fork>
  <fork nodeName="Fork"/>
  <join nodeName="Join"><on nodeName="B"/><on nodeName="D"/><on/></join>
  <decision nodeName="D1"/>
  <decision nodeName="D2"><case value="t"/><case value="t"/><default/><default/></decision>
  <loop nodeName="L"/>
  <link nodeName="M" subScene="order"/>
  <link nodeName="N"/>
  <variant><rpc nodeName="A"/></variant>
  <variant><when key="a" value="1"/><when key="a" value="2"/></variant>
</definition>"#,
        expect![[r#"
            order.xml:1:29: "lnkName" is not an attribute of definition (/definition/@lnkName): found "lnkName", allowed sceneId, linkName, description, version; did you mean "linkName"?
            order.xml:2:3: "rcp" is not an element that may stand here (/definition/rcp[1]): found "rcp", allowed local, rpc, fork, join, decision, loop, link, terminate, variant; did you mean "rpc"?
            order.xml:3:34: slowAfterMs is not a whole number in its range (/definition/rpc[1]/@slowAfterMs): found -1, allowed a whole number of milliseconds from 1 to 9007199254740991
            order.xml:3:48: optional is neither true nor false (/definition/rpc[1]/@optional): found "yes", allowed true or false
            order.xml:3:53: "subScene" is not an attribute of rpc (/definition/rpc[1]/@subScene): found "subScene", allowed nodeName, title, description, service, slowAfterMs, optional, minor, dynamic
            order.xml:3:66: text between the elements (/definition/rpc[1]): found "words", allowed elements and comments; everything is said in attributes
            order.xml:6:5: "rpc" is not an element that may stand in fork (/definition/fork[1]/rpc[1]): found "rpc", allowed branch
            order.xml:8:3: a fork without branches (/definition/fork[2]): found no branch, allowed at least one branch
            order.xml:8:19: two nodes are named "Fork" (/definition/fork[2]/@nodeName): found "Fork", allowed a name no other node of this link has; first at 4:19
            order.xml:9:57: the join waits for "D", which is no node of this link (/definition/join[1]/on[2]/@nodeName): found "D", allowed names of nodes of the same list of nodes; did you mean "D1"?
            order.xml:9:61: a on without nodeName (/definition/join[1]/on[3]): found <on> without it, allowed nodeName="...": the name of a node
            order.xml:10:3: a decision without cases (/definition/decision[1]): found no case, allowed at least one case, or a default
            order.xml:11:57: the case "t" is given twice (/definition/decision[2]/case[2]/@value): found "t", allowed each case once; first at 11:40
            order.xml:11:71: a second default (/definition/decision[2]/default[2]): found default, allowed one default at most
            order.xml:12:3: a loop without nodes (/definition/loop[1]): found no node, allowed at least one node that is repeated
            order.xml:13:32: a definition that names itself: its link would run within itself without end (/definition/link[1]/@subScene): found "order", allowed the scene id of another definition; a part that repeats is a loop
            order.xml:14:3: a link without subScene (/definition/link[2]): found <link> without it, allowed subScene="...": the scene id of another definition
            order.xml:15:3: a variant without when (/definition/variant[1]): found no when element, allowed at least one <when key="..." value="..."/>; what runs otherwise stands beside the variants
            order.xml:16:3: a link without nodes (/definition/variant[2]): found no node element, allowed at least one node
            order.xml:16:48: the meta key "a" is given twice (/definition/variant[2]/when[2]/@key): found "a", allowed each key once; first at 16:23
        "#]],
    );
}

#[test]
fn the_pretty_form_underlines_the_place() {
    let text = "[\n  {\"nodName\": \"A\", \"nodeType\": \"rpc\"},\n  {\"nodeName\": \"A\", \"nodeType\": \"rpc\"},\n  {\"nodeName\": \"A\", \"nodeType\": \"rpc\"}\n]\n";
    let problems = parse("a.json", "scene", text.as_bytes()).expect_err("the definition is broken");
    expect![[r#"
        error: a node without nodeName
         --> a.json:2:3
          |
        2 |   {"nodName": "A", "nodeType": "rpc"},
          |   ^
          |
          = found: an object with "nodName", "nodeType"
          = allowed: nodeName: 1 to 128 bytes of text
          = path: $[0]

        error: "nodName" is not a key of a node
         --> a.json:2:4
          |
        2 |   {"nodName": "A", "nodeType": "rpc"},
          |    ^^^^^^^^^ did you mean "nodeName"?
          |
          = found: "nodName"
          = allowed: nodeName, nodeType, title, description, service, slowAfterMs, optional, minor, dynamic, forkNodes, joinOnList, decisionCases, defaultCase, loopNodes, subScene
          = path: $[0].nodName

        error: two nodes are named "A"
         --> a.json:4:16
          |
        4 |   {"nodeName": "A", "nodeType": "rpc"}
          |                ^^^ first at 3:16
          |
          = found: "A"
          = allowed: a name no other node of this link has
          = path: $[2].nodeName
    "#]].assert_eq(&render_problems(&problems, text.as_bytes(), false));
}

#[test]
fn escapes_of_characters_beyond_the_first_plane_come_in_pairs() {
    let named = |name: &str| {
        let text = format!("[{{\"nodeName\": \"{name}\", \"nodeType\": \"rpc\"}}]");
        parse("a.json", "scene", text.as_bytes()).map(|definition| definition.nodes[0].name.clone())
    };
    assert_eq!(named(r"\ud83d\ude00").as_deref(), Ok("\u{1f600}"));
    for broken in [r"\ud83d", r"\ude00", r"\ud83d\ud83d", r"\ud83dx", r"\u12", r"\u12g4", r"\"] {
        assert!(named(broken).is_err(), "{broken}");
    }
}

#[test]
fn files_of_windows_editors_are_read() {
    let text = "\u{feff}[\r\n\t{\"nodeName\": \"A\", \"nodeType\": \"rpc\"},\r\n\t{\"nodeName\": \"\u{e9}\u{e9}\", \"nodeType\": \"rcp\"}\r\n]\r\n";
    check(
        "bom.json",
        text,
        expect![[r#"
        bom.json:3:33: "rcp" is not a node type ($[1].nodeType): found "rcp", allowed local, rpc, fork, join, decision, loop, link, terminate; did you mean "rpc"?
    "#]],
    );
    let problems = parse("bom.json", "scene", text.as_bytes()).expect_err("the definition is broken");
    expect![[r#"
        error: "rcp" is not a node type
         --> bom.json:3:33
          |
        3 |     {"nodeName": "éé", "nodeType": "rcp"}
          |                                    ^^^^^ did you mean "rpc"?
          |
          = found: "rcp"
          = allowed: local, rpc, fork, join, decision, loop, link, terminate
          = path: $[1].nodeType
    "#]]
    .assert_eq(&render_problems(&problems, text.as_bytes(), false));
    assert!(
        parse(
            "bom.xml",
            "s",
            "\u{feff}<?xml version='1.0'?>\r\n<definition><rpc nodeName='A'/></definition>".as_bytes()
        )
        .is_ok()
    );
}

#[test]
fn a_file_that_is_no_definition_has_one_clear_problem() {
    check(
        "empty.json",
        "",
        expect![[r#"
        empty.json:1:1: there is no definition in this file ($): found nothing, allowed an array of nodes, or an object with nodes
    "#]],
    );
    check(
        "space.json",
        " \n",
        expect![[r#"
        space.json:2:1: there is no definition in this file ($): found nothing, allowed an array of nodes, or an object with nodes
    "#]],
    );
    check(
        "number.json",
        "7",
        expect![[r#"
        number.json:1:1: the definition is a number ($): found a number 7, allowed an array of nodes, or an object with nodes
    "#]],
    );
    check(
        "null.json",
        "{\"nodes\": null}",
        expect![[r#"
            null.json:1:11: nodes is null ($.nodes): found null, allowed an array of nodes; an optional key is left out instead
        "#]],
    );
    check(
        "half.json",
        "[{\"nodeName\": \"A\", \"nodeType\": \"rpc\"},\n",
        expect![[r#"
        half.json:1:1: not JSON: unterminated array ($): found [{"nodeName": "A", "nodeType": "rpc"},\n, allowed JSON (RFC 8259)
    "#]],
    );
    check(
        "two.json",
        "[] []",
        expect![[r#"
        two.json:1:4: not JSON: text cannot contain more than one JSON value ($): found [, allowed JSON (RFC 8259)
    "#]],
    );
    check(
        "half.xml",
        "<definition>\n  <rpc nodeName=\"A\"/>\n",
        expect![[r#"
            half.xml:3:1: not XML: the root node was opened but never closed (/): found the end of the line, allowed well-formed XML 1.0
        "#]],
    );
    check(
        "crossed.xml",
        "<definition>\n  <rpc nodeName=\"A\"></definition>",
        expect![[r#"
            crossed.xml:2:21: not XML: expected 'rpc' tag, not 'definition' (/): found </definition>, allowed well-formed XML 1.0
        "#]],
    );
    check(
        "dtd.xml",
        "<!DOCTYPE d [<!ENTITY a \"b\">]>\n<definition/>",
        expect![[r#"
            dtd.xml:1:1: not XML: XML with DTD detected (/): found <!DOCTYPE d [<!ENTITY a "b">]>, allowed XML 1.0 without a document type
        "#]],
    );
    check(
        "other.xml",
        "<workflow/>",
        expect![[r#"
        other.xml:1:1: the root element is "workflow" (/workflow): found "workflow", allowed definition
    "#]],
    );
    check(
        "nul.json",
        "[\0]",
        expect![[r#"
        nul.json:1:2: not JSON: unexpected token ($): found \u{0}, allowed JSON (RFC 8259)
    "#]],
    );
}
