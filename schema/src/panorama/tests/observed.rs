//! Without a definition the panorama is what was observed.

use expect_test::{Expect, expect};

use super::*;

#[track_caller]
fn observed(script: &str, setting: Setting<'_>, want: Expect) {
    want.assert_eq(&draw(None, script, setting));
}

#[test]
fn in_order_of_parenthood_then_time() {
    let script = "
        0 A start
        9 A done
        5 A1 done parent=A
        4 A2 done parent=A
        6 A21 done parent=A2
        10 B done
        8 C done host=skewed parent=B
        ";
    observed(
        script,
        LIVE,
        expect![[r#"
        running
          A completed
          A2 completed
          A21 completed
          A1 completed
          B completed
          C completed
          taken: A>A2 A2>A21 A>A1 A>B B>C
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
    observed(
        script,
        SILENT,
        expect![[r#"
        completed
          A completed
          A2 completed
          A21 completed
          A1 completed
          B completed
          C completed
          taken: A>A2 A2>A21 A>A1 A>B B>C
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
}

#[test]
fn open_and_failed() {
    observed(
        "0 A start",
        LIVE,
        expect![[r#"
        running
          A running
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
    observed(
        "0 A start",
        SILENT,
        expect![[r#"
        stalled
          A stalled
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
    observed(
        "0 A fail\n 1 B done",
        LIVE,
        expect![[r#"
        failed
          A failed
          B completed
          taken: A>B
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
}

#[test]
fn nothing_but_logs() {
    let logged: &[(&str, i64)] = &[("late", 9), ("early", 2)];
    observed(
        "",
        Setting { logged, ..LIVE },
        expect![[r#"
        running
          early unplanned
          late unplanned
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
    observed(
        "",
        Setting { logged, ..SILENT },
        expect![[r#"
        completed
          early unplanned
          late unplanned
          ! no_definition -: the scene has no definition: shown is what was observed
    "#]],
    );
}
