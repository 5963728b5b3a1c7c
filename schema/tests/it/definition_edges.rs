//! Which node follows which: one table for every rule of `plan_edges`.

use expect_test::{Expect, expect};
use linkloom_schema::definition::{parse, plan_edges};

/// `nodes` is the inside of an XML definition.
#[track_caller]
fn check(nodes: &str, want: Expect) {
    let text = format!("<definition>{nodes}</definition>");
    let definition = parse("edges.xml", "edges", text.as_bytes()).expect("a definition");
    let shown: String = plan_edges(&definition.nodes)
        .iter()
        .map(|edge| {
            let label = edge.label.map(|label| format!(" [{label}]")).unwrap_or_default();
            format!("{} -> {}{label} {:?}\n", edge.from, edge.to, edge.kind)
        })
        .collect();
    want.assert_eq(&shown);
}

#[test]
fn nodes_of_a_list_follow_one_another() {
    check(
        r#"<rpc nodeName="A"/><local nodeName="B"/><link nodeName="C" subScene="other"/>"#,
        expect![[r#"
            A -> B Serial
            B -> C Serial
        "#]],
    );
}

#[test]
fn a_fork_opens_branches_and_the_join_closes_those_it_names() {
    check(
        r#"<fork nodeName="F"><branch><rpc nodeName="A"/><rpc nodeName="B"/></branch><branch><rpc nodeName="C"/></branch>
           <branch/></fork><join nodeName="J"/><rpc nodeName="Z"/>"#,
        expect![[r#"
            F -> A Branch
            A -> B Serial
            F -> C Branch
            B -> J Serial
            C -> J Serial
            F -> J Branch
            J -> Z Serial
        "#]],
    );
    // A name in the middle of its branch, and a branch nobody waits for.
    check(
        r#"<fork nodeName="F"><branch><rpc nodeName="A"/><rpc nodeName="B"/></branch><branch><rpc nodeName="C"/></branch>
           </fork><join nodeName="J"><on nodeName="A"/></join>"#,
        expect![[r#"
            F -> A Branch
            A -> B Serial
            F -> C Branch
            B -> J Serial
        "#]],
    );
    // Something stands between the fork and the join.
    check(
        r#"<fork nodeName="F"><branch><rpc nodeName="A"/></branch><branch><rpc nodeName="B"/></branch></fork>
           <rpc nodeName="M"/><join nodeName="J"><on nodeName="A"/></join>"#,
        expect![[r#"
            F -> A Branch
            F -> B Branch
            A -> M Serial
            B -> M Serial
            M -> J Serial
        "#]],
    );
}

#[test]
fn a_join_may_wait_for_another_branch() {
    check(
        r#"<fork nodeName="F"><branch><rpc nodeName="A"/><rpc nodeName="B"/></branch>
           <branch><rpc nodeName="C"/><join nodeName="J"><on nodeName="A"/><on nodeName="C"/></join><rpc nodeName="D"/></branch></fork>
           <rpc nodeName="Z"/>"#,
        expect![[r#"
            F -> A Branch
            A -> B Serial
            F -> C Branch
            C -> J Serial
            J -> D Serial
            B -> Z Serial
            D -> Z Serial
            A -> J Wait
        "#]],
    );
}

#[test]
fn a_decision_labels_its_cases() {
    check(
        r#"<decision nodeName="D"><case value="a"><rpc nodeName="A"/><rpc nodeName="B"/></case><case value="b"/>
           <default><rpc nodeName="C"/></default></decision><rpc nodeName="Z"/>"#,
        expect![[r#"
            D -> A [a] Case
            A -> B Serial
            D -> C [default] Default
            B -> Z Serial
            D -> Z [b] Case
            C -> Z Serial
        "#]],
    );
    // Without a default no case may match; true and false leave nothing between them.
    check(
        r#"<decision nodeName="D"><case value="a"><rpc nodeName="A"/></case></decision>
           <decision nodeName="E"><case value="true"><rpc nodeName="B"/></case><case value="false"/></decision>
           <decision nodeName="G"><default/></decision><rpc nodeName="Z"/>"#,
        expect![[r#"
            D -> A [a] Case
            A -> E Serial
            D -> E FallThrough
            E -> B [true] Case
            B -> G Serial
            E -> G [false] Case
            G -> Z [default] Default
        "#]],
    );
    // An empty last case ends at the decision.
    check(
        r#"<decision nodeName="D"><case value="true"><rpc nodeName="A"/></case><case value="false"/></decision>"#,
        expect![[r#"
            D -> A [true] Case
        "#]],
    );
}

#[test]
fn a_loop_leads_back_from_the_end_of_its_body() {
    check(
        r#"<loop nodeName="L"><rpc nodeName="A"/><decision nodeName="D"><case value="more"/><case value="fix"><rpc nodeName="B"/></case>
           </decision></loop><rpc nodeName="Z"/>"#,
        expect![[r#"
            L -> A Body
            A -> D Serial
            D -> B [fix] Case
            D -> L [more] Again
            B -> L [again] Again
            D -> L [again] Again
            L -> Z Serial
        "#]],
    );
}

#[test]
fn nothing_follows_a_terminate() {
    check(
        r#"<decision nodeName="D"><case value="stop"><terminate nodeName="T"/></case><default><rpc nodeName="A"/></default></decision>
           <fork nodeName="F"><branch><terminate nodeName="U"/></branch><branch><rpc nodeName="B"/></branch></fork>
           <join nodeName="J"/><terminate nodeName="V"/><rpc nodeName="unreached"/>"#,
        expect![[r#"
            D -> T [stop] Case
            D -> A [default] Default
            A -> F Serial
            F -> U Branch
            F -> B Branch
            B -> J Serial
            J -> V Serial
        "#]],
    );
}

#[test]
fn blocks_in_blocks() {
    check(
        r#"<loop nodeName="L"><fork nodeName="F"><branch><decision nodeName="D"><case value="x"><rpc nodeName="A"/></case>
           <default/></decision></branch><branch><fork nodeName="G"><branch><rpc nodeName="B"/></branch><branch/></fork></branch></fork>
           <join nodeName="J"><on nodeName="A"/><on nodeName="B"/></join></loop>"#,
        expect![[r#"
            L -> F Body
            F -> D Branch
            D -> A [x] Case
            F -> G Branch
            G -> B Branch
            A -> J Serial
            D -> J [default] Default
            B -> J Serial
            G -> J Branch
            J -> L [again] Again
        "#]],
    );
}
