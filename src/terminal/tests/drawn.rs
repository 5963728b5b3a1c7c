//! Trees, pages and lists as people see them.

use expect_test::expect;
use linkloom_schema::definition::{Node, NodeKind};
use linkloom_schema::finding::Finding;
use linkloom_schema::ids::SceneId;

use super::world::{World, block, decision, fork, join, looped, step, steps};
use crate::terminal::Style;

const PLAIN: Style = Style { color: false, columns: 100, clip: true };
const WIDE: Style = Style { color: false, columns: 140, clip: true };
const NARROW: Style = Style { color: false, columns: 60, clip: true };
const COLOR: Style = Style { color: true, columns: 100, clip: true };

/// The sample link of the format's documentation: A; fork of B and C; join; D decides E or F.
fn sample() -> Vec<Node> {
    vec![
        step("A"),
        fork("Fork", vec![steps("B"), steps("C")]),
        join("Join", "B C"),
        decision("D", vec![("true", steps("E")), ("false", steps("F"))]),
    ]
}

const COMPLETED: &str = r#"
    0 A start in={"contentId":42} meta={"contentType":"video","trigger":"api"}
    12 A done out={"ok":true}
    13 B start
    14 C start
    313.5 B done
    320 C done
    321 D done case=true
    322 E start
    1240 E done
"#;

const FAILED: &str = r#"
    0 A start
    12 A done
    13 B start
    14 C start inst=10.0.0.4:8080
    320 C INFO: calling {"service":"text-api"}
    330 C WARN: slow answer
    340 C ERROR: C failed, contentId:42
    350 C fail inst=10.0.0.4:8080 ex={"type":"java.io.IOException","message":"timeout"}
    360 C start inst=10.0.0.4:8080
    900 C fail inst=10.0.0.4:8080 ex={"type":"java.io.IOException","message":"timeout"}
    313 B done
    5 - INFO: accepted
"#;

