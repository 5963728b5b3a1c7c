//! The binary from outside: answers, exit codes, and what goes to stdout and what to stderr.

use std::path::Path;
use std::process::{Command, Output};

use expect_test::expect;

fn linkloom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkloom"));
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            command.env_remove(name);
        }
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    linkloom(arguments).output().expect("the binary runs")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[test]
fn rowkey_prints_the_row_key() {
    let output = run(&["rowkey", "content-42", "realtime-input", "5f2c"]);
    expect![[r#"
        0b|content-42|realtime-input|5f2c
    "#]]
    .assert_eq(stdout(&output));
    assert_eq!((code(&output), stderr(&output)), (Some(0), ""));

    let output = run(&["rowkey", "内容|42", "a b%", "\u{1b}[31m"]);
    expect![[r#"
        97|%E5%86%85%E5%AE%B9%7C42|a%20b%25|%1B[31m
    "#]]
    .assert_eq(stdout(&output));

    let output = run(&["rowkey", "", "s", "e"]);
    assert_eq!((code(&output), stdout(&output)), (Some(2), ""));
    expect![[r#"
        linkloom: businessId is empty
    "#]]
    .assert_eq(stderr(&output));
}

#[test]
fn config_print_reads_back_and_config_check_lists_all_problems() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("linkloom.toml");
    let name = file.to_str().expect("UTF-8");

    let printed =
        linkloom(&["config", "print"]).env("LINKLOOM__FLUSH__DELAY_MS", "100").output().expect("it runs");
    assert!(stdout(&printed).contains("\ndelay_ms = 100\n"), "{}", stdout(&printed));
    std::fs::write(&file, stdout(&printed)).expect("written");
    let checked = run(&["config", "check", name]);
    assert_eq!((code(&checked), stderr(&checked)), (Some(0), ""), "{}", stdout(&checked));

    std::fs::write(&file, "[flush]\nworkers = 0\n[log]\nlevl = \"info\"\n").expect("written");
    let checked = run(&["config", "check", name]);
    assert_eq!((code(&checked), stderr(&checked)), (Some(1), ""));
    expect![[r#"
        FILE:2:1: flush.workers = 0: allowed is 1 to 256
        FILE:4:1: log.levl = "info": unknown key, did you mean log.level?
    "#]]
    .assert_eq(&stdout(&checked).replace(name, "FILE"));

    std::fs::write(&file, "[flush]\nworkers = \"3\"\ndelay = 5\n[log]\nlevel = 3\n").expect("written");
    let checked = run(&["config", "check", name]);
    expect![[r#"
        FILE:2:1: flush.workers = "3": a text, allowed is a number: 1 to 256
        FILE:3:1: flush.delay = 5: unknown key, did you mean flush.delay_ms?
        FILE:5:1: log.level = 3: a number, allowed is a text: a level (error, warn, info, debug, trace, off), or levels by part such as "info,linkloom_storage=debug"
    "#]]
    .assert_eq(&stdout(&checked).replace(name, "FILE"));
    std::fs::write(&file, "[flush]\nworkers = 0\n[log]\nlevl = \"info\"\n").expect("written");

    // Any other command does not begin with such a configuration.
    let refused = run(&["rowkey", "a", "b", "c", "--config", name]);
    assert_eq!((code(&refused), stdout(&refused)), (Some(2), ""));
    expect![[r#"
        linkloom: 2 problems in the configuration
        FILE:2:1: flush.workers = 0: allowed is 1 to 256
        FILE:4:1: log.levl = "info": unknown key, did you mean log.level?
    "#]]
    .assert_eq(&stderr(&refused).replace(name, "FILE"));

    let missing = folder.path().join("absent.toml");
    let checked = run(&["config", "check", missing.to_str().expect("UTF-8")]);
    assert_eq!((code(&checked), stdout(&checked)), (Some(2), ""));
    assert!(stderr(&checked).contains("cannot read the configuration"), "{}", stderr(&checked));
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    for arguments in
        [&["lnk"][..], &["rowkey", "a"], &["link", "list"], &["rowkey", "a", "b", "c", "--log", "loud"]]
    {
        let output = run(arguments);
        assert_eq!((code(&output), stdout(&output)), (Some(2), ""), "{arguments:?}");
        assert!(stderr(&output).contains("error: "), "{}", stderr(&output));
    }
    for arguments in [&["--help"][..], &["--version"], &["link", "show", "--help"]] {
        assert_eq!(code(&run(arguments)), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = linkloom(&["config", "print"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((code(&output), stderr(&output)), (Some(0), ""));
}

/// The first lines a newcomer types are in the README as they are here.
#[test]
fn the_readme_names_commands_that_exist() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let lines: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("linkloom ")).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let line = line.split(['#', '|', '>']).next().unwrap_or_default().trim();
        let words = line.split_whitespace().map(|word| word.trim_matches('\''));
        use clap::Parser;
        if let Err(error) = linkloom::cli::args::Cli::try_parse_from(std::iter::once("linkloom").chain(words))
        {
            panic!("README.md: linkloom {line}\n{error}");
        }
    }
}
