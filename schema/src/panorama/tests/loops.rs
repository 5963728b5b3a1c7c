//! Loops show their last round.

use expect_test::expect;

use super::*;

const LOOP: &str = "A; L=loop{B; C}; Z";

#[test]
fn rounds_by_iteration() {
    check(
        LOOP,
        "
        0 A done
        1 B done iter=1
        2 C done iter=1
        3 B fail iter=2
        ",
        LIVE,
        expect![[r#"
            failed
              A completed
              L failed rounds=2
              B failed
              C not_reached
              Z not_reached
              taken: A>L L>B C>L[again]
              open: L>Z B>C
        "#]],
    );
}

#[test]
fn rounds_by_iteration_survive_skewed_clocks() {
    check(
        LOOP,
        "
        0 A done
        11 B done iter=1
        2 C done iter=1 host=slow
        13 B done iter=2
        4 C start iter=2 host=slow
        ",
        LIVE,
        expect![[r#"
            running
              A completed
              L running rounds=2
              B completed
              C running
              Z not_reached
              taken: A>L L>B B>C C>L[again]
              open: L>Z
        "#]],
    );
}

#[test]
fn rounds_without_iteration_begin_where_the_flow_steps_back() {
    check(
        LOOP,
        "1 B done\n 2 C done\n 3 B done\n 4 C done\n 5 B start",
        LIVE,
        expect![[r#"
        running
          A missing
          L running rounds=3
          B running
          C not_reached
          Z not_reached
          taken: A>L L>B C>L[again]
          open: L>Z B>C
    "#]],
    );
}

#[test]
fn a_retry_is_no_round() {
    check(
        LOOP,
        "1 B fail\n 2 B done\n 3 C fail\n 4 C start",
        LIVE,
        expect![[r#"
        running
          A missing
          L running rounds=1
          B completed
          C running
          Z not_reached
          taken: A>L L>B B>C
          open: L>Z C>L[again]
    "#]],
    );
}

#[test]
fn one_round_with_skewed_clocks_stays_one() {
    check(
        LOOP,
        "5 B done\n 2 C done",
        LIVE,
        expect![[r#"
        running
          A missing
          L completed rounds=1
          B completed
          C completed
          Z not_reached
          taken: A>L L>B B>C
          open: L>Z C>L[again]
    "#]],
    );
}

#[test]
fn another_case_is_another_round() {
    check(
        "L=loop{D=if{x: B | y: C}}; Z",
        "1 B done\n 2 C done\n 3 B start",
        LIVE,
        expect![[r#"
            running
              L running rounds=3
              D completed case=x(inferred)
              B running
              C not_taken: D chose x (inferred)
              Z not_reached
              taken: L>D D>B[x] B>L[again] C>L[again]
              not taken: D>C[y]
              open: L>Z D>L[again]
        "#]],
    );
}

#[test]
fn parallel_branches_are_one_round() {
    check(
        "L=loop{F=fork{B | C}; J}; Z",
        "1 C done\n 1 B done\n 2 J done\n 3 B done\n 4 C done",
        LIVE,
        expect![[r#"
            running
              L running rounds=2
              F completed
              B completed
              C completed
              J not_reached
              Z not_reached
              taken: L>F F>B F>C J>L[again]
              open: L>Z B>J C>J
        "#]],
    );
}

#[test]
fn a_loop_that_reports_each_round() {
    check(
        "L=loop{B; C}",
        "0 L start\n 1 B done\n 2 C done\n 3 B done\n 4 C done\n 5 L done",
        LIVE,
        expect![[r#"
            completed
              L completed rounds=2
              B completed
              C completed
              taken: L>B B>C C>L[again]
        "#]],
    );
    check(
        "A; L=loop{B}; Z",
        "0 A done\n 1 L done",
        LIVE,
        expect![[r#"
        running
          A completed
          L completed
          B not_taken: L ran no round
          Z not_reached
          taken: A>L
          not taken: L>B B>L[again]
          open: L>Z
    "#]],
    );
    check(
        "A; L=loop{B}; Z",
        "0 A done\n 1 B done\n 2 L fail",
        LIVE,
        expect![[r#"
        failed
          A completed
          L failed rounds=1
          B completed
          Z not_reached
          taken: A>L L>B
          open: L>Z B>L[again]
    "#]],
    );
}

#[test]
fn a_loop_nobody_saw() {
    check(
        LOOP,
        "0 A done\n 9 Z done",
        LIVE,
        expect![[r#"
        completed
          A completed
          L completed
          B missing
          C missing
          Z completed
          taken: A>L L>B L>Z B>C
          not taken: C>L[again]
    "#]],
    );
}

#[test]
fn loops_in_loops() {
    check(
        "O=loop{A; I=loop{B; C}}; Z",
        "
        1 A done
        2 B done iter=1
        3 C done iter=1
        4 B done iter=2
        5 C done iter=2
        6 A done
        7 B done iter=1
        ",
        LIVE,
        expect![[r#"
            running
              O running rounds=2
              A completed
              I running rounds=1
              B completed
              C not_reached
              Z not_reached
              taken: O>A A>I I>O[again] I>B
              open: O>Z B>C C>I[again]
        "#]],
    );
}

#[test]
fn the_last_round_ends_the_execution() {
    check(
        "A; L=loop{B; C}",
        "0 A done\n 1 B done\n 2 C done\n 3 B done\n 4 C done",
        LIVE,
        expect![[r#"
        completed
          A completed
          L completed rounds=2
          B completed
          C completed
          taken: A>L L>B B>C C>L[again]
    "#]],
    );
    check(
        "A; L=loop{B; C}",
        "0 A done\n 1 B done\n 2 C done\n 3 B done",
        SILENT,
        expect![[r#"
        stalled
          A completed
          L stalled rounds=2
          B completed
          C not_reached
          taken: A>L L>B C>L[again]
          open: B>C
    "#]],
    );
}

#[test]
fn untimed_runs_are_in_the_last_round() {
    check(
        LOOP,
        "1 B done\n 2 C done\n 3 B done\n - C fail",
        LIVE,
        expect![[r#"
        failed
          A missing
          L failed rounds=2
          B completed
          C failed
          Z not_reached
          taken: A>L L>B B>C C>L[again]
          open: L>Z
    "#]],
    );
}
