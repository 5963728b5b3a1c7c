//! A store that a running `ingest` owns, read by other processes: through the owner's API, with the same bytes as after
//! it has ended.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};

/// Bound on anything waited for: far beyond what it takes, so that a failing test ends.
const PATIENCE: Duration = Duration::from_secs(120);
const AS_OF: &str = "2026-11-21T10:05:00Z";

const LINK: &str = r#"[{"nodeName":"receive","nodeType":"local"},{"nodeName":"publish","nodeType":"rpc"}]"#;
const BEGUN: &str = r#"{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"RUNNING","time":"2026-11-21T10:00:00Z","input":{"contentId": 42},"service":"api"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"COMPLETED","time":"2026-11-21T10:00:01Z","service":"api"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"receive","level":"WARN","time":"2026-11-21T10:00:00.5Z","message":"slow"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"publish","status":"RUNNING","time":"2026-11-21T10:00:02Z","service":"store"}
"#;
const ENDED: &str = r#"{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"publish","status":"COMPLETED","time":"2026-11-21T10:00:03Z","service":"store","output":{"ok":true}}
"#;

/// Two lines that are refused, a log of a trace and one of no trace, both without a mark.
const ASIDE: &str = r#"nonsense
{"type":"odd"}
{"type":"log","traceId":"t-1","service":"api","level":"INFO","message":"before the \u001b[31m mark","data":{"n":1.50},"time":"2026-11-21T10:00:00Z"}
{"type":"log","level":"INFO","message":"nobody's","time":"2026-11-21T10:00:01Z"}
"#;

fn linkloom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkloom"));
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            command.env_remove(name);
        }
    }
    // Between two processes of one machine no proxy has a say.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("ALL_PROXY", "http://127.0.0.1:9");
    command
}

fn run(arguments: &[&str]) -> Output {
    linkloom(arguments).output().expect("the binary runs")
}

