//! kill -9 of the process and of the broker, under load.

use linkloom::workload::WorkloadConfig;
use linkloom_ingest::source::kafka::KafkaWriter;

use crate::kill::{Reports, assert_same_answers, finish, ingest, io_figure, open, stored};
use crate::support::kafka::{Broker, broker, write_lines};
use crate::support::serve::{Server, Serving, dsl, linkloom, until};
use crate::support::{Random, from_env};

fn reports(path: std::path::PathBuf, lines: u64) -> Reports {
    reports_of(path, lines, 5_000)
}

pub(super) fn reports_of(path: std::path::PathBuf, lines: u64, malformed_per_million: u32) -> Reports {
    let config = WorkloadConfig {
        lines,
        seed: 12,
        malformed_per_million,
        duplicates_per_million: 20_000,
        late_per_million: 20_000,
        unmarked_logs_per_million: 20_000,
        ..WorkloadConfig::default()
    };
    Reports::of(path, config)
}

/// What is stored is what is in the file, and is answered as if the file had been ingested undisturbed.
pub(super) fn assert_nothing_lost(store: &std::path::Path, dsl: &std::path::Path, reports: &Reports) {
    let undisturbed = store.with_extension("file");
    finish(ingest(&undisturbed, dsl, &reports.path));
    let (one, one_open) = open(store);
    let (_other, other_open) = open(&undisturbed);
    let (identities, dead) = stored(&*one);
    assert!(identities == reports.identities(), "what is in the topic is what is stored");
    assert_eq!(dead, reports.malformed, "one dead letter for each refused record");
    assert_same_answers(reports, &one_open, &other_open);
}

#[track_caller]
pub(super) fn verify(store: &std::path::Path, brokers: &str, topic: &str) {
    let output = linkloom(&["verify", "--topic", topic, "--brokers", brokers, "--store"]).arg(store).output();
    let output = output.expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

pub(super) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

#[test]
fn killed_at_any_moment_under_load_nothing_is_lost_or_doubled() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let dsl = dsl(folder.path());
    let reports = reports(folder.path().join("reports.ndjson"), from_env("LINKLOOM_KAFKA_REPORTS", 40_000));
    let bytes = std::fs::read(&reports.path).expect("read");
    broker.topic("killed", 4);
    let writer = broker.writer();
    let store = folder.path().join("store");
    let serving = Serving { brokers: &broker.address, topics: "killed", group: "killed", dsl: Some(&dsl) };
    let kills = from_env("LINKLOOM_KAFKA_KILLS", 4);
    let mut random = Random(from_env("LINKLOOM_KILL_SEED", 1));
    let all = lines(&bytes);
    let part = all.len().div_ceil(kills as usize);
    for part in all.chunks(part) {
        // What it is killed in is still being written when it starts.
        let (before, meanwhile) = part.split_at(part.len() / 2);
        write_lines(&writer, "killed", 4, 100, before);
        let mut server = Server::start(&store, &serving);
        write_lines(&writer, "killed", 4, 100, meanwhile);
        writer.flush().expect("written");
        // A share of what comes of the part: some before anything of it is stored.
        let bytes = random.next() % (part.iter().map(|line| line.len() as u64).sum::<u64>() / 6);
        until("it has written enough", || {
            server.is_running();
            io_figure(server.child.id(), "wchar").is_some_and(|written| written >= bytes)
        });
        server.kill();
    }
    let server = Server::start(&store, &serving);
    until("all is committed", || server.metric("linkloom_kafka_lag") == Some(0));
    server.stop();
    verify(&store, &broker.address, "killed");
    assert_nothing_lost(&store, &dsl, &reports);
}

#[test]
fn a_broker_killed_under_load_loses_nothing() {
    let Some(broker) = Broker::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let dsl = dsl(folder.path());
    let reports = reports(folder.path().join("reports.ndjson"), 20_000);
    let bytes = std::fs::read(&reports.path).expect("read");
    broker.topic("broken", 4);
    let writer: KafkaWriter = broker.writer();
    let store = folder.path().join("store");
    let serving = Serving { brokers: &broker.address, topics: "broken", group: "broken", dsl: Some(&dsl) };
    let mut server = Server::start(&store, &serving);
    let all = lines(&bytes);
    for (number, part) in all.chunks(all.len().div_ceil(3)).enumerate() {
        write_lines(&writer, "broken", 4, 100, part);
        if number == 0 {
            writer.flush().expect("written");
        }
        if number < 2 {
            until("some is read", || server.metric("linkloom_positions_read_total") > Some(0));
            broker.tell("kill");
            server.is_running();
            broker.tell("start");
        }
    }
    // What was on its way when the broker died is sent again by the producer.
    writer.flush().expect("written");
    until("all is read", || server.metric("linkloom_positions_read_total") >= Some(all.len() as u64));
    until("all is committed", || server.metric("linkloom_kafka_lag") == Some(0));
    server.stop();
    verify(&store, &broker.address, "broken");
    assert_nothing_lost(&store, &dsl, &reports);
    broker.tell("kill");
}
