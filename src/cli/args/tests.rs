//! The command line as people type it.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("linkloom").chain(line.split(' ').filter(|word| !word.is_empty())))
}

#[test]
fn the_definition_of_the_command_line_holds() {
    Cli::command().debug_assert();
}

/// Every line a README, a help text or a script may contain.
#[test]
fn the_documented_lines_parse() {
    for line in [
        "demo",
        "demo --once --store S",
        "ingest --store S reports.ndjson",
        "ingest --config linkloom.toml --dsl dsl-samples --strict --no-progress a.ndjson b.ndjson",
        "ingest --store S -",
        "verify --store S reports.ndjson",
        "verify --store S --topic T --from 2026-11-20 --to 1000 --brokers 127.0.0.1:9092 --output json",
        "serve --store S --brokers 127.0.0.1:9092,127.0.0.1:9093 --listen 127.0.0.1:7070 --dsl dsl-samples",
        "serve --config linkloom.toml",
        "backfill --store S --topic T --from 2026-11-20T10:00:00Z --rate 50000 --anew --no-progress",
        "link replay --store S content-42 realtime-input 5f2c --speed 10 --pause-max 1s --output ndjson",
        "bench kafka --brokers 127.0.0.1:9092 --reports 10 --partitions 16 --keyed --runs 1 --dir D",
        "link list --store S content-42",
        "link list --store S content-42 --scene s --status failed --from 2026-11-01 --to 2026-11-02T00:00:00+08:00 \
         --limit 5 --cursor abc --output json --as-of 2026-11-21T10:00:00.123456Z",
        "link show --store S content-42 realtime-input 5f2c --output json",
        "link logs content-42 realtime-input 5f2c --level error --text x --limit 5 --cursor c --without-node --output json",
        "link wait content-42 realtime-input 5f2c --until completed --timeout 30s --expect-nodes a,b",
        "node show --store S content-42 realtime-input 5f2c picProcess --run #2 --level WARN --limit 10 --cursor x",
        "dsl check a.json b.xml --output json",
        "dsl put --store S --valid-from 2026-11-21T10:00:00Z a.json",
        "dsl graph a.json --format mermaid",
        "dsl graph --store S scene --valid-at 2026-11-21",
        "dsl import conductor --out definitions --force a.json b.json",
        "convert --from conductor executions.json",
        "convert --from csv --case Case --activity Activity --time When --utc-offset -05:30 --delimiter ; a.csv",
        "convert --from xes log.xes.gz",
        "dead list --store S --limit 3",
        "dead list --store S --all --cursor x --reason bad_time --source in.ndjson --output json",
        "dead replay --store S --all",
        "dead replay --store S one two",
        "unlinked list --store S --output json",
        "unlinked list --store S --trace T --limit 5",
        "unlinked list --store S --service S --cursor x",
        "rowkey content-42 realtime-input 5f2c",
        "config check linkloom.toml",
        "config print --config linkloom.toml",
        "bench generate --reports 10 --seed 7 --out reports.ndjson",
        "bench all --dir D",
        "--color never --log debug rowkey a b c",
        "rowkey a b c --color always",
    ] {
        if let Err(error) = parse(line) {
            panic!("linkloom {line}\n{error}");
        }
    }
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (line, kind) in [
        ("ingest --store S", ErrorKind::MissingRequiredArgument),
        ("verify --store S", ErrorKind::MissingRequiredArgument),
        ("verify --store S --topic T a.ndjson", ErrorKind::ArgumentConflict),
        ("verify --store S --from 5", ErrorKind::MissingRequiredArgument),
        ("backfill --store S --topic T --from yesterday", ErrorKind::ValueValidation),
        ("backfill --store S --topic T --to 18446744073709551615", ErrorKind::ValueValidation),
        ("link replay --store S b s e --speed -1", ErrorKind::UnknownArgument),
        ("link replay --store S b s e --speed fast", ErrorKind::ValueValidation),
        ("link show --store S content-42 realtime-input", ErrorKind::MissingRequiredArgument),
        ("link list --store S b --status finished", ErrorKind::InvalidValue),
        ("dead replay --store S", ErrorKind::MissingRequiredArgument),
        ("dead replay --store S --all x", ErrorKind::ArgumentConflict),
        ("unlinked list --store S --trace T --service S", ErrorKind::ArgumentConflict),
        ("dsl graph a.json --valid-at 2026-11-21", ErrorKind::MissingRequiredArgument),
        ("dsl import conductor --force a.json", ErrorKind::MissingRequiredArgument),
        ("link list --store S b --from yesterday", ErrorKind::ValueValidation),
        ("link list --store S b --from 1999-12-31", ErrorKind::ValueValidation),
        ("link list --store S b --limit 0", ErrorKind::ValueValidation),
        ("link wait b s e --timeout soon", ErrorKind::ValueValidation),
        ("dead list --store S --reason whim", ErrorKind::ValueValidation),
        ("convert a.csv", ErrorKind::MissingRequiredArgument),
        ("convert --from csv --delimiter ;; a.csv", ErrorKind::ValueValidation),
        ("--log chatty rowkey a b c", ErrorKind::ValueValidation),
        ("lnk list b", ErrorKind::InvalidSubcommand),
        ("config print --colour never", ErrorKind::UnknownArgument),
    ] {
        match parse(line) {
            Ok(_) => panic!("linkloom {line} was accepted"),
            Err(error) => {
                assert_eq!(error.kind(), kind, "linkloom {line}\n{error}");
                assert_eq!(error.exit_code(), 2, "linkloom {line}");
            }
        }
    }
}

