//! Reports posted to a running `serve`, without Kafka: stored before they are confirmed, shown live, and kept when refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Bound on anything waited for, so that a failing test ends.
const PATIENCE: Duration = Duration::from_secs(120);
const BEGUN: &str = r#"{"businessId":"b 1","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"RUNNING","time":"2026-11-21T10:00:00Z"}"#;
const ENDED: &str = r#"{"businessId":"b 1","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"COMPLETED","time":"2026-11-21T10:00:01Z"}"#;

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(store: &Path) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linkloom"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--store"]).arg(store).stderr(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LINKLOOM_") {
                command.env_remove(name);
            }
        }
        let mut process = command.spawn().expect("the binary runs");
        let began = Instant::now();
        loop {
            let owner = std::fs::read(store.join("owner.json")).unwrap_or_default();
            let owner: Value = serde_json::from_slice(&owner).unwrap_or_default();
            if owner["pid"] == process.id()
                && let Some(address) = owner["api"].as_str()
            {
                return Server { process, address: address.to_owned() };
            }
            assert!(process.try_wait().expect("asked").is_none(), "it has ended");
            assert!(began.elapsed() < PATIENCE, "it does not say where it answers");
            std::thread::yield_now();
        }
    }

    /// Asks, and gives back the connection behind the head of the answer.
    fn open(&self, method: &str, path: &str, body: &str) -> (u16, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("sent");
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line).expect("a status");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a number");
        while line != "\r\n" {
            line.clear();
            answer.read_line(&mut line).expect("a header");
        }
        (status, answer)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, mut answer) = self.open(method, path, body);
        let mut text = String::new();
        answer.read_to_string(&mut text).expect("a body");
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// Ends it at once, as a crash does.
    fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads events until one holds `text`.
fn told(live: &mut BufReader<TcpStream>, text: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(live.read_line(&mut line).expect("an event in time"), 0, "the stream goes on");
        if line.starts_with("data:") && line.contains(text) {
            return line;
        }
    }
}

#[test]
fn posted_reports_are_stored_told_and_survive_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let server = Server::start(&store);
    let (status, mut live) = server.open("GET", "/api/v1/business/b%201/live", "");
    assert_eq!(status, 200);
    told(&mut live, r#""executions":[]"#);
    let (_, mut one) = server.open("GET", "/api/v1/business/b%201/scenes/intake/executions/e1/live", "");

    let (status, answer) = server.ask("POST", "/api/v1/reports", &format!("{BEGUN}\n\nnonsense\n"));
    assert_eq!(
        (status, &answer["accepted"], &answer["refused"][0]["line"]),
        (200, &1.into(), &3.into()),
        "{answer}"
    );
    told(&mut live, r#""executionId":"e1""#);
    told(&mut one, r#""executionId":"e1""#);
    let (status, answer) = server.ask("POST", "/api/v1/reports", ENDED);
    assert_eq!((status, &answer["accepted"]), (200, &1.into()));
    // What was confirmed is stored.
    server.kill();

    let server = Server::start(&store);
    let path = "/api/v1/business/b%201/scenes/intake/executions/e1";
    let (status, answer) = server.ask("GET", path, "");
    assert_eq!((status, &answer["status"]), (200, &"completed".into()), "{answer}");
    let (_, again) = server.ask("POST", "/api/v1/reports", &format!("{BEGUN}\n{ENDED}"));
    assert_eq!(again["accepted"], 2);
    assert_eq!(server.ask("GET", path, "").1, answer, "sending them again changes nothing");

    let (_, dead) = server.ask("GET", "/api/v1/dead?source=http", "");
    let letters = dead["deadLetters"].as_array().expect("letters");
    assert_eq!((letters.len(), &letters[0]["start"]), (1, &"nonsense".into()), "{dead}");
    let id = letters[0]["id"].as_str().expect("an id");
    let id: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (status, replayed) = server.ask("POST", &format!("/api/v1/dead/{id}/replay"), "");
    assert_eq!(
        (status, &replayed["outcome"], &replayed["reason"]),
        (200, &"refused".into(), &"malformed_json".into())
    );
    let (status, wrong) = server.ask("GET", "/api/v1/dead?reason=whim", "");
    assert_eq!((status, &wrong["errors"][0]["parameter"]), (400, &"reason".into()), "{wrong}");

    let (status, put) = server.ask(
        "PUT",
        "/api/v1/scenes/intake/definition",
        r#"[{"nodeName":"receive","nodeType":"rpc"},{"nodeName":"publish","nodeType":"rpc"}]"#,
    );
    assert_eq!((status, &put["new"]), (200, &true.into()), "{put}");
    let (_, answer) = server.ask("GET", path, "");
    assert_eq!(answer["definitionVersion"], put["version"], "the first version holds from the beginning");
}
