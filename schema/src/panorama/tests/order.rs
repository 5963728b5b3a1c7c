//! Display order, unplanned nodes, and the pairing of runs.

use expect_test::expect;

use super::*;

#[test]
fn skewed_clocks_scramble_nothing() {
    check(
        "A; B; C",
        "30 A done\n 20 B done\n 10 C done",
        LIVE,
        expect![[r#"
        completed
          A completed
          B completed
          C completed
          taken: A>B B>C
    "#]],
    );
}

#[test]
fn unplanned_nodes_stand_behind_their_parents() {
    check(
        "A; F=fork{B | C}; D",
        "
        0 A done
        1 z done
        2 y done parent=x
        3 x done parent=B
        4 w done parent=B
        5 v done parent=nobody
        6 u done parent=F
        7 t done parent=t
        ",
        LIVE,
        expect![[r#"
            running
              A completed
              F not_reached
              u unplanned
              B not_reached
              x unplanned
              y unplanned
              w unplanned
              C not_reached
              D not_reached
              z unplanned
              v unplanned
              t unplanned
              taken: F>u B>x x>y B>w
              open: A>F F>B F>C B>D C>D
        "#]],
    );
}

#[test]
fn parents_in_a_circle_are_cut_at_the_earliest() {
    check(
        "A",
        "3 x done parent=y\n 2 y done parent=z\n 4 z done parent=x",
        LIVE,
        expect![[r#"
        running
          A not_reached
          y unplanned
          x unplanned
          z unplanned
          taken: y>x x>z
    "#]],
    );
}

#[test]
fn a_closer_takes_the_oldest_open_run() {
    expect![[r#"
        A #1 COMPLETED 0..2
        A #2 FAILED 1..3
        A #3 COMPLETED -..4
    "#]]
    .assert_eq(&runs_text("0 A start\n 1 A start\n 2 A done\n 3 A fail\n 4 A done"));
}

#[test]
fn runs_are_told_apart_by_run_then_span_then_instance() {
    expect![[r#"
        A r1 FAILED 0..4
        A r2 COMPLETED 1..2
        A #3 SKIPPED 3..6
        A #4 RUNNING 5..-
        A #5 COMPLETED -..7
    "#]]
    .assert_eq(&runs_text(
        "
        0 A start run=r1 inst=i
        1 A start run=r2 inst=i
        2 A done run=r2 inst=j
        3 A start span=s1
        4 A fail run=r1
        5 A start inst=k
        6 A skip span=s1
        7 A done inst=k svc=other
        ",
    ));
}

#[test]
fn at_one_time_closers_come_first_while_a_run_is_open() {
    expect![[r#"
        A #1 COMPLETED 0..5
        A #2 COMPLETED 5..9
    "#]]
    .assert_eq(&runs_text("0 A start\n 5 A start\n 5 A done\n 9 A done"));
    expect![[r#"
        B #1 COMPLETED 5..5
    "#]]
    .assert_eq(&runs_text("5 B done\n 5 B start"));
    expect![[r#"
        C #1 COMPLETED 5..5
        C #2 COMPLETED 5..5
    "#]]
    .assert_eq(&runs_text("5 C done\n 5 C done\n 5 C start\n 5 C start"));
}

#[test]
fn of_two_contents_under_one_identity_the_least_counts() {
    let one = "0 A start id=7\n 3 A done id=8\n 5 A fail id=8";
    let other = "5 A fail id=8\n 3 A done id=8\n 0 A start id=7\n 0 A start id=7";
    assert_eq!(runs_text(one), runs_text(other));
    expect![[r#"
        A #1 COMPLETED 0..3
    "#]]
    .assert_eq(&runs_text(one));
}

#[test]
fn untimed_events_come_after_timed_ones() {
    expect![[r#"
        A #1 COMPLETED 0..-
        B #1 COMPLETED -..3
        B #2 RUNNING -..-
    "#]]
    .assert_eq(&runs_text("- A done\n 0 A start\n - B start\n 3 B done"));
}
