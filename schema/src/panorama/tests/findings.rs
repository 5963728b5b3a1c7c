//! Findings about clocks and plans.

use expect_test::expect;

use super::*;

#[test]
fn order_broken_in_one_place() {
    check(
        "A; B",
        "10 A start inst=i\n 20 A done inst=i\n 1 B start inst=i\n 5 B done inst=i",
        LIVE,
        expect![[r#"
            completed
              A completed
              B completed
              taken: A>B
              ! order_broken B: B ended 5 ms before A began
        "#]],
    );
}

#[test]
fn overlap_in_one_place_is_no_finding() {
    check(
        "A; B",
        "0 A start\n 20 A done\n 10 B start\n 15 B done",
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
fn running_again_is_no_finding() {
    check(
        "A; B",
        "0 A start\n 1 A done\n 2 B start\n 3 B done\n 10 A start\n 11 A done",
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
fn clock_skew_between_hosts() {
    check(
        "A; B",
        "10 A start host=a\n 20 A done host=a\n 12 B start host=b\n 30 B done host=b",
        LIVE,
        expect![[r#"
            completed
              A completed
              B completed
              taken: A>B
              ! clock_skew_suspected B: B began 8 ms before A ended on another host
        "#]],
    );
}

#[test]
fn found_past_control_nodes_that_do_not_report() {
    check(
        "A; F=fork{B | C}; J=join(B,C); D=if{x: E | y: G}",
        "
        0 A start host=a
        1 A done host=a
        10 B start host=b
        20 B done host=b
        10 C start host=c
        30 C done host=c
        25 E start host=e
        40 E done host=e
        ",
        LIVE,
        expect![[r#"
            completed
              A completed
              F completed
              B completed
              C completed
              J completed
              D completed case=x(inferred)
              E completed
              G not_taken: D chose x (inferred)
              taken: A>F F>B F>C B>J C>J J>D D>E[x]
              not taken: D>G[y]
              ! clock_skew_suspected E: E began 5 ms before C ended on another host
        "#]],
    );
}

#[test]
fn a_run_without_a_start_proves_no_order() {
    check(
        "A; B",
        "10 A done\n 1 B start\n 2 B done",
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
fn slow() {
    check(
        "A<100; B<100",
        "0 A start\n 50 A done\n 60 A start\n 2560 A done\n 3000 B start\n 3100 B done",
        LIVE,
        expect![[r#"
            completed
              A completed
              B completed
              taken: A>B
              ! slow A: run #2 took 2.5 s, slow is above 100 ms
        "#]],
    );
}

#[test]
fn in_display_order() {
    check(
        "A<1; D=if{x: B<1 | y: C}; Z<1",
        "
        0 A start
        9 A done
        10 D done case=q
        11 C done
        12 B start
        20 B done
        30 Z start
        40 Z done
        ",
        LIVE,
        expect![[r#"
            completed
              A completed
              D completed case=q
              B completed
              C completed
              Z completed
              taken: A>D D>B[x] D>C[y] D>Z[otherwise] B>Z C>Z
              ! slow A: run #1 took 9 ms, slow is above 1 ms
              ! unknown_case D: D chose q; its cases are x, y
              ! both_cases_ran D: nodes of several cases of D ran: x, y
              ! slow B: run #1 took 8 ms, slow is above 1 ms
              ! slow Z: run #1 took 10 ms, slow is above 1 ms
        "#]],
    );
}
