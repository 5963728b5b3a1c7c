//! Configurations as text in, effective values or problems as text out.

use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Loaded::from_parts(Some(("linkloom.toml", file)), environment)
}

/// The keys that are not defaults with their values, or all problems.
#[track_caller]
fn check(file: &str, environment: &[(&str, &str)], want: Expect) {
    let found = match load(file, environment) {
        Ok(loaded) => {
            let printed = to_toml(&loaded);
            let lines: Vec<&str> = printed.lines().collect();
            let set = lines.windows(2).filter(|pair| pair[0].contains(" Set by "));
            set.map(|pair| {
                let (_, place) = pair[0].split_once(" Set by ").unwrap_or_default();
                format!("{} ({})\n", pair[1], place.trim_end_matches('.'))
            })
            .collect()
        }
        Err(problems) => format!("{problems}\n"),
    };
    want.assert_eq(&found);
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let loaded = load("", &[]).expect("defaults are allowed");
    assert_eq!(loaded, Loaded::default());
    assert_eq!(Loaded::from_parts(None, []).expect("defaults are allowed"), Loaded::default());
}

#[test]
fn the_environment_goes_over_the_file() {
    check(
        r#"
[flush]
delay_ms = 100
workers = 0x4
[log]
format = "json"
[scenes]
idle_ms = 60_000
[scenes.by_id."human-review"]
idle_ms = 604_800_000
"#,
        &[
            ("LINKLOOM__FLUSH__DELAY_MS", "250"),
            ("LINKLOOM__LOG__LEVEL", "info,linkloom_storage=debug"),
            ("LINKLOOM__SCENES__BY_ID__content-intake__IDLE_MS", "1_000"),
            ("LINKLOOM_STORE", "not a setting"),
            ("PATH", "/usr/bin"),
        ],
        expect![[r#"
            delay_ms = 250 (LINKLOOM__FLUSH__DELAY_MS)
            workers = 4 (linkloom.toml:4:1)
            idle_ms = 60_000 (linkloom.toml:8:1)
            level = "info,linkloom_storage=debug" (LINKLOOM__LOG__LEVEL)
            format = "json" (linkloom.toml:6:1)
            idle_ms = 1_000 (LINKLOOM__SCENES__BY_ID__content-intake__IDLE_MS)
            idle_ms = 604_800_000 (linkloom.toml:10:1)
        "#]],
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    check(
        r#"
flush = 3
colour = "red"

[ingest]
report_bytes_max = -1
payload_bytes_max = "256 KiB"
mark_separator = ""
deadletter_bytes_max = 5
retention_days = 30

[flushh]
delay_ms = 100

[assembler]
shards = 0
idle_gap_ms = 1.5
sweep_ms = [1, 2]
memory_bytes_max = 99999999999999999999999

[scenes]
idle_ms = 0
by_id.review = 5
by_id."a b".idle_mss = 5

[api]
listen = "0.0.0.0:8080"

[log]
level = "chatty"
format = "xml"
"#,
        &[
            ("LINKLOOM__FLUSH__DELAY_MS", "soon"),
            ("LINKLOOM__FLUSH__ZSTD_LEVEL", "22"),
            ("LINKLOOM__FLUSH__WORKER", "2"),
            ("LINKLOOM__STOR__PATH", "x"),
            ("LINKLOOM__FLUSH", "x"),
        ],
        expect![[r#"
            linkloom.toml:2:1: flush = 3: a table is allowed here: [flush]
            linkloom.toml:3:1: colour = "red": unknown key
            linkloom.toml:6:1: ingest.report_bytes_max = -1: allowed is 1_024 to 67_108_864
            linkloom.toml:7:1: ingest.payload_bytes_max = "256 KiB": a text, allowed is a number: 64 to 67_108_864
            linkloom.toml:8:1: ingest.mark_separator = "": allowed is 1 to 8 characters that can be printed
            linkloom.toml:9:1: ingest.deadletter_bytes_max = 5: unknown key, did you mean ingest.dead_letter_bytes_max?
            linkloom.toml:10:1: ingest.retention_days = 30: unknown key, did you mean store.retention_days?
            linkloom.toml:12:2: [flushh]: unknown key, did you mean [flush]?
            linkloom.toml:16:1: assembler.shards = 0: allowed is 1 to 256
            linkloom.toml:17:1: assembler.idle_gap_ms = 1.5: allowed is 100 to 86_400_000
            linkloom.toml:18:1: assembler.sweep_ms = [1, 2]: allowed is 10 to 60_000
            linkloom.toml:19:1: assembler.memory_bytes_max = 99999999999999999999999: allowed is 1_048_576 to 1_099_511_627_776
            linkloom.toml:22:1: scenes.idle_ms = 0: allowed is 1 to 31_622_400_000
            linkloom.toml:23:7: scenes.by_id."review" = 5: a table is allowed here: [scenes.by_id."NAME"]
            linkloom.toml:24:13: scenes.by_id."a b".idle_mss = 5: unknown key, did you mean idle_ms?
            linkloom.toml:30:1: log.level = "chatty": allowed is a level (error, warn, info, debug, trace, off), or levels by part such as "info,linkloom_storage=debug"
            linkloom.toml:31:1: log.format = "xml": allowed is "text" or "json"
            LINKLOOM__FLUSH: flush = "x": the name of a variable is LINKLOOM__SECTION__KEY
            LINKLOOM__FLUSH__DELAY_MS: flush.delay_ms = "soon": allowed is 1 to 500
            LINKLOOM__FLUSH__WORKER: flush.worker = "2": unknown key, did you mean flush.workers?
            LINKLOOM__FLUSH__ZSTD_LEVEL: flush.zstd_level = 22: allowed is 1 to 19
            LINKLOOM__STOR__PATH: stor.path = "x": unknown key, did you mean store.path?
            api.listen = "0.0.0.0:8080": a loopback address such as 127.0.0.1, as api.token_file is empty: without tokens the API must not be reachable from other machines
        "#]],
    );
}

#[test]
fn text_that_is_not_toml_is_a_problem_with_its_place() {
    check(
        "[flush]\ndelay_ms = \nworkers = 99999\n[flush]\n",
        &[],
        expect![[r#"
            linkloom.toml:2:12: not TOML: string values must be quoted, expected literal string
            linkloom.toml:4:2: not TOML: duplicate key
            linkloom.toml:3:1: flush.workers = 99_999: allowed is 1 to 256
        "#]],
    );
}

#[test]
fn relations_between_settings_hold() {
    check(
        "[ingest]\nreport_bytes_max = 2_000_000\npayload_bytes_max = 3_000_000\n[flush]\nbytes_max = 1_000_000\n\
         [assembler]\nidle_gap_ms = 700_000\nterminal_gap_ms = 800_000\n",
        &[],
        expect![[r#"
            ingest.payload_bytes_max = 3000000: at most ingest.report_bytes_max (2000000), the payload is part of the report
            flush.bytes_max = 1000000: at least ingest.report_bytes_max (2000000), or a single report would not fit
            assembler.terminal_gap_ms = 800000: at most assembler.idle_gap_ms (700000), which closes the window anyway
            assembler.idle_gap_ms = 700000: at most assembler.age_max_ms (600000), which closes the window anyway
        "#]],
    );
}

#[test]
fn a_scene_follows_the_value_for_all_unless_it_has_its_own() {
    let loaded = load("[scenes]\nidle_ms = 7\n[scenes.by_id.a]\n[scenes.by_id.b]\nidle_ms = 8\n", &[]);
    let scenes = loaded.expect("allowed").config.scenes;
    assert_eq!([scenes.idle_ms_of("a"), scenes.idle_ms_of("b"), scenes.idle_ms_of("c")], [7, 8, 7]);
}

#[test]
fn what_is_printed_reads_back_as_the_same_configuration() {
    let text = "[store]\npath = \"/var/lib/link \\\"loom\\\"\\\\\"\nretention_days = 30\n[ingest]\nmark_separator = \"\\u2192\"\n\
                [scenes.by_id.\"a.b \\\" c\"]\nidle_ms = 5\n[api]\nlisten = \"[::1]:7000\"\n";
    let loaded = load(text, &[]).expect("allowed");
    let again = load(&to_toml(&loaded), &[]).expect("what is printed is allowed");
    assert_eq!(again.config, loaded.config);
}

#[test]
fn the_defaults_are_within_what_is_allowed() {
    let printed = to_toml(&Loaded::default());
    assert_eq!(load(&printed, &[]).expect("defaults are allowed").config, Config::default());
}

#[test]
fn every_setting_says_what_it_means_and_numbers_name_their_unit() {
    let config = Config::default();
    for section in config.sections() {
        for setting in section.settings() {
            let path = format!("{}.{}", section.table(), setting.key);
            assert!(!setting.doc.is_empty(), "{path} has no doc comment");
            let last = setting.doc.last().copied().unwrap_or_default();
            assert!(last.ends_with('.'), "{path}: the doc comment is whole sentences");
            let unit = ["_ms", "_days", "bytes"].iter().any(|unit| setting.key.contains(unit));
            let counts = [
                "reports_max",
                "workers",
                "queue_max",
                "zstd_level",
                "packs_per_row_max",
                "remembered_max",
                "shards",
                "queue_flushes_max",
                "connections",
                "batch_cells",
                "connections_max",
                "live_connections_max",
                "digest_partitions",
                "reads_max",
                "files_max",
            ];
            assert!(
                !setting.allowed.is_number() || unit || counts.contains(&setting.key),
                "{path} names no unit"
            );
        }
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
    expect_file![path].assert_eq(&reference());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[[a-z_.\"]{0,12}\\]|[a-z_.\"]{0,10} ?= ?[0-9a-f_\"\\[\\]{}.-]{0,9}|\\PC{0,12})(\n(\\[scenes.by_id.[a-z\"]{0,5}\\]|[a-z_]{0,10} = [0-9\"]{0,5})){0,4}") {
        let _ = load(&text, &[]);
    }

    #[test]
    fn no_variable_makes_it_panic(name in "(SCENES__BY_ID__)?[A-Z_\\PC]{0,20}", value in "\\PC{0,20}") {
        let name = format!("LINKLOOM__{name}");
        let _ = load("", &[(name.as_str(), value.as_str())]);
    }
}