#[test]
fn a_completed_execution() {
    let world = World::new(Some(sample()), COMPLETED);
    expect![[r#"
        ✔ completed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 1s 240ms
          nodes     7 completed, 1 not taken
          meta      contentType=video  trigger=api
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   9 reports

          ✔ A         completed    +0           12ms
          ✔ Fork      completed
          ├─ branch 1
          │  ✔ B      completed    +13ms        300ms 500µs
          └─ branch 2
             ✔ C      completed    +14ms        306ms
          ✔ Join      completed
          ✔ D → true  completed    →+321ms
          ├─ true
          │  ✔ E      completed    +322ms       918ms
          └┄ false
             ┄ F      not taken                             D chose true
    "#]]
    .assert_eq(&world.execution(PLAIN));
}

#[test]
fn a_failed_execution() {
    let world = World::new(Some(sample()), FAILED);
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 900ms
          nodes     3 completed, 1 failed, 4 not reached
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   12 reports, 4 of them logs (1 without a node)

          ✔ A        completed    +0           12ms
          ✔ Fork     completed
          ├─ branch 1
          │  ✔ B     completed    +13ms        300ms
          └─ branch 2
             ✖ C ×2  failed       +360ms       540ms       3 logs: 1 error, 1 warning  failed once before
               java.io.IOException: timeout
               ERROR C failed, contentId:42
          ○ Join     not reached
          ○ D        not reached
          ├─ true
          │  ○ E     not reached
          └─ false
             ○ F     not reached
    "#]]
    .assert_eq(&world.execution(PLAIN));
}

/// Nothing runs, and only an optional node may still come: that is why the execution is not completed yet.
#[test]
fn a_running_execution_says_what_it_waits_for() {
    let mail = Node { optional: true, ..step("mail") };
    let plan = || vec![step("A"), fork("Fork", vec![steps("B"), vec![mail.clone()]])];
    let head = |world: &World| {
        let text = world.execution(PLAIN);
        let lines = text
            .lines()
            .filter(|line| ["waits for", "silent"].iter().any(|fact| line.trim_start().starts_with(fact)));
        lines.map(|line| format!("{}\n", line.trim_start())).collect::<String>()
    };
    let through = World::new(Some(plan()), "0 A start\n 1 A done\n 2 B start\n 3 B done\n 9 A INFO: last");
    expect![[r#"
          waits for mail (optional)
          silent    since 2026-11-21 10:00:00 UTC, completed from 2026-11-21 10:01:00
    "#]]
    .assert_eq(&head(&through));
    let open = World::new(Some(plan()), "0 A start\n 1 A done\n 2 B start");
    expect![[r#"
          silent    since 2026-11-21 10:00:00 UTC, stalled from 2026-11-21 10:01:00
    "#]]
    .assert_eq(&head(&open));
    let next = World::new(Some(plan()), "0 A start\n 1 A done");
    expect![[r#"
          waits for B, mail (optional)
          silent    since 2026-11-21 10:00:00 UTC, stalled from 2026-11-21 10:01:00
    "#]]
    .assert_eq(&head(&next));
    let planless = World::new(None, "0 A start\n 1 A done");
    expect![[r#"
          silent    since 2026-11-21 10:00:00 UTC, completed from 2026-11-21 10:01:00
    "#]]
    .assert_eq(&head(&planless));
    // What is foretold comes true, and then there is nothing to wait for.
    for (plan, text, sign) in [
        (Some(plan()), "0 A start\n 1 A done\n 2 B start\n 3 B done", "✔ completed"),
        (Some(plan()), "0 A start\n 1 A done\n 2 B start", "■ stalled"),
        (Some(plan()), "0 A start\n 1 A done", "■ stalled"),
        (None, "0 A start\n 1 A done", "✔ completed"),
    ] {
        let world = World::new(plan, text);
        assert!(head(&world).contains(&format!(" UTC, {} from ", &sign[4..])), "{}", head(&world));
        let silent = world.silent();
        assert!(silent.execution(PLAIN).starts_with(sign), "{}", silent.execution(PLAIN));
        assert_eq!(head(&silent), "");
    }
}

#[test]
fn wide_terminals_have_a_timeline() {
    let world = World::new(Some(sample()), FAILED);
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 900ms
          nodes     3 completed, 1 failed, 4 not reached
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   12 reports, 4 of them logs (1 without a node)

          ✔ A        completed    +0           12ms        ━···············
          ✔ Fork     completed
          ├─ branch 1
          │  ✔ B     completed    +13ms        300ms       ━━━━━···········
          └─ branch 2
             ✖ C ×2  failed       +360ms       540ms       ······━━━━━━━━━━  3 logs: 1 error, 1 warning  failed once before
               java.io.IOException: timeout
               ERROR C failed, contentId:42
          ○ Join     not reached
          ○ D        not reached
          ├─ true
          │  ○ E     not reached
          └─ false
             ○ F     not reached
    "#]]
    .assert_eq(&world.execution(WIDE));
}

#[test]
fn narrow_terminals_have_what_matters() {
    let world = World::new(Some(sample()), FAILED);
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 900ms
          nodes     3 completed, 1 failed, 4 not reached
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   12 reports, 4 of them logs (1 without a node)

          ✔ A        completed    12ms
          ✔ Fork     completed
          ├─ branch 1
          │  ✔ B     completed    300ms
          └─ branch 2
             ✖ C ×2  failed       540ms       3 logs: 1 error, 1 wa…
               java.io.IOException: timeout
               ERROR C failed, contentId:42
          ○ Join     not reached
          ○ D        not reached
          ├─ true
          │  ○ E     not reached
          └─ false
             ○ F     not reached
    "#]]
    .assert_eq(&world.execution(NARROW));
}

#[test]
fn colours_follow_states() {
    let world = World::new(Some(sample()), FAILED);
    expect![[r#"
        ^[31m✖ failed^[0m  ^[1mcontent-42^[0m^[90m › ^[0m^[1mrealtime-input^[0m^[90m › ^[0m^[1m5f2c^[0m
          ^[90mstarted^[0m   2026-11-21 10:00:00.000 UTC, took 900ms
          ^[90mnodes^[0m     ^[32m3 completed^[0m^[90m, ^[0m^[31m1 failed^[0m^[90m, 4 not reached^[0m
          ^[90mservices^[0m  content-api
          ^[90mplan^[0m      version 3fa29c01d2e4b5a6
          ^[90mreports^[0m   12 reports, 4 of them logs (1 without a node)

          ^[32m✔^[0m ^[1mA^[0m        ^[32mcompleted^[0m    ^[90m+0^[0m           12ms
          ^[32m✔^[0m ^[1mFork^[0m     ^[32mcompleted^[0m
          ^[90m├─ ^[0mbranch 1
          ^[90m│  ^[0m^[32m✔^[0m ^[1mB^[0m     ^[32mcompleted^[0m    ^[90m+13ms^[0m        300ms
          ^[90m└─ ^[0mbranch 2
             ^[31m✖^[0m ^[31mC^[0m^[33m ×2^[0m  ^[31mfailed^[0m       ^[90m+360ms^[0m       540ms       ^[90m3 logs: ^[0m^[31m1 error^[0m^[90m, ^[0m^[33m1 warning^[0m  ^[33mfailed once before^[0m
               ^[31mjava.io.IOException: timeout^[0m
               ^[31mERROR C failed, contentId:42^[0m
          ^[90m○^[0m ^[90mJoin^[0m     ^[90mnot reached^[0m
          ^[90m○^[0m ^[90mD^[0m        ^[90mnot reached^[0m
          ^[90m├─ true^[0m
          ^[90m│  ○^[0m ^[90mE^[0m     ^[90mnot reached^[0m
          ^[90m└─ false^[0m
          ^[90m   ○^[0m ^[90mF^[0m     ^[90mnot reached^[0m
    "#]]
    .assert_eq(&world.execution(COLOR).replace('\u{1b}', "^"));
}

#[test]
fn without_colours_the_text_is_the_same() {
    for world in [World::new(Some(sample()), FAILED), World::new(None, COMPLETED)] {
        let mut colored = world.execution(COLOR);
        for code in ["0", "1", "90", "31", "32", "33", "34", "35"] {
            colored = colored.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(colored, world.execution(PLAIN));
    }
}

/// Forks in decisions in loops, empty cases, terminate, links, minor and optional nodes.
fn everything() -> Vec<Node> {
    let minor = |name: &str| Node { minor: true, ..step(name) };
    vec![
        Node { title: Some("Take the order".to_owned()), ..step("receive") },
        minor("audit"),
        minor("trace"),
        minor("count"),
        looped(
            "review",
            vec![
                step("ask"),
                decision(
                    "verdict",
                    vec![
                        (
                            "again",
                            vec![
                                fork("notify", vec![steps("mail log"), steps("push")]),
                                join("told", "push"),
                            ],
                        ),
                        ("fine", vec![]),
                    ],
                ),
            ],
        ),
        Node { optional: true, ..step("discount") },
        block("pay", NodeKind::Link { sub_scene: SceneId::new("payment").expect("a good id") }),
        decision(
            "stock",
            vec![("none", vec![step("refund"), block("end", NodeKind::Terminate)]), ("some", vec![])],
        ),
        step("ship"),
        step("thank"),
    ]
}

#[test]
fn blocks_within_blocks() {
    let world = World::new(
        Some(everything()),
        r#"
        0 receive done
        1 audit done
        1 trace done
        1 count done
        2 ask done iter=1
        3 verdict done case=again iter=1
        4 mail done iter=1
        5 log done iter=1
        5 push done iter=1
        6 ask done iter=2
        7 verdict done case=fine iter=2
        8 pay start sub=sub-1
        4000000 pay done sub=sub-1
        4000001 stock done case=some
        4000002 thank start
        4000003 surprise done
        "#,
    );
    expect![[r#"
        ▶ running  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC
          nodes     9 completed, 1 running, 1 missing, 8 not taken, 1 unplanned
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   16 reports
          silent    since 2026-11-21 11:06:40 UTC, stalled from 2026-11-21 11:07:40

          ✔ receive               completed    →+0                      Take the order
          ⋯ 3 minor nodes: audit, trace, count (3 completed)
          ✔ review                completed
          └─ round 2, the last
             ✔ ask ×2             completed    →+6ms
             ✔ verdict → fine ×2  completed    →+7ms
             └┄ again
                ┄ notify          not taken                             verdict chose fine
                ├┄ branch 1
                │  ┄ mail         not taken    →+4ms                    verdict chose fine
                │  ┄ log          not taken    →+5ms                    verdict chose fine
                └┄ branch 2
                   ┄ push         not taken    →+5ms                    verdict chose fine
                ┄ told            not taken                             verdict chose fine
          ┄ discount              not taken                             optional
          ✔ pay                   completed    +8ms         1h 6m       ↗ payment › sub-1
          ✔ stock → some          completed    →+1h 6m
          ├┄ none
          │  ┄ refund             not taken                             stock chose some
          │  ┄ end                not taken                             stock chose some
          └─ some
             ! ship               missing
             ▶ thank              running      +1h 6m
          + surprise              unplanned    →+1h 6m
    "#]]
    .assert_eq(&world.execution(PLAIN));
}

#[test]
fn a_stalled_execution_with_findings() {
    let world = World::new(
        Some(everything()),
        r#"
        0 receive done
        1 audit done
        1 trace fail
        2 ask start
        3 ask start
        90061000 ask done
        90061001 verdict done case=maybe
        "#,
    )
    .silent()
    .finding(Finding::reports_lost("content-api", "10.0.0.3:8080", 7, 12));
    expect![[r#"
        ■ stalled  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC
          nodes     3 completed, 1 failed, 2 stalled, 1 missing, 7 not reached, 5 not taken
          services  content-api
          plan      version 3fa29c01d2e4b5a6
          reports   7 reports

          ✔ receive             completed    →+0                      Take the order
          ✔ audit               completed    →+1ms
          ✖ trace               failed       →+1ms
          ! count               missing
          ■ review              stalled
          └─ round 1
             ■ ask ×2           stalled      +3ms
             ✔ verdict → maybe  completed    →+1d 1h
             └┄ again
                ┄ notify        not taken                             verdict chose maybe, which is none of…
                ├┄ branch 1
                │  ┄ mail       not taken                             verdict chose maybe, which is none of…
                │  ┄ log        not taken                             verdict chose maybe, which is none of…
                └┄ branch 2
                   ┄ push       not taken                             verdict chose maybe, which is none of…
                ┄ told          not taken                             verdict chose maybe, which is none of…
          ○ discount            not reached
          ○ pay                 not reached                           ↗ payment › 5f2c
          ○ stock               not reached
          ├─ none
          │  ○ refund           not reached
          │  ○ end              not reached
          └─ some
             ○ ship             not reached
             ○ thank            not reached

          ! reports lost  12 reports of content-api at 10.0.0.3:8080 (boot 7) never arrived
          ! unknown case  verdict  verdict chose maybe; its cases are again, fine
    "#]]
    .assert_eq(&world.execution(PLAIN));
}

#[test]
fn an_execution_without_a_definition() {
    let world =
        World::new(None, "0 gateway start\n 5 auth done\n - audit done\n 7 store fail ex=\"disk_is_full\"");
    expect![[r#"
        ✖ failed  content-42 › realtime-input › 5f2c
          started   2026-11-21 10:00:00.000 UTC, took 7ms
          nodes     2 completed, 1 failed, 1 running
          services  content-api
          plan      none, shown is what was observed
          reports   4 reports

          ▶ gateway  running      +0
          ✔ auth     completed    →+5ms
          ✖ store    failed       →+7ms
            disk is full
          ✔ audit    completed

          ! no definition  the scene has no definition: shown is what was observed
    "#]]
    .assert_eq(&world.execution(PLAIN));
}

#[test]
fn a_list() {
    let done = World::new(Some(sample()), COMPLETED);
    let failed = World::new(Some(sample()), FAILED);
    let running = World::new(None, "100 gateway start\n 200 auth done");
    let silent = World::new(None, "- gateway start").silent();
    let worlds = [
        ("5f2c", &done),
        ("task-20261121-000000000000000000000000000000000017", &failed),
        ("b", &running),
        ("s", &silent),
    ];
    expect![[r#"
        content-42: 4 executions

          STATUS       STARTED (UTC)        SCENE           EXECUTION
          ▶ running    2026-11-21 10:00:00  realtime-input  b
          ✔ completed  2026-11-21 10:00:00  realtime-input  5f2c
          ✖ failed     2026-11-21 10:00:00  realtime-input  task-20261121-000000000000000000000000000000000017
          ■ stalled    not reported         realtime-input  s
    "#]]
    .assert_eq(&World::list(&worlds, 10, PLAIN));
    expect![[r#"
        ^[1mcontent-42^[0m: 1 execution, and more

          ^[90mSTATUS^[0m     ^[90mSTARTED (UTC)^[0m        ^[90mSCENE^[0m           ^[90mEXECUTION^[0m  ^[90mNODES^[0m
          ^[34m▶ running^[0m  2026-11-21 10:00:00  realtime-input  b          1✔ ^[34m1▶^[0m

        ^[90m  next page: --cursor ^[0mZTF8MTc5NTI1NTIwMDEwMDAwMHxyZWFsdGltZS1pbnB1dHxifGNvbnRlbnQtNDI
    "#]]
    .assert_eq(&World::list(&worlds, 1, COLOR).replace('\u{1b}', "^"));
    let piped = Style { clip: false, ..NARROW };
    expect![[r#"
        content-42: 4 executions

          STATUS       STARTED (UTC)        TOOK      SCENE           EXECUTION                                           NODES     ERRORS  META
          ▶ running    2026-11-21 10:00:00            realtime-input  b                                                   1✔ 1▶
          ✔ completed  2026-11-21 10:00:00  1s 240ms  realtime-input  5f2c                                                7✔ 1┄             contentType=video  trigger=api
          ✖ failed     2026-11-21 10:00:00  900ms     realtime-input  task-20261121-000000000000000000000000000000000017  3✔ 1✖ 4○  1
          ■ stalled    not reported                   realtime-input  s                                                   1■
    "#]]
    .assert_eq(&World::list(&worlds, 10, piped));
    expect![[r#"
        content-42: no executions
    "#]]
    .assert_eq(&World::list(&[], 1, PLAIN));
}

#[test]
fn a_node_page() {
    let world = World::new(
        Some(sample()),
        r#"
        0 B start in={"contentId":42,"urls":["https://cdn.example/pictures/1.jpg","https://cdn.example/pictures/2.jpg"],"options":{"size":"large","watermark":null}}
        340 B fail out={"ok":false} ex={"type":"java.io.IOException","message":"timeout","stack":"java.io.IOException:_timeout\n\tat_a.B.c(B.java:1)\n\tat_a.B.d(B.java:2)\n\tat_a.B.e(B.java:3)\n\tat_a.B.f(B.java:4)\n\tat_a.B.g(B.java:5)\n\tat_a.B.h(B.java:6)\nCaused_by:_java.net.SocketException:_reset\n\tat_x.Y"}
        350 B start iter=2
        900 B done out="ok"
        10 B INFO: calling the picture service of the other data centre because the one here is being serviced this night {"attempt":1}
        20 B WARN: slow
        86400020 B ERROR: picProcess failed, contentId:42
        - B debug: no time"#,
    );
    expect![[r#"
        ✔ completed  content-42 › realtime-input › 5f2c › B

          ✖ run #1  failed after 340ms  started 2026-11-21 10:00:00.000 UTC
            content-api at 10.0.0.3:8080
            input   {
                      "contentId": 42,
                      "urls": [
                        "https://cdn.example/pictures/1.jpg",
                        "https://cdn.example/pictures/2.jpg"
                      ],
                      "options": {
                        "size": "large",
                        "watermark": null
                      }
                    }
            output  {"ok": false}
            java.io.IOException: timeout
              at a.B.c(B.java:1)
              at a.B.d(B.java:2)
              at a.B.e(B.java:3)
              at a.B.f(B.java:4)
              at a.B.g(B.java:5)
              … 1 more
            caused by java.net.SocketException: reset

          ✔ run #2  completed after 550ms  started 2026-11-21 10:00:00.350 UTC
            content-api at 10.0.0.3:8080, round 2
            output  "ok"

          4 logs, and more
          2026-11-21 UTC
          10:00:00.010  INFO  calling the picture service of the other data centre because the one here is
                              being serviced this night
                              data  {"attempt": 1}
          10:00:00.020  WARN  slow
          2026-11-22 UTC
          10:00:00.020  ERROR picProcess failed, contentId:42
          no time       debug no time

          next page: --cursor cursor-2
    "#]]
    .assert_eq(&world.node("B", PLAIN));
    expect![[r#"
        ^[32m✔ completed^[0m  ^[1mcontent-42^[0m^[90m › ^[0m^[1mrealtime-input^[0m^[90m › ^[0m^[1m5f2c^[0m^[90m › ^[0m^[1mB^[0m

        ^[31m  ✖^[0m run ^[1m#1^[0m  ^[31mfailed^[0m after 340ms^[90m  started 2026-11-21 10:00:00.000 UTC^[0m
        ^[90m    content-api at 10.0.0.3:8080^[0m
            ^[90minput ^[0m  {
                      "contentId": 42,
                      "urls": [
                        "https://cdn.example/pictures/1.jpg",
                        "https://cdn.example/pictures/2.jpg"
                      ],
                      "options": {
                        "size": "large",
                        "watermark": null
                      }
                    }
            ^[90moutput^[0m  {"ok": false}
            ^[31mjava.io.IOException: timeout^[0m
              ^[90mat a.B.c(B.java:1)^[0m
              ^[90mat a.B.d(B.java:2)^[0m
              ^[90mat a.B.e(B.java:3)^[0m
              ^[90mat a.B.f(B.java:4)^[0m
              ^[90mat a.B.g(B.java:5)^[0m
              ^[90m… 1 more^[0m
            ^[90mcaused by ^[0m^[31mjava.net.SocketException: reset^[0m

        ^[32m  ✔^[0m run ^[1m#2^[0m  ^[32mcompleted^[0m after 550ms^[90m  started 2026-11-21 10:00:00.350 UTC^[0m
        ^[90m    content-api at 10.0.0.3:8080, round 2^[0m
            ^[90moutput^[0m  "ok"

          ^[1m4 logs^[0m, and more
        ^[90m  2026-11-21 UTC^[0m
        ^[90m  10:00:00.010^[0m  ^[32mINFO^[0m  calling the picture service of the other data centre because the one here is
                              being serviced this night
                              ^[90mdata^[0m  {"attempt": 1}
        ^[90m  10:00:00.020^[0m  ^[33mWARN^[0m  slow
        ^[90m  2026-11-22 UTC^[0m
        ^[90m  10:00:00.020^[0m  ^[31mERROR^[0m picProcess failed, contentId:42
        ^[90m  no time^[0m       ^[90mdebug^[0m no time

        ^[90m  next page: --cursor ^[0mcursor-2
    "#]]
    .assert_eq(&world.node("B", COLOR).replace('\u{1b}', "^"));
}