#[test]
fn an_id_that_looks_like_a_flag_can_follow_two_dashes() {
    let Ok(Cli { command: Command::Rowkey(mark), .. }) = parse("rowkey -- --a -b c") else {
        panic!("not parsed");
    };
    assert_eq!([&*mark.business_id, &*mark.scene_id, &*mark.execution_id], ["--a", "-b", "c"]);
}

#[test]
fn times_durations_and_offsets_have_the_forms_people_write() {
    assert_eq!(time("2026-11-21T10:00:00.123456Z"), Ok(Timestamp(1_795_255_200_123_456)));
    assert_eq!(time("2026-11-21T12:00:00+02:00"), Ok(Timestamp(1_795_255_200_000_000)));
    assert_eq!(time("2026-11-21"), Ok(Timestamp(1_795_219_200_000_000)));
    for local in ["2026-11-21T10:00:00", "2026-11-21 10:00", "2026-11-21T10:00:00.5"] {
        assert_eq!(
            time(local),
            Err(format!("{local:?} has no offset; put Z (for UTC) or one such as +02:00 behind it"))
        );
    }
    for wrong in ["", "2026-13-01", "21.11.2026", "1999-12-31", "2100-01-01", "now"] {
        assert!(time(wrong).is_err(), "{wrong:?} was accepted");
    }

    let soon = duration("soon").expect_err("it is none");
    assert!(
        soon.ends_with("allowed is a number of seconds, or one with ms, s, m or h, such as 500ms"),
        "{soon}"
    );
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(duration("30s"), duration("30"));
    assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
    for wrong in ["", "s", "-1s", "1.5s", "1 s", "5d", "99999999999999999999s", "18446744073709551615h"] {
        assert!(duration(wrong).is_err(), "{wrong:?} was accepted");
    }

    assert_eq!(utc_offset_secs("+02:00"), Ok(7_200));
    assert_eq!(utc_offset_secs("-0530"), Ok(-19_800));
    assert_eq!(utc_offset_secs("Z"), Ok(0));
    for wrong in ["", "2", "+2", "+15:00", "+02:60", "UTC", "+é:00", "+-2:00"] {
        assert!(utc_offset_secs(wrong).is_err(), "{wrong:?} was accepted");
    }
}

/// Flags that say how a process runs have an environment variable each; but for `dsl graph` a store is no setting: with
/// one it draws a scene, without one a file.
#[test]
fn process_flags_have_environment_variables() {
    let mut command = Cli::command();
    command.build();
    fn visit(command: &clap::Command) {
        for argument in command.get_arguments() {
            let Some(flag) = argument.get_long() else { continue };
            if command.get_name() == "graph" && flag == "store" {
                assert!(argument.get_env().is_none());
                continue;
            }
            if ["config", "color", "log", "store", "output"].contains(&flag) {
                let variable = argument.get_env().and_then(|name| name.to_str());
                assert_eq!(variable, Some(format!("LINKLOOM_{}", flag.to_uppercase()).as_str()));
            }
        }
        command.get_subcommands().for_each(visit);
    }
    visit(&command);
}

/// Everything has a help text.
#[test]
fn every_command_and_flag_says_what_it_does() {
    fn visit(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{} {} has no help",
                command.get_name(),
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(visit);
    }
    visit(&Cli::command());
}

#[test]
fn usage_names_both_ways_to_replay() {
    let error = parse("dead replay --store S").expect_err("neither ids nor --all").to_string();
    assert!(
        error.contains("replay [OPTIONS] <ID>...\n") && error.contains("replay [OPTIONS] --all"),
        "{error}"
    );
}

/// Every sign that a tree or a list may show stands in the help.
#[test]
fn the_signs_are_explained() {
    let mut command = Cli::command();
    let link = command.find_subcommand_mut("link").expect("a command");
    let help = link.find_subcommand_mut("show").expect("a command").render_help().to_string();
    for state in linkloom_schema::panorama::NodeState::ALL {
        let sign = crate::terminal::sign(state);
        assert!(help.contains(&format!("{sign} ")), "{sign} is not in\n{help}");
    }
}
