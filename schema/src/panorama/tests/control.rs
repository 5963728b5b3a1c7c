//! Decisions, forks and joins, terminate and link nodes.

use expect_test::expect;

use super::*;

const DECISION: &str = "A; D=if{yes: B; B2 | no: C | none: }; Z";

#[test]
fn the_reported_case_counts() {
    check(
        DECISION,
        "0 A done\n 1 D done case=no",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=no
          B not_taken: D chose no
          B2 not_taken: D chose no
          C not_reached
          Z not_reached
          taken: A>D
          not taken: D>B[yes] D>Z[none] D>Z[otherwise] B>B2 B2>Z
          open: D>C[no] C>Z
    "#]],
    );
    check(
        DECISION,
        "0 A done\n 1 D done case=yes\n 2 B done\n 3 B2 start",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=yes
          B completed
          B2 running
          C not_taken: D chose yes
          Z not_reached
          taken: A>D D>B[yes] B>B2
          not taken: D>C[no] D>Z[none] D>Z[otherwise] C>Z
          open: B2>Z
    "#]],
    );
}

#[test]
fn the_latest_run_of_a_decision_counts() {
    check(
        DECISION,
        "0 D done case=no\n 1 C done\n 2 D done case=yes",
        LIVE,
        expect![[r#"
        running
          A missing
          D completed case=yes
          B not_reached
          B2 not_reached
          C completed
          Z not_reached
          taken: A>D D>C[no]
          not taken: D>Z[none] D>Z[otherwise]
          open: D>B[yes] B>B2 B2>Z C>Z
          ! both_cases_ran D: D chose yes, and nodes of no ran
    "#]],
    );
}

#[test]
fn the_case_is_inferred_from_what_ran() {
    check(
        DECISION,
        "0 A done\n 2 C start",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=no(inferred)
          B not_taken: D chose no (inferred)
          B2 not_taken: D chose no (inferred)
          C running
          Z not_reached
          taken: A>D D>C[no]
          not taken: D>B[yes] D>Z[none] D>Z[otherwise] B>B2 B2>Z
          open: C>Z
    "#]],
    );
    check(
        DECISION,
        "0 A done\n 1 D done\n 2 B2 done",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=yes(inferred)
          B missing
          B2 completed
          C not_taken: D chose yes (inferred)
          Z not_reached
          taken: A>D D>B[yes] B>B2
          not taken: D>C[no] D>Z[none] D>Z[otherwise] C>Z
          open: B2>Z
    "#]],
    );
}

#[test]
fn an_empty_case_is_inferred_from_what_came_after() {
    check(
        DECISION,
        "0 A done\n 9 Z done",
        LIVE,
        expect![[r#"
        completed
          A completed
          D completed case=none(inferred)
          B not_taken: D chose none (inferred)
          B2 not_taken: D chose none (inferred)
          C not_taken: D chose none (inferred)
          Z completed
          taken: A>D D>Z[none]
          not taken: D>B[yes] D>C[no] D>Z[otherwise] B>B2 B2>Z C>Z
    "#]],
    );
}

#[test]
fn no_match_and_no_default_falls_through() {
    check(
        "D=if{yes: B | no: C}; Z",
        "0 D done case=maybe\n 9 Z done",
        LIVE,
        expect![[r#"
        completed
          D completed case=maybe
          B not_taken: D chose maybe, which is none of its cases
          C not_taken: D chose maybe, which is none of its cases
          Z completed
          taken: D>Z[otherwise]
          not taken: D>B[yes] D>C[no] B>Z C>Z
          ! unknown_case D: D chose maybe; its cases are yes, no
    "#]],
    );
    check(
        "D=if{yes: B | no: C}",
        "0 D done case=maybe",
        LIVE,
        expect![[r#"
        completed
          D completed case=maybe
          B not_taken: D chose maybe, which is none of its cases
          C not_taken: D chose maybe, which is none of its cases
          not taken: D>B[yes] D>C[no]
          ! unknown_case D: D chose maybe; its cases are yes, no
    "#]],
    );
}

#[test]
fn the_default_takes_what_no_case_names() {
    check(
        "D=if{yes: B | *: C}; Z",
        "0 D done case=maybe\n 1 C start",
        LIVE,
        expect![[r#"
        running
          D completed case=maybe
          B not_taken: D chose maybe: default
          C running
          Z not_reached
          taken: D>C[default]
          not taken: D>B[yes] B>Z
          open: C>Z
    "#]],
    );
    check(
        "D=if{yes: B | *: C}; Z",
        "1 C start",
        LIVE,
        expect![[r#"
        running
          D completed case=default(inferred)
          B not_taken: D chose default (inferred)
          C running
          Z not_reached
          taken: D>C[default]
          not taken: D>B[yes] B>Z
          open: C>Z
    "#]],
    );
}

#[test]
fn passed_and_no_case_known() {
    check(
        "A; D=if{yes: B | *: C}; Z",
        "0 A done\n 9 Z done",
        LIVE,
        expect![[r#"
            completed
              A completed
              D completed
              B missing
              C missing
              Z completed
              taken: A>D
              open: D>B[yes] D>C[default] B>Z C>Z
              ! unknown_case D: the flow went past D, and none of its cases ran
        "#]],
    );
}

#[test]
fn both_cases_ran() {
    check(
        DECISION,
        "0 B done\n 1 C done",
        LIVE,
        expect![[r#"
        running
          A missing
          D completed case=no(inferred)
          B completed
          B2 not_taken: D chose no (inferred)
          C completed
          Z not_reached
          taken: A>D D>B[yes] D>C[no]
          not taken: D>Z[none] D>Z[otherwise] B>B2 B2>Z
          open: C>Z
          ! both_cases_ran D: nodes of several cases of D ran: yes, no
    "#]],
    );
    check(
        DECISION,
        "0 D done case=no\n 1 B done",
        LIVE,
        expect![[r#"
        running
          A missing
          D completed case=no
          B completed
          B2 not_taken: D chose no
          C not_reached
          Z not_reached
          taken: A>D D>B[yes]
          not taken: D>Z[none] D>Z[otherwise] B>B2 B2>Z
          open: D>C[no] C>Z
          ! both_cases_ran D: D chose no, and nodes of yes ran
    "#]],
    );
}

#[test]
fn an_empty_last_case_ends_at_the_decision() {
    check(
        "A; D=if{yes: B | no: }",
        "0 A done\n 1 D done case=no",
        LIVE,
        expect![[r#"
        completed
          A completed
          D completed case=no
          B not_taken: D chose no
          taken: A>D
          not taken: D>B[yes]
    "#]],
    );
}

#[test]
fn an_empty_last_case_is_inferred_in_silence_only() {
    for script in ["0 A done", "0 A done\n 1 D done"] {
        check_both("A; D=if{yes: B | no: }", script);
    }
}

#[track_caller]
fn check_both(plan: &str, script: &str) {
    let live = draw(Some(plan), script, LIVE);
    let silent = draw(Some(plan), script, SILENT);
    assert!(live.starts_with("running\n"), "{live}");
    assert!(live.contains("B not_reached"), "{live}");
    assert!(silent.starts_with("completed\n"), "{silent}");
    assert!(silent.contains("D completed case=no(inferred)"), "{silent}");
    assert!(silent.contains("B not_taken: D chose no (inferred)"), "{silent}");
}

#[test]
fn silence_infers_no_case_when_more_must_come() {
    check(
        "A; D=if{yes: B | no: }; Z",
        "0 A done\n 1 D done",
        SILENT,
        expect![[r#"
        stalled
          A completed
          D completed
          B not_reached
          Z not_reached
          taken: A>D
          open: D>B[yes] D>Z[no] D>Z[otherwise] B>Z
    "#]],
    );
    check(
        "F=fork{A; D=if{yes: B | no: } | C}; J=join; Z",
        "0 A done\n 1 C done",
        SILENT,
        expect![[r#"
        stalled
          F completed
          A completed
          D not_reached
          B not_reached
          C completed
          J not_reached
          Z not_reached
          taken: F>A F>C
          open: A>D D>B[yes] D>J[no] D>J[otherwise] B>J C>J J>Z
    "#]],
    );
}

#[test]
fn a_failed_decision() {
    check(
        DECISION,
        "0 A done\n 1 D fail",
        LIVE,
        expect![[r#"
        failed
          A completed
          D failed
          B not_reached
          B2 not_reached
          C not_reached
          Z not_reached
          taken: A>D
          open: D>B[yes] D>C[no] D>Z[none] D>Z[otherwise] B>B2 B2>Z C>Z
    "#]],
    );
}

#[test]
fn nested_fork_in_decision_in_loop() {
    check(
        "A; L=loop{B; D=if{go: F=fork{G | H; I}; J=join(G,I) | stop: K}}; Z",
        "
        0 A done
        1 B done
        2 G start
        3 H done
        4 G done
        ",
        LIVE,
        expect![[r#"
            running
              A completed
              L running rounds=1
              B completed
              D completed case=go(inferred)
              F completed
              G completed
              H completed
              I not_reached
              J not_reached
              K not_taken: D chose go (inferred)
              Z not_reached
              taken: A>L L>B B>D D>F[go] F>G F>H
              not taken: D>K[stop] K>L[again]
              open: L>Z D>L[again] G>J H>I I>J J>L[again]
        "#]],
    );
}

#[test]
fn control_nodes_that_report_say_their_own_state() {
    check(
        "F=fork{A | B}; J=join; Z",
        "0 F start\n 1 F done\n 2 A done\n 3 B done\n 4 J start",
        LIVE,
        expect![[r#"
            running
              F completed
              A completed
              B completed
              J running
              Z not_reached
              taken: F>A F>B A>J B>J
              open: J>Z
        "#]],
    );
    check(
        "F=fork{A | B}; J=join; Z",
        "0 F fail",
        LIVE,
        expect![[r#"
        failed
          F failed
          A not_reached
          B not_reached
          J not_reached
          Z not_reached
          open: F>A F>B A>J B>J J>Z
    "#]],
    );
}

#[test]
fn a_join_does_not_wait_for_branches_it_does_not_name() {
    let plan = "F=fork{A | B; B2}; J=join(A); Z";
    check(
        plan,
        "0 A done\n 5 Z done",
        LIVE,
        expect![[r#"
        running
          F completed
          A completed
          B not_reached
          B2 not_reached
          J completed
          Z completed
          taken: F>A A>J J>Z
          open: F>B B>B2
    "#]],
    );
    check(
        plan,
        "0 A done\n 1 B done\n 2 B2 done\n 5 Z done",
        LIVE,
        expect![[r#"
        completed
          F completed
          A completed
          B completed
          B2 completed
          J completed
          Z completed
          taken: F>A F>B A>J B>B2 J>Z
    "#]],
    );
    check(
        plan,
        "0 A done\n 1 B fail\n 5 Z done",
        LIVE,
        expect![[r#"
        failed
          F completed
          A completed
          B failed
          B2 not_reached
          J completed
          Z completed
          taken: F>A F>B A>J J>Z
          open: B>B2
    "#]],
    );
}

#[test]
fn a_join_waits_for_a_decision_as_a_whole() {
    check(
        "F=fork{A | D=if{x: B | y: C}}; J=join(A,D); Z",
        "0 A done\n 1 C done",
        LIVE,
        expect![[r#"
        running
          F completed
          A completed
          D completed case=y(inferred)
          B not_taken: D chose y (inferred)
          C completed
          J completed
          Z not_reached
          taken: F>A F>D A>J D>C[y] C>J
          not taken: D>B[x] D>J[otherwise] B>J
          open: J>Z
    "#]],
    );
}

#[test]
fn a_fork_at_the_end_without_join() {
    check(
        "A; F=fork{B | C}",
        "0 A done\n 1 B done",
        LIVE,
        expect![[r#"
        running
          A completed
          F completed
          B completed
          C not_reached
          taken: A>F F>B
          open: F>C
    "#]],
    );
    check(
        "A; F=fork{B | C}",
        "0 A done\n 1 B done\n 1 C done",
        LIVE,
        expect![[r#"
        completed
          A completed
          F completed
          B completed
          C completed
          taken: A>F F>B F>C
    "#]],
    );
}

#[test]
fn a_fork_inside_a_fork_with_an_empty_branch() {
    check(
        "F=fork{ | G=fork{A | B}; H}; Z",
        "0 A done\n 1 B done\n 2 H done",
        LIVE,
        expect![[r#"
        running
          F completed
          G completed
          A completed
          B completed
          H completed
          Z not_reached
          taken: F>G G>A G>B A>H B>H
          open: F>Z H>Z
    "#]],
    );
}

const TERMINATE: &str = "A; D=if{reject: B; End=end | pass: C}; Z";

#[test]
fn terminate_ends_the_link() {
    check(
        TERMINATE,
        "0 A done\n 1 D done case=reject\n 2 B done",
        LIVE,
        expect![[r#"
        completed
          A completed
          D completed case=reject
          B completed
          End completed
          C not_taken: D chose reject
          Z not_taken: End ended the link
          taken: A>D D>B[reject] B>End
          not taken: D>C[pass] D>Z[otherwise] C>Z
    "#]],
    );
    check(
        TERMINATE,
        "0 A done\n 1 D done case=reject\n 2 B start",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=reject
          B running
          End not_reached
          C not_taken: D chose reject
          Z not_reached
          taken: A>D D>B[reject]
          not taken: D>C[pass] D>Z[otherwise] C>Z
          open: B>End
    "#]],
    );
    check(
        TERMINATE,
        "0 A done\n 1 D done case=reject\n 2 B fail",
        LIVE,
        expect![[r#"
        failed
          A completed
          D completed case=reject
          B failed
          End not_reached
          C not_taken: D chose reject
          Z not_reached
          taken: A>D D>B[reject]
          not taken: D>C[pass] D>Z[otherwise] C>Z
          open: B>End
    "#]],
    );
    check(
        TERMINATE,
        "0 A done\n 1 D done case=pass\n 2 C done",
        LIVE,
        expect![[r#"
        running
          A completed
          D completed case=pass
          B not_taken: D chose pass
          End not_taken: D chose pass
          C completed
          Z not_reached
          taken: A>D D>C[pass]
          not taken: D>B[reject] D>Z[otherwise] B>End
          open: C>Z
    "#]],
    );
}

#[test]
fn terminate_as_a_whole_case() {
    check(
        "A; D=if{stop: End=end | go: }; Z",
        "0 A done\n 1 D done case=stop",
        LIVE,
        expect![[r#"
        completed
          A completed
          D completed case=stop
          End completed
          Z not_taken: End ended the link
          taken: A>D D>End[stop]
          not taken: D>Z[go] D>Z[otherwise]
    "#]],
    );
}

#[test]
fn terminate_waits_for_open_runs_elsewhere() {
    check(
        "F=fork{A; End=end | B}; Z",
        "0 A done\n 1 B start",
        LIVE,
        expect![[r#"
        running
          F completed
          A completed
          End completed
          B running
          Z not_taken: End ended the link
          taken: F>A F>B A>End
          not taken: B>Z
    "#]],
    );
    check(
        "F=fork{A; End=end | B}; Z",
        "0 A done\n 1 End done",
        LIVE,
        expect![[r#"
        completed
          F completed
          A completed
          End completed
          B not_taken: End ended the link
          Z not_taken: End ended the link
          taken: F>A A>End
          not taken: F>B B>Z
    "#]],
    );
}

const LINK: &str = "A; Sub=link(audit); B";

#[test]
fn a_link_node_is_as_its_execution_is() {
    for (status, want) in [
        (ExecutionStatus::Completed, "completed"),
        (ExecutionStatus::Failed, "failed"),
        (ExecutionStatus::Running, "running"),
        (ExecutionStatus::Stalled, "stalled"),
    ] {
        let subs = [("audit", "this", status), ("audit", "task-9", ExecutionStatus::Stalled)];
        let drawn = draw(Some(LINK), "0 A done", Setting { subs: &subs, ..LIVE });
        assert!(drawn.contains(&format!("Sub {want}\n")), "{drawn}");
    }
}

#[test]
fn a_link_node_names_another_execution() {
    let subs = [("audit", "this", ExecutionStatus::Completed), ("audit", "task-9", ExecutionStatus::Failed)];
    let setting = Setting { subs: &subs, ..LIVE };
    check(
        LINK,
        "0 A done\n 1 Sub start sub=task-9",
        setting,
        expect![[r#"
        failed
          A completed
          Sub failed
          B not_reached
          taken: A>Sub
          open: Sub>B
    "#]],
    );
}

#[test]
fn only_a_link_node_itself_reports() {
    check(
        LINK,
        "0 A done\n 1 Sub start sub=task-9",
        LIVE,
        expect![[r#"
        running
          A completed
          Sub running
          B not_reached
          taken: A>Sub
          open: Sub>B
    "#]],
    );
    check(
        LINK,
        "0 A done\n 5 B done",
        LIVE,
        expect![[r#"
        completed
          A completed
          Sub missing
          B completed
          taken: A>Sub Sub>B
    "#]],
    );
}

#[test]
fn the_execution_behind_a_link_proves_that_the_flow_came_there() {
    let subs = [("audit", "this", ExecutionStatus::Running)];
    check(
        LINK,
        "",
        Setting { subs: &subs, ..LIVE },
        expect![[r#"
        running
          A missing
          Sub running
          B not_reached
          taken: A>Sub
          open: Sub>B
    "#]],
    );
}