/// Starts a command whose output is read when it has ended.
fn start(arguments: &[&str]) -> Child {
    let mut command = linkloom(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Runs a command again and again until it ends as wanted.
#[track_caller]
fn until(arguments: &[&str], holds: impl Fn(&Output) -> bool) -> Output {
    let began = Instant::now();
    loop {
        let output = run(arguments);
        if holds(&output) {
            return output;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{arguments:?}: {:?}\n{}{}",
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        );
    }
}

/// An `ingest` that reads what a test sends it.
struct Owner {
    child: Child,
    input: Option<ChildStdin>,
}

impl Owner {
    fn start(store: &str, links: &str) -> Self {
        let mut child = linkloom(&["ingest", "--store", store, "--dsl", links, "--no-progress", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let input = child.stdin.take();
        Owner { child, input }
    }

    fn send(&mut self, lines: &str) {
        let input = self.input.as_mut().expect("not ended yet");
        input.write_all(lines.as_bytes()).and_then(|()| input.flush()).expect("it reads");
    }

    #[track_caller]
    fn is_running(&mut self) {
        assert_eq!(self.child.try_wait().expect("a child"), None, "the owner still runs");
    }

    /// Ends the input and waits for the process.
    #[track_caller]
    fn end(mut self) {
        drop(self.input.take());
        let mut stderr = String::new();
        let _ = self.child.stderr.take().map(|mut stream| stream.read_to_string(&mut stderr));
        let status = self.child.wait().expect("a child");
        assert_eq!(status.code(), Some(0), "{stderr}");
    }
}

impl Drop for Owner {
    /// A test that failed leaves no process behind.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with definitions in `links`, and the path of a store in it.
fn folder() -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let links = folder.path().join("links");
    std::fs::create_dir(&links).expect("a folder");
    std::fs::write(links.join("intake.json"), LINK).expect("written");
    let name = |path: PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (store, links) = (name(folder.path().join("store")), name(links));
    (folder, store, links)
}

/// What the store says about its owner.
fn owner_of(store: &str) -> (u32, String) {
    let bytes = std::fs::read(Path::new(store).join("owner.json")).expect("an owner");
    let owner: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let pid = owner["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    (pid.expect("a pid"), owner["api"].as_str().expect("an address").to_owned())
}

/// The head and the body of a `GET`.
fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer");
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

#[test]
fn an_owned_store_is_read_through_its_owner_with_the_same_bytes() {
    let (_folder, store, links) = folder();
    let mut owner = Owner::start(&store, &links);
    owner.send(ASIDE);
    owner.send(BEGUN);
    owner.send(ENDED);
    let mark = ["content-42", "intake", "e1"];
    let list = ["link", "list", "--store", &store, mark[0], "--as-of", AS_OF];
    let show = ["link", "show", "--store", &store, mark[0], mark[1], mark[2], "--as-of", AS_OF];
    let node = ["node", "show", "--store", &store, mark[0], mark[1], mark[2], "receive", "--as-of", AS_OF];
    let logs = ["link", "logs", "--store", &store, mark[0], mark[1], mark[2], "--level", "warn"];
    let unknown = ["link", "list", "--store", &store, "nobody", "--output", "json"];
    let json = |command: &[&str]| {
        let arguments: Vec<&str> = command.iter().copied().chain(["--output", "json"]).collect();
        run(&arguments)
    };
    let all = || {
        let mut outputs = Vec::new();
        for command in [&list[..], &show, &node, &logs] {
            outputs.extend([run(command), json(command)]);
        }
        outputs.push(run(&unknown));
        for aside in [
            &["dead", "list", "--store", &store][..],
            &["dead", "list", "--store", &store, "--all", "--limit", "1"],
            &["dead", "list", "--store", &store, "--reason", "malformed_json", "--source", "-"],
            &["dead", "list", "--store", &store, "--source", "nowhere"],
            &["unlinked", "list", "--store", &store],
            &["unlinked", "list", "--store", &store, "--limit", "1"],
            &["unlinked", "list", "--store", &store, "--trace", "t-1"],
            &["unlinked", "list", "--store", &store, "--service", ""],
            &["unlinked", "list", "--store", &store, "--trace", "t-2"],
        ] {
            outputs.extend([run(aside), json(aside)]);
        }
        outputs
    };
    // Shown at once; a list may trail by a moment.
    until(&show, |output| text(&output.stdout).contains("completed"));
    until(&list, |output| text(&output.stdout).contains("completed"));
    let owned = all();
    owner.is_running();
    assert_eq!(text(&owned[8].stdout), "{\"executions\":[],\"nextCursor\":null}\n");
    assert_eq!(owned[8].status.code(), Some(1));
    assert!(owned.iter().take(8).all(|output| output.status.code() == Some(0)));
    let aside: Vec<(Option<i32>, &str)> =
        owned[9..].iter().map(|output| (output.status.code(), text(&output.stdout))).collect();
    assert!(aside[..16].iter().all(|(code, _)| *code == Some(0)), "{aside:#?}");
    assert!(aside[16..].iter().all(|(code, _)| *code == Some(1)), "{aside:#?}");
    for (place, part) in [
        (1, r#""reason":"malformed_json""#),
        (3, r#""nextCursor":""#),
        (7, r#"{"deadLetters":[],"nextCursor":null}"#),
        (9, r#""traceId":"t-1""#),
        (13, r#""data":{"n":1.50}"#),
        (15, r#""message":"nobody's""#),
        (17, r#"{"reports":[],"nextCursor":null}"#),
    ] {
        assert!(aside[place].1.contains(part), "{place}: {part} in {}", aside[place].1);
    }

    // The API itself answers with the bytes of `--output json`.
    let (pid, api) = owner_of(&store);
    assert_eq!(pid, owner.child.id());
    let execution = format!("/api/v1/business/{}/scenes/{}/executions/{}", mark[0], mark[1], mark[2]);
    for (path, want) in [
        (format!("/api/v1/business/{}/executions?asOf={AS_OF}", mark[0]), &owned[1]),
        (format!("{execution}?asOf={AS_OF}"), &owned[3]),
        (format!("{execution}/nodes/receive?asOf={AS_OF}"), &owned[5]),
        (format!("{execution}/logs?level=warn"), &owned[7]),
    ] {
        let (head, body) = get(&api, &path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
        assert_eq!(body, text(&want.stdout), "{path}");
    }
    // What the API does not tell yet needs the store itself, and says who has it.
    for command in
        [&["dead", "replay", "--all", "--store", &store][..], &["dsl", "graph", "--store", &store, "intake"]]
    {
        let output = run(command);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{command:?}");
        let want = format!(
            "linkloom: {store} is owned by process {pid}, its API is at {api}; this command needs the store for itself: \
             wait until that process has ended, or end it\n"
        );
        assert_eq!(text(&output.stderr), want);
    }
    let (_, metrics) = get(&api, "/metrics");
    for line in ["linkloom_positions_read_total 9\n", "linkloom_positions_total{outcome=\"stored\"} 7\n"] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    owner.is_running();

    owner.end();
    for (owned, ended) in owned.iter().zip(all()) {
        assert_eq!(text(&owned.stdout), text(&ended.stdout));
        assert_eq!((owned.status, text(&owned.stderr)), (ended.status, text(&ended.stderr)));
    }
}

/// As the documentation says: 2, and what was read is there.
#[cfg(unix)]
#[test]
fn an_interrupted_ingest_says_so_and_keeps_what_was_read() {
    let (_folder, store, links) = folder();
    let mut owner = Owner::start(&store, &links);
    owner.send(BEGUN);
    let show = ["link", "show", "--store", &store, "content-42", "intake", "e1", "--as-of", AS_OF];
    until(&show, |output| text(&output.stdout).contains("running"));
    let pid = owner.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().expect("kill");
    assert!(sent.success());
    let mut stderr = String::new();
    let _ = owner.child.stderr.take().map(|mut stream| stream.read_to_string(&mut stderr));
    assert_eq!(owner.child.wait().expect("a child").code(), Some(2), "{stderr}");
    let want = "linkloom: stopped; what was read is stored, the same command goes on from there\n";
    assert!(stderr.ends_with(want), "{stderr}");
    let output = run(&show);
    assert!(text(&output.stdout).contains("publish"), "{}", text(&output.stdout));
}

#[test]
fn link_wait_sees_what_a_running_ingest_is_fed() {
    let (_folder, store, links) = folder();
    // It waits from before there is a store, over an ingest that ends too early, for what the second one is fed.
    let wait = start(&[
        "link",
        "wait",
        "--store",
        &store,
        "content-42",
        "intake",
        "e1",
        "--timeout",
        "120s",
        "--expect-nodes",
        "receive,publish",
    ]);
    let show = ["link", "show", "--store", &store, "content-42", "intake", "e1", "--as-of", AS_OF];
    let mut first = Owner::start(&store, &links);
    first.send(BEGUN);
    until(&show, |output| text(&output.stdout).contains("running"));
    first.end();

    let early = [
        "link",
        "wait",
        "--store",
        &store,
        "content-42",
        "intake",
        "e1",
        "--as-of",
        AS_OF,
        "--timeout",
        "0s",
    ];
    let output = run(&early);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("status is running, not completed"), "{}", text(&output.stderr));

    let mut second = Owner::start(&store, &links);
    second.send(ENDED);
    let waited = wait.wait_with_output().expect("it ends");
    assert_eq!(waited.status.code(), Some(0), "{}", text(&waited.stderr));
    assert_eq!(text(&waited.stdout), "e1 is completed\n");
    second.is_running();
    second.end();
}

#[test]
fn an_owner_without_an_api_is_named() {
    let (_folder, store, links) = folder();
    let mut owner = Owner::start(&store, &links);
    owner.send(BEGUN);
    owner.end();
    let held = EmbeddedStore::open(&store, EmbeddedOptions::default()).expect("nobody owns it");
    let pid = std::process::id();
    let want = format!(
        "linkloom: {store} is owned by process {pid}, which serves no API to read it through; wait until it has ended, \
         or end it\n"
    );
    // All at once, for each of them waits a moment for the owner to end.
    let commands = [
        &["link", "list", "--store", &store, "content-42"][..],
        &["link", "show", "--store", &store, "content-42", "intake", "e1"],
        &["node", "show", "--store", &store, "content-42", "intake", "e1", "receive"],
        &["link", "wait", "--store", &store, "content-42", "intake", "e1", "--timeout", "0s"],
    ];
    let running: Vec<Child> = commands.iter().map(|command| start(command)).collect();
    for (command, running) in commands.iter().zip(running) {
        let output = running.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{command:?}");
        assert_eq!(text(&output.stderr), want, "{command:?}");
    }
    let output = run(&["ingest", "--store", &store, "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(&format!("owned by process {pid}")), "{}", text(&output.stderr));
    drop(held);
    assert_eq!(run(&["link", "list", "--store", &store, "content-42"]).status.code(), Some(0));
}

#[test]
fn reading_commands_wait_for_one_another() {
    let (_folder, store, links) = folder();
    let mut owner = Owner::start(&store, &links);
    owner.send(BEGUN);
    owner.end();
    let list = ["link", "list", "--store", &store, "content-42", "--output", "json"];
    let readers: Vec<Child> = (0..3).map(|_| start(&list)).collect();
    for reader in readers {
        let output = reader.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains(r#""executionId":"e1""#), "{}", text(&output.stdout));
    }
}
