//! Whole processes: killed, with closed handles, without any way out. The tests run themselves again as the process that is looked at.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use linkloom_reporter::{Builder, Level, Reporter, RollingFile};

use crate::receiver::{Receiver, Reply};
use crate::support::{PATIENCE, read, settings, until};

/// Which process this is to be, if it is one that is looked at.
const ROLE: &str = "REPORTER_TEST_ROLE";

/// Runs the test `part` of this binary as another process, by a shell that may close handles.
fn run(role: &str, redirections: &str, variables: &[(&str, &str)]) -> Output {
    command(role, redirections, variables).output().expect("it runs")
}

fn command(role: &str, redirections: &str, variables: &[(&str, &str)]) -> Command {
    let itself = std::env::current_exe().expect("a path");
    let script = format!("\"$0\" --exact process::part --nocapture --test-threads 1 {redirections}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(itself).env(ROLE, role);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

fn lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    // The test harness says something before them on the same line.
    let starts = text.lines().filter_map(|line| line.find("{\"v\":1").map(|at| line[at..].to_owned()));
    starts.collect()
}

fn say(settings: Builder, count: usize) -> String {
    let running = settings.start();
    for number in 0..count {
        running.reporter().log(Level::Info, format!("m{number}")).send();
    }
    assert!(running.flush(PATIENCE));
    let stats = running.stats();
    drop(running);
    format!("written {} stderr {} dropped {}", stats.written, stats.to_stderr, stats.dropped.total())
}

/// The process that is looked at; nothing where nobody asked for one.
#[test]
fn part() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var("FOLDER").unwrap_or_default();
    match role.as_str() {
        "stdout" => eprintln!("{}", say(settings().stdout(), 3)),
        "no_way_out" => println!("{}", say(settings().file(RollingFile::new("/dev/full")), 3)),
        "stdout_gone" => {
            let running = settings().stdout().start();
            until("stdout is closed", || {
                running.reporter().log(Level::Info, "m").send();
                assert!(running.flush(PATIENCE));
                running.stats().to_stderr >= 3
            });
            assert_eq!(running.stats().dropped.total(), 0);
            eprintln!("all are somewhere");
        }
        "environment" => {
            let running = Reporter::builder().service("code").install();
            linkloom_reporter::log(Level::Info, "by the reporter of the process").send();
            assert!(running.flush(PATIENCE));
        }
        "killed" => {
            let running = settings().relay("http://127.0.0.1:9").spool(&folder).boot(1).start();
            for number in 0..100 {
                running.reporter().log(Level::Info, format!("m{number}")).send();
            }
            until("they are on disk", || running.stats().spooled == 100);
            // As a crash does: no destructor runs.
            std::process::abort();
        }
        other => panic!("an unknown role {other}"),
    }
}

#[test]
fn stdout_has_the_lines_alone() {
    let output = run("stdout", "", &[]);
    let found: Vec<String> =
        lines(&output.stdout).iter().map(|line| read(line)["message"].to_string()).collect();
    assert_eq!(found, ["\"m0\"", "\"m1\"", "\"m2\""]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("written 3 stderr 0 dropped 0"));
}

#[test]
fn a_stdout_that_is_closed_goes_to_stderr() {
    let mut command = command("stdout_gone", "", &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("{\"v\":1") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("UTF-8"), 0, "it reports");
    }
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(lines(&output.stderr).len() >= 3 && text.contains("all are somewhere"), "{text}");
    let warnings = text.matches("linkloom-reporter: reports cannot be written to stdout").count();
    assert_eq!(warnings, 1, "warned once: {text}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_any_way_out_reports_are_counted() {
    let output = run("no_way_out", "2>/dev/full", &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("written 0 stderr 0 dropped 3"), "{text}");
    assert!(output.status.success(), "the application does not notice: {output:?}");
    // Both handles closed: the standard library opens them as /dev/null, and nothing fails.
    let output = run("stdout", ">&- 2>&-", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_environment_says_where_reports_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.ndjson");
    let out = format!("file:{}", path.display());
    let variables =
        [("LINKLOOM_OUT", out.as_str()), ("LINKLOOM_SERVICE", "shop"), ("LINKLOOM_INSTANCE", "shop-1")];
    let output = run("environment", "", &variables);
    assert!(output.status.success(), "{output:?}");
    let line = read(std::fs::read_to_string(&path).unwrap().trim());
    assert_eq!((&line["service"], &line["instance"]), (&"shop".into(), &"shop-1".into()));
    assert!(line["id"].as_str().unwrap().starts_with("shop-1/"));
    assert!(!line["host"].as_str().unwrap_or_default().is_empty());
}

#[test]
fn what_a_killed_process_left_is_sent_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("killed", "", &[("FOLDER", folder.path().to_str().unwrap())]);
    assert!(!output.status.success(), "it was to be killed: {output:?}");
    assert!(has_files(folder.path()));
    let receiver = Receiver::start(|_, _| Reply::ok());
    let running = settings().relay(receiver.url()).spool(folder.path()).start();
    assert!(running.flush(PATIENCE));
    let mut found: Vec<u64> = receiver
        .posts()
        .iter()
        .flat_map(|post| &post.lines)
        .map(|line| read(line)["seq"].as_u64().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..100).collect::<Vec<u64>>());
    drop(running);
    assert!(!has_files(folder.path()), "and is gone then");
}

fn has_files(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_some()
}
