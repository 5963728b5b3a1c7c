//! Every state of a step, and the status of the execution.

use expect_test::expect;

use super::*;

/// The link of the contract: A; B and C at once; a join; D decides E or F.
const SAMPLE: &str = "A; Fork=fork{B | C}; Join=join(B,C); D=if{true: E | false: F}";

#[test]
fn nothing_reported_yet() {
    check(
        SAMPLE,
        "",
        LIVE,
        expect![[r#"
        running
          A not_reached
          Fork not_reached
          B not_reached
          C not_reached
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          open: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
    check(
        SAMPLE,
        "",
        SILENT,
        expect![[r#"
        stalled
          A not_reached
          Fork not_reached
          B not_reached
          C not_reached
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          open: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
}

#[test]
fn all_well() {
    check(
        SAMPLE,
        "
        0 A start
        10 A done
        11 B start
        12 C start
        20 B done
        30 C done
        31 D start
        32 D done case=true
        33 E start
        40 E done
        ",
        LIVE,
        expect![[r#"
            completed
              A completed
              Fork completed
              B completed
              C completed
              Join completed
              D completed case=true
              E completed
              F not_taken: D chose true
              taken: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true]
              not taken: D>F[false]
        "#]],
    );
}

#[test]
fn one_branch_still_runs() {
    let script = "
        0 A start
        10 A done
        11 B start
        12 C start
        20 B done
        ";
    check(
        SAMPLE,
        script,
        LIVE,
        expect![[r#"
        running
          A completed
          Fork completed
          B completed
          C running
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          taken: A>Fork Fork>B Fork>C
          open: B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
    check(
        SAMPLE,
        script,
        SILENT,
        expect![[r#"
        stalled
          A completed
          Fork completed
          B completed
          C stalled
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          taken: A>Fork Fork>B Fork>C
          open: B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
}

#[test]
fn a_failure_with_nothing_after_it() {
    let script = "
        0 A start
        10 A done
        11 B start
        12 C start
        20 B fail
        30 C done
        ";
    check(
        SAMPLE,
        script,
        LIVE,
        expect![[r#"
        failed
          A completed
          Fork completed
          B failed
          C completed
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          taken: A>Fork Fork>B Fork>C
          open: B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
    check(
        SAMPLE,
        script,
        SILENT,
        expect![[r#"
        failed
          A completed
          Fork completed
          B failed
          C completed
          Join not_reached
          D not_reached
          E not_reached
          F not_reached
          taken: A>Fork Fork>B Fork>C
          open: B>Join C>Join Join>D D>E[true] D>F[false]
    "#]],
    );
}

#[test]
fn a_failure_the_flow_went_past() {
    check(
        "A; B; C",
        "0 A done\n 1 B fail\n 2 C done",
        LIVE,
        expect![[r#"
        completed
          A completed
          B failed
          C completed
          taken: A>B B>C
    "#]],
    );
}

#[test]
fn the_retry_counts() {
    let retried = "0 A start\n 5 A fail\n 10 A start\n";
    check(
        "A; B",
        retried,
        LIVE,
        expect![[r#"
        running
          A running
          B not_reached
          open: A>B
    "#]],
    );
    check(
        "A; B",
        retried,
        SILENT,
        expect![[r#"
        stalled
          A stalled
          B not_reached
          open: A>B
    "#]],
    );
    check(
        "A; B",
        &format!("{retried} 15 A done\n 16 B done"),
        LIVE,
        expect![[r#"
        completed
          A completed
          B completed
          taken: A>B
    "#]],
    );
}

#[test]
fn a_lost_attempt_keeps_the_execution_open() {
    let script = "0 A start inst=1\n 10 A start inst=2\n 20 A done inst=2\n 30 B done";
    check(
        "A; B",
        script,
        LIVE,
        expect![[r#"
        running
          A completed
          B completed
          taken: A>B
    "#]],
    );
    check(
        "A; B",
        script,
        SILENT,
        expect![[r#"
        stalled
          A completed
          B completed
          taken: A>B
    "#]],
    );
}

#[test]
fn missing_between() {
    check(
        "A; B; C",
        "0 A done\n 9 C done",
        LIVE,
        expect![[r#"
        completed
          A completed
          B missing
          C completed
          taken: A>B B>C
    "#]],
    );
}

#[test]
fn missing_inside_a_block_that_was_passed() {
    check(
        SAMPLE,
        "0 A done\n 5 B done\n 9 E done",
        LIVE,
        expect![[r#"
        completed
          A completed
          Fork completed
          B completed
          C missing
          Join completed
          D completed case=true(inferred)
          E completed
          F not_taken: D chose true (inferred)
          taken: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true]
          not taken: D>F[false]
    "#]],
    );
    check(
        SAMPLE,
        "9 E done",
        LIVE,
        expect![[r#"
        completed
          A missing
          Fork completed
          B missing
          C missing
          Join completed
          D completed case=true(inferred)
          E completed
          F not_taken: D chose true (inferred)
          taken: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true]
          not taken: D>F[false]
    "#]],
    );
}

#[test]
fn expired_never_missing() {
    let partial = Setting { partial: true, ..LIVE };
    check(
        SAMPLE,
        "9 E start",
        partial,
        expect![[r#"
        running
          A expired
          Fork completed
          B expired
          C expired
          Join completed
          D completed case=true(inferred)
          E running
          F not_taken: D chose true (inferred)
          taken: A>Fork Fork>B Fork>C B>Join C>Join Join>D D>E[true]
          not taken: D>F[false]
    "#]],
    );
    check(
        "A; D=if{true: B | false: }; O?; C",
        "9 C start",
        partial,
        expect![[r#"
            running
              A expired
              D completed
              B expired
              O expired
              C running
              taken: A>D O>C
              open: D>B[true] D>O[false] D>O[otherwise] B>O
        "#]],
    );
}

#[test]
fn optional_passed_by() {
    check(
        "A; O?; B",
        "0 A done\n 9 B done",
        LIVE,
        expect![[r#"
        completed
          A completed
          O not_taken: optional
          B completed
          not taken: A>O O>B
    "#]],
    );
    check(
        "A; F=fork{B | C}?; Z",
        "0 A done\n 9 Z done",
        LIVE,
        expect![[r#"
        completed
          A completed
          F not_taken: optional
          B not_taken: optional
          C not_taken: optional
          Z completed
          not taken: A>F F>B F>C B>Z C>Z
    "#]],
    );
}

#[test]
fn optional_at_the_end_waits_for_silence() {
    check(
        "A; O?",
        "0 A done",
        LIVE,
        expect![[r#"
        running
          A completed
          O not_reached
          open: A>O
    "#]],
    );
    check(
        "A; O?",
        "0 A done",
        SILENT,
        expect![[r#"
        completed
          A completed
          O not_taken: optional
          not taken: A>O
    "#]],
    );
    check(
        "A; O?",
        "0 A done\n 5 O fail",
        LIVE,
        expect![[r#"
        completed
          A completed
          O failed
          taken: A>O
    "#]],
    );
}

#[test]
fn optional_before_the_break_stays_open() {
    check(
        "A; O?; Z",
        "0 A done",
        SILENT,
        expect![[r#"
        stalled
          A completed
          O not_reached
          Z not_reached
          open: A>O O>Z
    "#]],
    );
}

#[test]
fn skipped_counts_as_completed() {
    check(
        "A; B",
        "0 A start\n 1 A skip\n 2 B skip",
        LIVE,
        expect![[r#"
        completed
          A completed
          B completed
          taken: A>B
    "#]],
    );
}

#[test]
fn untimed_reports() {
    check(
        "A; B",
        "- A start\n - A done\n - B start",
        LIVE,
        expect![[r#"
        running
          A completed
          B running
          taken: A>B
    "#]],
    );
    check(
        "A; B",
        "- A done id=9\n - A start id=4\n - B done",
        LIVE,
        expect![[r#"
            completed
              A completed
              B completed
              taken: A>B
        "#]],
    );
}

#[test]
fn an_unplanned_failure_fails_until_its_parent_is_passed() {
    check(
        "A; B",
        "0 A done\n 1 X fail parent=A",
        LIVE,
        expect![[r#"
        failed
          A completed
          X unplanned
          B not_reached
          taken: A>X
          open: A>B
    "#]],
    );
    check(
        "A; B",
        "0 A done\n 1 X fail parent=A\n 5 B done",
        LIVE,
        expect![[r#"
        completed
          A completed
          X unplanned
          B completed
          taken: A>B A>X
    "#]],
    );
    check(
        "A; B",
        "0 A done\n 1 X fail\n 5 B done",
        LIVE,
        expect![[r#"
        failed
          A completed
          B completed
          X unplanned
          taken: A>B
    "#]],
    );
}

#[test]
fn dynamic_steps_stand_for_what_names_them() {
    check(
        "A; Dyn!; B",
        "0 A done\n 1 X start parent=Dyn\n 2 Y done parent=Dyn",
        LIVE,
        expect![[r#"
        running
          A completed
          Dyn running
          X unplanned
          Y unplanned
          B not_reached
          taken: A>Dyn Dyn>X Dyn>Y
          open: Dyn>B
    "#]],
    );
    check(
        "A; Dyn!; B",
        "0 A done\n 9 B done",
        LIVE,
        expect![[r#"
        completed
          A completed
          Dyn not_taken: optional
          B completed
          not taken: A>Dyn Dyn>B
    "#]],
    );
}

#[test]
fn minor_and_title_are_carried() {
    let mut list = nodes("A~; B");
    list[1].title = Some("Second".to_owned());
    let plan = Plan::new(&list);
    let found = runs(&[]);
    let context = Context { execution_id: "this", silent: false, partial: false, sub: &|_, _| None };
    let panorama = panorama(Some(&plan), &found, &[], &context);
    let seen: Vec<_> = panorama.nodes.iter().map(|node| (node.name, node.minor, node.title)).collect();
    assert_eq!(seen, [("A", true, None), ("B", false, Some("Second"))]);
}

#[test]
fn a_plan_without_nodes() {
    check(
        "",
        "0 A done",
        LIVE,
        expect![[r#"
        completed
          A unplanned
    "#]],
    );
}

#[test]
fn logs_alone_make_a_node_unplanned_or_leave_it_not_reached() {
    let logged = Setting { logged: &[("A", 3), ("helper", 4)], ..LIVE };
    check(
        "A; B",
        "",
        logged,
        expect![[r#"
        running
          A not_reached
          B not_reached
          helper unplanned
          open: A>B
    "#]],
    );
}
