//! An application that reports while Linkloom is away: its calls go on, its memory stays bounded, nothing is lost or doubled.
//!
//! `LINKLOOM_AWAY_SECONDS=60` makes it a minute.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::serve::{Server, linkloom, until};
use crate::support::{built, from_env};

/// Executions a second of each application; each has four reports.
const RATE: u64 = 250;

/// An application that runs.
struct Application {
    child: Child,
    says: BufReader<ChildStdout>,
}

/// What it says of itself.
#[derive(Clone, Copy, Debug)]
struct Said {
    executions: u64,
    rss_kib: u64,
    p50: u64,
    p99: u64,
    max: u64,
    spool_bytes: u64,
    dropped: u64,
    out: bool,
}

impl Application {
    fn start(binary: &Path, url: &str, spool: &Path, name: &str, seconds: u64) -> Application {
        let mut command = Command::new(binary);
        command.arg(url).arg(spool).args([name, &RATE.to_string(), &seconds.to_string()]);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("LINKLOOM_") {
                command.env_remove(variable);
            }
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let says = BufReader::new(child.stdout.take().expect("a pipe"));
        Application { child, says }
    }

    /// What it says next; `None` at its end.
    fn said(&mut self) -> Option<Said> {
        let mut line = String::new();
        if self.says.read_line(&mut line).expect("read") == 0 {
            return None;
        }
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let number = |key: &str| said[key].as_u64().unwrap_or_else(|| panic!("no {key} in {line}"));
        Some(Said {
            executions: number("executions"),
            rss_kib: number("rssKib"),
            p50: number("p50"),
            p99: number("p99"),
            max: number("max"),
            spool_bytes: number("spoolBytes"),
            dropped: number("dropped"),
            out: said["out"] == true,
        })
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of what an application said: the medians and maxima of what calls took, in microseconds, and the most memory in MiB.
fn summary(said: &[Said]) -> String {
    let mut p50: Vec<u64> = said.iter().map(|said| said.p50).collect();
    let mut p99: Vec<u64> = said.iter().map(|said| said.p99).collect();
    p50.sort_unstable();
    p99.sort_unstable();
    let us = |nanos: u64| nanos as f64 / 1e3;
    let (max, rss) = (said.iter().map(|said| said.max).max(), said.iter().map(|said| said.rss_kib).max());
    format!(
        "a call p50 {:.1} us, p99 {:.1} us (medians of {} half seconds), at most {:.0} us; memory at most {:.1} MiB",
        us(p50[p50.len() / 2]),
        us(p99[p99.len() / 2]),
        said.len(),
        us(max.unwrap_or(0)),
        rss.unwrap_or(0) as f64 / 1024.0,
    )
}

#[test]
fn an_application_goes_on_while_linkloom_is_away_and_nothing_is_lost() {
    let away = from_env("LINKLOOM_AWAY_SECONDS", 6);
    let binary = match std::env::var_os("LINKLOOM_STEADY") {
        Some(binary) => binary.into(),
        None => built(&["--example", "steady"]),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (store, spool) = (folder.path().join("store"), folder.path().join("spool"));
    // The same address before and after, which nobody else is likely to take meanwhile.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let serve = || Server::start_alone(&store, &address.to_string());
    let url = format!("http://{address}");
    let server = serve();
    until("it answers", || server.get("/healthz").is_some());

    let mut steady = Application::start(&binary, &url, &spool, "steady", 3 + away + 3);
    let mut killed = Application::start(&binary, &url, &spool, "killed", 3_600);
    let mut before = Vec::new();
    while before.len() < 4 {
        before.push(steady.said().expect("it runs"));
        killed.said().expect("it runs");
    }
    server.kill();
    let began = Instant::now();
    let mut meanwhile = Vec::new();
    let mut reported_before_the_end = 0;
    while began.elapsed() < Duration::from_secs(away) {
        meanwhile.push(steady.said().expect("it runs"));
        // One of the two is killed in the middle of it.
        if began.elapsed() < Duration::from_secs(away) / 2 {
            reported_before_the_end = killed.said().expect("it runs").executions;
        } else {
            let _ = killed.child.kill();
        }
    }
    assert!(meanwhile.iter().any(|said| said.spool_bytes > 0), "it is spooled: {meanwhile:?}");
    let server = serve();
    // Who starts next finds what the killed one left.
    let mut next = Application::start(&binary, &url, &spool, "next", 2);
    let mut last = None;
    while let Some(said) = steady.said() {
        last = Some(said);
    }
    let last = last.expect("it said something at the end");
    assert!(last.out && last.dropped == 0, "{last:?}");
    let mut next_last = None;
    while let Some(said) = next.said() {
        next_last = Some(said);
    }
    let next_last = next_last.expect("it said something at the end");
    assert!(next_last.out && next_last.dropped == 0, "{next_last:?}");
    eprintln!("before: {}", summary(&before));
    eprintln!("away for {away} s: {}", summary(&meanwhile));
    // Eight MiB of reports are held at most, and what compresses and sends them comes on top.
    let most = |said: &[Said]| said.iter().map(|said| said.rss_kib).max().unwrap_or(0);
    assert!(most(&meanwhile) <= most(&before) + (16 << 10), "{before:?}\n{meanwhile:?}");

    server.stop();
    // Every execution of the two, whole, and of the one that was killed all but its last moment.
    let all = |count: u64| (0..count).collect::<BTreeSet<u64>>();
    let of_steady = executions(&store, "steady", 0);
    assert!(of_steady == all(last.executions), "{} of {}", of_steady.len(), last.executions);
    let of_next = executions(&store, "next", 0);
    assert!(of_next == all(next_last.executions), "{} of {}", of_next.len(), next_last.executions);
    let of_killed = executions(&store, "killed", 1);
    assert!(of_killed == all(of_killed.len() as u64), "there is no gap");
    // What it had in memory when it was killed is gone: at most what came since its last batch.
    let lost = reported_before_the_end.saturating_sub(of_killed.len() as u64);
    assert!(lost <= RATE, "{lost} of {reported_before_the_end}");
}

/// Executions of a business, which are completed but for `broken_off` of them, and listed once each.
fn executions(store: &Path, business: &str, broken_off: usize) -> BTreeSet<u64> {
    let mut listed = BTreeSet::new();
    let mut others = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut command =
            linkloom(&["link", "list", business, "--limit", "1000", "--output", "json", "--store"]);
        command.arg(store).args(cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
        let page = answer(&mut command);
        for execution in page["executions"].as_array().expect("a list") {
            let number: u64 =
                execution["executionId"].as_str().and_then(|id| id.parse().ok()).expect("a number");
            assert!(listed.insert(number), "each is listed once");
            if execution["nodeCounts"] != serde_json::json!({"completed": 1}) {
                others.push(number);
            }
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert!(others.len() <= broken_off, "{others:?}");
    for execution in listed.iter().step_by(listed.len().div_ceil(20)).filter(|_| broken_off == 0) {
        let mut command = linkloom(&["link", "show", business, "steady", &execution.to_string()]);
        let answer = answer(command.args(["--output", "json", "--store"]).arg(store));
        assert_eq!(
            (&answer["counts"]["reports"], &answer["counts"]["logs"]),
            (&4.into(), &2.into()),
            "{answer}"
        );
        let kinds: Vec<&Value> =
            answer["findings"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
        assert!(!kinds.contains(&&"id_conflict".into()), "{kinds:?}");
    }
    listed
}

#[track_caller]
fn answer(command: &mut Command) -> Value {
    let output = command.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
