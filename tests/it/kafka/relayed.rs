//! Reports that are posted, or written to files, on their way into a topic and through it into a store.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use super::killed::{assert_nothing_lost, lines, reports_of, verify};
use crate::support::kafka::{Broker, broker};
use crate::support::serve::{Server, Serving, dsl, linkloom, until};
use crate::support::{Random, from_env};

const POST: &str = "/api/v1/reports";
const REPORT: &str = r#"{"businessId":"b","sceneId":"s","executionId":"e","nodeName":"n","status":"COMPLETED","time":"2026-11-21T10:00:00Z","id":"1"}"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An answer to a post, once there is one.
#[track_caller]
fn post(server: &Server, headers: &[&str], body: &[u8]) -> (u16, String, String) {
    let mut answer = None;
    until("it answers", || {
        answer = server.ask("POST", POST, headers, body);
        answer.is_some()
    });
    answer.expect("an answer")
}

/// Posted reports go the way of all others where there is a Kafka, also with `kafka.keyed`.
#[test]
fn what_is_posted_goes_through_the_topic() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    broker.topic("posted", 4);
    let serving = Serving { brokers: &broker.address, topics: "posted", group: "posted", dsl: None };
    let keyed = [("LINKLOOM__KAFKA__KEYED", "true".to_owned())];
    let server = Server::start_told(&folder.path().join("store"), &serving, &keyed);
    until("it is ready", || server.get("/readyz").is_some_and(|(status, _)| status == 200));
    // The broker takes records of a megabyte, the toolkit one of a mebibyte.
    let long = format!(
        r#"{{"businessId":"b","sceneId":"s","executionId":"e","message":"{}"}}"#,
        "x".repeat(1_048_400)
    );
    let body = format!("{REPORT}\nnonsense\n{long}\n");
    for _ in 0..2 {
        let (status, _, answer) = post(&server, &[], body.as_bytes());
        let answer = json(&answer);
        assert_eq!((status, &answer["accepted"]), (200, &1.into()), "{answer}");
        let refused =
            |at: usize| (answer["refused"][at]["line"].as_u64(), answer["refused"][at]["reason"].as_str());
        assert_eq!(refused(0), (Some(2), Some("malformed_json")));
        assert_eq!(refused(1), (Some(3), Some("report_too_long")));
    }
    let mut answer = Value::Null;
    until("it is stored", || {
        let (status, text) = server.get("/api/v1/business/b/scenes/s/executions/e").unwrap_or_default();
        answer = if status == 200 { json(&text) } else { Value::Null };
        status == 200
    });
    assert_eq!(answer["counts"]["reports"], 1, "{answer}");
    assert_eq!(server.metric("linkloom_relay_refused_total"), Some(2), "one of each post");
    // Both copies of what was no report are kept, with the place they have in the topic.
    until("the dead letters are there", || {
        let (_, text) = server.get("/api/v1/dead?source=posted").unwrap_or_default();
        text.matches(r#""start":"nonsense""#).count() == 2
    });
    server.stop();
}

/// A file that is written to, and rolled now and then.
struct Rolled<'f> {
    folder: &'f Path,
    file: File,
    rolls: usize,
}

impl<'f> Rolled<'f> {
    fn new(folder: &'f Path) -> Self {
        Rolled { folder, file: Self::open(folder), rolls: 0 }
    }

    fn open(folder: &Path) -> File {
        OpenOptions::new().create(true).append(true).open(folder.join("app.ndjson")).expect("opened")
    }

    fn write(&mut self, lines: &[&[u8]], random: &mut Random) {
        for line in lines {
            // Some lines come in two pieces.
            let cut = if random.one_in(50) { random.below(line.len()) } else { 0 };
            self.file.write_all(&line[..cut]).expect("written");
            self.file.write_all(&[&line[cut..], b"\n"].concat()).expect("written");
        }
    }

    fn roll(&mut self) {
        self.rolls += 1;
        let rolled = self.folder.join(format!("app.{}.ndjson", self.rolls));
        fs::rename(self.folder.join("app.ndjson"), rolled).expect("renamed");
        self.file = Self::open(self.folder);
    }
}

/// The files in a folder that are not empty.
fn sizes(folder: &Path) -> BTreeMap<String, u64> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    let sizes = files.map(|file| (file.path().display().to_string(), file.metadata().expect("a size").len()));
    sizes.filter(|(_, size)| *size > 0).collect()
}

