//! Reports that try to steer the terminal.

use expect_test::expect;
use proptest::prelude::*;

use super::world::World;
use crate::terminal::Style;

#[test]
fn nothing_reported_reaches_the_terminal_as_it_is() {
    let world = World::new(
        None,
        "0 \u{1b}[2Jnode fail ex=\"\\u001b]0;title\\u0007\\r\\nforged\\u202e\"\n\
         1 \u{1b}[2Jnode ERROR\u{1b}[0m: pass\u{202e}word\u{7}\u{9b}31m {\"a\u{200b}\":\"\u{1b}[31m\"}\n\
         2 ok done meta={\"k\u{1b}\":\"v\\u001b[0m\"}",
    );
    let plain = Style { color: false, columns: 100, clip: true };
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 2ms
          nodes     1 completed, 1 failed
          services  content-api
          plan      none, shown is what was observed
          reports   3 reports, 1 of them a log

          ✖ \u{1b}[2Jnode  failed       →+0                      1 log
            \u{1b}]0;title\u{7}
          ✔ ok             completed    →+2ms

          ! no definition  the scene has no definition: shown is what was observed
    "#]]
    .assert_eq(&world.execution(plain));
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c › \u{1b}[2Jnode

          ✖ run #1  failed  ended 2026-11-21 10:00:00.000 UTC, start not reported
            content-api at 10.0.0.3:8080
            \u{1b}]0;title\u{7}
              forged\u{202e}

          1 log, and more
          2026-11-21 UTC
          10:00:00.001  ERRO… pass\u{202e}word\u{7}\u{9b}31m
                              data  {"a\u{200b}": "\u{1b}[31m"}

          next page: --cursor cursor-2
    "#]]
    .assert_eq(&world.node("\u{1b}[2Jnode", plain));
}

#[test]
fn names_of_any_width_keep_the_lines_within_the_terminal() {
    let text: String =
        (0..20).map(|n| format!("{n} {}{} done\n", "图".repeat(n * 3), "a\u{301}".repeat(n))).collect();
    let world = World::new(None, text.leak());
    for columns in [20, 40, 80, 120, 200] {
        for line in world.execution(Style { color: false, columns, clip: true }).lines() {
            let width = unicode_width::UnicodeWidthStr::width(line);
            assert!(width <= columns, "{width} columns of {columns}: {line}");
        }
    }
}

proptest! {
    #[test]
    fn any_exception_is_shown_without_a_panic(json in "\\PC{0,60}|[{}\":,a-z\\[\\]\\\\n]{0,60}", columns in 0usize..130) {
        let line: &'static str = format!("0 a fail ex={}", json.replace([' ', '\n'], "_")).leak();
        let world = World::new(None, line);
        let style = Style { color: true, columns, clip: true };
        prop_assert!(!world.execution(style).is_empty());
        prop_assert!(!world.node("a", style).is_empty());
    }
}
