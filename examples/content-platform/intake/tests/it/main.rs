//! The content API as a process, without the services it calls: what it refuses, and what it reports when others are away.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Bound on anything waited for, so that a failing test ends.
const PATIENCE: Duration = Duration::from_secs(120);

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_content-platform-intake"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            command.env_remove(name);
        }
    }
    command
}

/// An address nobody listens on.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .to_string()
}

struct ContentApi {
    process: Child,
    address: String,
    reports: PathBuf,
    _folder: TempDir,
}

impl ContentApi {
    fn start(pictures: &str) -> ContentApi {
        let folder = tempfile::tempdir().expect("a folder");
        let reports = folder.path().join("reports.ndjson");
        let mut process = command()
            .env("CONTENT_API_LISTEN", "127.0.0.1:0")
            .env("PICTURES_URL", format!("http://{pictures}"))
            .env("KAFKA_BROKERS", nobody())
            .env("CALL_TIMEOUT_MS", "2000")
            .env("LINKLOOM_OUT", format!("file:{}", reports.display()))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address =
            line.trim().strip_prefix("content-api listens on http://").expect("says where").to_owned();
        ContentApi { process, address, reports, _folder: folder }
    }

    fn post(&self, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.post(format!("http://{}/contents", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).expect("an answer");
        let body = answer.body_mut().read_to_string().expect("a body");
        (
            answer.status().as_u16(),
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")),
        )
    }

    /// Ends it; all it has reported.
    fn stop(mut self) -> Vec<Value> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        assert_eq!(self.process.wait().expect("ended").code(), Some(0));
        self.reported()
    }

    fn reported(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.reports).unwrap_or_default();
        // A line that is not written to its end yet is none.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for ContentApi {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn content(text: &str, pictures: &[&str]) -> String {
    let content = json!({
        "contentId": "content-1", "title": "T", "text": text, "author": "ann@example.org", "pictures": pictures,
    });
    content.to_string()
}

/// Status of each report of a node, with its exception.
fn node<'a>(reports: &'a [Value], name: &str) -> Vec<(&'a str, &'a Value)> {
    let nodes = reports.iter().filter(|report| report["type"] == "node" && report["nodeName"] == name);
    nodes.map(|report| (report["status"].as_str().expect("a status"), &report["exception"])).collect()
}

#[test]
fn settings_that_make_no_sense_end_it_with_a_reason() {
    for (name, value, reason) in [
        ("CONTENT_API_LISTEN", "here", "CONTENT_API_LISTEN is \"here\", allowed is ADDRESS:PORT"),
        ("PICTURES_URL", "ftp://x", "PICTURES_URL is \"ftp://x\", allowed is http://HOST:PORT"),
        ("CALL_TIMEOUT_MS", "0", "CALL_TIMEOUT_MS is \"0\", allowed are 1 to 3600000 milliseconds"),
    ] {
        let output = command().env(name, value).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("content-api: {reason}\n"));
    }
}

#[test]
fn an_address_that_is_taken_ends_it_with_a_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let address = taken.local_addr().expect("an address").to_string();
    let output =
        command().env("CONTENT_API_LISTEN", &address).current_dir(folder.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("content-api: listening on {address}: ")), "{said}");
}

#[test]
fn steps_behind_services_that_are_away_have_failed() {
    let api = ContentApi::start(&nobody());
    let (status, answer) = api.post(&content("Boats.", &["harbour.png"]), &[]);
    assert_eq!(status, 502, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("the pictures were not audited: the picture service cannot be reached: ")
    );
    let (status, answer) = api.post(&content("A sponsored lottery.", &[]), &[]);
    assert_eq!(status, 503, "{answer}");
    let reviewed = answer["executionId"].clone();
    let (status, answer) = api.post(&content("Boats.", &[]), &[]);
    assert_eq!((status, &answer["state"]), (200, &json!("published")), "it goes on");

    let reports = api.stop();
    let (failed, other): (Vec<_>, _) =
        node(&reports, "picAudit").into_iter().partition(|(status, _)| *status == "FAILED");
    assert_eq!(failed.len(), 3, "{failed:#?}");
    assert!(failed.iter().all(|(_, exception)| exception["type"] == "ureq::error::Error"), "{failed:#?}");
    let other: Vec<_> = other.iter().map(|(status, _)| *status).collect();
    assert_eq!(
        other,
        ["RUNNING", "RUNNING", "RUNNING", "SKIPPED", "SKIPPED"],
        "three attempts, two without pictures"
    );
    let [("RUNNING", _), ("FAILED", exception)] = node(&reports, "createReviewTask")[..] else {
        panic!("{reports:#?}")
    };
    assert_eq!(exception["message"], "the task was not taken by Kafka");
    assert!(exception["stack"].as_str().unwrap().contains("Caused by: "), "{exception}");
    let unfinished =
        reports.iter().filter(|report| report["executionId"] == reviewed && report["nodeName"] == "finish");
    assert_eq!(unfinished.count(), 0);
    assert!(
        reports.iter().all(|report| report["businessId"] == "content-1"),
        "every line belongs to an execution"
    );
    assert!(!reports.iter().any(|report| report.to_string().contains("example.org")), "addresses are masked");
}

#[test]
fn the_trace_of_the_caller_is_taken_up() {
    let api = ContentApi::start(&nobody());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let (status, answer) = api.post(&content("Boats.", &[]), &[("traceparent", &parent)]);
    assert_eq!((status, &answer["executionId"]), (200, &json!(trace)));
    let (_, answer) = api.post(&content("Boats.", &[]), &[("traceparent", "nonsense")]);
    let own = answer["executionId"].as_str().expect("one of its own").to_owned();
    assert_eq!(own.len(), 32);
    let reports = api.stop();
    assert!(reports.iter().all(|report| report["traceId"] == report["executionId"]));
    assert!(
        reports.iter().all(|report| report["spanId"] != "00f067aa0ba902b7"),
        "the span of the caller is not its own"
    );
}

#[test]
fn an_intake_goes_on_when_its_caller_leaves() {
    let pictures = TcpListener::bind("127.0.0.1:0").expect("a port");
    let api = ContentApi::start(&pictures.local_addr().expect("an address").to_string());
    let mut caller = TcpStream::connect(&api.address).expect("it listens");
    let body = content("Boats.", &["harbour.png"]);
    write!(caller, "POST /contents HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("sent");

    let mut caller = Some(caller);
    for answer in [r#"{"looked":1,"saturation":0.2}"#, r#"{"texts":[]}"#] {
        let (mut call, _) = pictures.accept().expect("a call");
        drop(caller.take());
        let mut read = BufReader::new(call.try_clone().expect("a stream"));
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            read.read_line(&mut line).expect("a header");
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        read.read_exact(&mut vec![0; length]).expect("a body");
        let length = answer.len();
        write!(call, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}")
            .expect("sent");
    }
    let began = Instant::now();
    while node(&api.reported(), "finish").len() < 2 {
        assert!(began.elapsed() < PATIENCE, "{:#?}", api.reported());
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let reports = api.stop();
    assert!(!reports.iter().any(|report| report["status"] == "FAILED"), "{reports:#?}");
    assert_eq!(node(&reports, "finish")[1].0, "COMPLETED");
}