/// Files that grow and are rolled; the process that follows them is killed, and so is the broker.
#[test]
fn files_are_followed_through_rolls_and_kills_to_the_last_line() {
    let Some(broker) = Broker::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let dsl = dsl(folder.path());
    // Sent twice, a refused line would be two dead letters: there are none here.
    let reports =
        reports_of(folder.path().join("reports.ndjson"), from_env("LINKLOOM_KAFKA_REPORTS", 40_000), 0);
    let bytes = fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    broker.topic("followed", 4);
    let written = folder.path().join("app");
    fs::create_dir(&written).expect("made");
    let pattern = written.join("*.ndjson").display().to_string();
    let state = folder.path().join("state").display().to_string();
    let log = folder.path().join("relay.log");
    let serving =
        Serving { brokers: &broker.address, topics: "followed", group: "followed", dsl: Some(&dsl) };
    let relays = Serving { dsl: None, ..serving };
    let start = || Server::start_relay(&["--file", &pattern, "--state", &state], &relays, &log, &[]);

    let mut random = Random(from_env("LINKLOOM_KILL_SEED", 1));
    let mut files = Rolled::new(&written);
    let kills = from_env("LINKLOOM_KAFKA_KILLS", 4) as usize;
    for (number, part) in all.chunks(all.len().div_ceil(kills)).enumerate() {
        // It may be rolled while nobody looks.
        if random.one_in(2) {
            files.roll();
        }
        let relay = start();
        for piece in part.chunks(part.len().div_ceil(4)) {
            files.write(piece, &mut random);
            if random.one_in(2) {
                files.roll();
            }
        }
        if number == 1 {
            broker.tell("kill");
            broker.tell("start");
        }
        until("some of it is in the topic", || {
            relay.metric("linkloom_relay_delivered_total").is_some_and(|some| some > 0)
        });
        relay.kill();
    }
    let relay = start();
    let store = folder.path().join("store");
    let server = Server::start(&store, &serving);
    until("all of them is in the topic, and that is written down", || {
        let places = fs::read(Path::new(&state).join("followed.json")).unwrap_or_default();
        let places: Value = serde_json::from_slice(&places).unwrap_or_default();
        let noted =
            places.as_array().map_or(0, |all| all.iter().filter_map(|place| place["length"].as_u64()).sum());
        let there: u64 = sizes(&written).values().sum();
        noted == there && relay.metric("linkloom_relay_under_way_bytes") == Some(0)
    });
    let said = relay.stop();
    assert!(said.contains("stopped"), "{said}");
    until("all is committed", || server.metric("linkloom_kafka_lag") == Some(0));
    server.stop();
    verify(&store, &broker.address, "followed");
    assert_nothing_lost(&store, &dsl, &reports);

    // What was read is not read again.
    let before = fs::read_to_string(&log).expect("a log").len();
    let relay = start();
    let sizes = sizes(&written);
    until("it looks at all of them", || relay.log()[before..].matches("following").count() == sizes.len());
    let said = relay.log();
    for (file, size) in sizes {
        let line = format!("following file={file} from={size}\n");
        assert!(said[before..].contains(&line), "{line}{said}");
    }
    relay.stop();
}

/// Kafka is away: what is posted waits up to a bound, then is refused until there is room.
#[test]
fn without_a_broker_posts_are_refused_before_memory_is_full() {
    let Some(broker) = Broker::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    broker.topic("full", 1);
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "0123456789abcdef\n").expect("written");
    let serving = Serving { brokers: &broker.address, topics: "full", group: "full", dsl: None };
    let relay = Server::start_relay(
        &[],
        &serving,
        &folder.path().join("relay.log"),
        &[
            ("LINKLOOM__API__REPORTS_BYTES_MAX", "4096".to_owned()),
            ("LINKLOOM__API__TOKEN_FILE", tokens.display().to_string()),
        ],
    );
    let token = "Authorization: Bearer 0123456789abcdef";
    until("it is ready", || relay.get("/readyz").is_some_and(|(status, _)| status == 200));
    let (status, head, _) = post(&relay, &[], REPORT.as_bytes());
    assert!(status == 401 && head.contains("www-authenticate: Bearer"), "{head}");
    let (status, _, answer) = post(&relay, &[token], REPORT.as_bytes());
    assert_eq!((status, &json(&answer)["accepted"]), (200, &1.into()), "{answer}");
    let (status, _, answer) = relay.ask("GET", "/api/v1/scenes", &[token], b"").expect("an answer");
    assert!(status == 404 && answer.contains("passes reports on"), "{answer}");

    broker.tell("kill");
    let reports: Vec<String> =
        (0..40).map(|id| REPORT.replace(r#""id":"1""#, &format!(r#""id":"{id}""#))).collect();
    let body = reports.join("\n");
    std::thread::scope(|scope| {
        // It is answered when Kafka has it, however long that takes.
        let waits = scope.spawn(|| post(&relay, &[token], body.as_bytes()));
        until("it has come", || relay.metric_with("linkloom_relay_under_way_bytes", token) > Some(4_096));
        let (status, head, answer) = post(&relay, &[token], body.as_bytes());
        assert_eq!((status, &json(&answer)["status"]), (429, &429.into()), "{answer}");
        assert!(head.contains("retry-after: "), "{head}");
        broker.tell("start");
        let (status, _, answer) = waits.join().expect("an answer");
        assert_eq!((status, &json(&answer)["accepted"]), (200, &40.into()), "{answer}");
    });
    until("there is room again", || post(&relay, &[token], body.as_bytes()).0 == 200);
    relay.stop();
    broker.tell("kill");
}

/// Brokers hold a whole batch against the length a topic allows, and say it of all records in it.
#[test]
fn a_topic_that_takes_little_at_once_gets_every_report() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    broker.topic("little", 1);
    let serving = Serving { brokers: &broker.address, topics: "little", group: "little", dsl: None };
    let server = Server::start(&folder.path().join("store"), &serving);
    until("it is ready", || server.get("/readyz").is_some_and(|(status, _)| status == 200));
    let stored = |count: u64| {
        until("all are stored", || {
            let (status, text) = server.get("/api/v1/business/b/scenes/s/executions/e").unwrap_or_default();
            status == 200 && json(&text)["counts"]["logs"] == count
        });
    };
    let line = |id: u64, text: &str| {
        format!(r#"{{"businessId":"b","sceneId":"s","executionId":"e","message":"{text}","id":"{id}"}}"#)
    };
    assert_eq!(post(&server, &[], line(0, "short").as_bytes()).0, 200);
    stored(1);
    // It has asked what the topic takes: nothing tells it that this changes.
    broker.takes("little", 3_000);
    // Hard to compress: a batch of them is longer than allowed, and one of them by itself.
    let mut random = Random(7);
    let mut noise = |length: usize| -> String {
        (0..length).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
    };
    let mut lines: Vec<String> = (1..200).map(|id| line(id, &noise(400))).collect();
    lines.push(line(200, &noise(10_000)));
    let (status, _, answer) = post(&server, &[], lines.join("\n").as_bytes());
    assert_eq!((status, &json(&answer)["accepted"]), (200, &200.into()), "{answer}");
    stored(200);
    assert_eq!(server.metric("linkloom_relay_refused_total"), Some(1));
    assert_eq!(server.metric("linkloom_relay_delivered_total"), Some(200));
    server.stop();
}

#[test]
fn what_keeps_a_relay_from_its_work_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
    let said = |arguments: &[&str]| {
        let output = linkloom(&["relay"]).args(arguments).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let brokers = ["--brokers", "127.0.0.1:1"];
    for (arguments, why) in [
        (&["--file", "x"][..], "no Kafka: name its brokers with --brokers"),
        (&[&brokers[..], &["--file", "x"]].concat(), "name a folder with --state"),
        (&[&brokers[..], &["--file", "a/**b", "--state", state]].concat(), "read pattern \"a/**b\": "),
        (
            &[&brokers[..], &["--file", "x", "--state", "/dev/null/x"]].concat(),
            "make state folder /dev/null/x: ",
        ),
        (&[&brokers[..], &["--listen", "0.0.0.0:0"]].concat(), "0.0.0.0:0 is not a loopback address"),
    ] {
        let said = said(arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    fs::create_dir_all(state).expect("made");
    fs::write(Path::new(state).join("followed.json"), "[{").expect("written");
    let said = said(&[&brokers[..], &["--file", "x", "--state", state]].concat());
    assert!(said.contains("without it all files are read from their beginning"), "{said}");
}
