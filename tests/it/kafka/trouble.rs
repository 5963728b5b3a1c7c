//! Brokers and topics that are not there, and settings that are not allowed: said clearly, and got over.

use std::collections::BTreeMap;
use std::time::Duration;

use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::source::kafka::{Bound, KafkaRange, NewRecord, RangeSettings};
use linkloom_ingest::source::{Next, Source as _};

use crate::support::kafka::{Broker, broker};
use crate::support::serve::{Server, Serving, linkloom, until};

const REPORT: &[u8] = br#"{"traceId":"t","message":"m","time":1795255200}"#;

#[test]
fn a_broker_that_is_not_there_is_named_and_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let serving = Serving { brokers: "127.0.0.1:1", topics: "t", group: "nobody", dsl: None };
    let mut server = Server::start(&store, &serving);
    let tried = "reach kafka at 127.0.0.1:1: ";
    until("it says so twice", || server.log().matches(tried).count() >= 2);
    let log = server.log();
    assert!(log.contains("Connection refused") && log.contains("try_again_in"), "{log}");
    assert!(server.metrics().is_some(), "it answers all the same");
    assert_eq!(server.get("/healthz"), Some((200, "ok\n".to_owned())), "it is alive");
    let lacks = "kafka: the group has not told this process its partitions yet\n";
    assert_eq!(server.get("/readyz"), Some((503, lacks.to_owned())));
    server.is_running();
    server.stop();
}

#[test]
fn a_topic_that_is_not_there_is_named_and_read_once_it_is() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let serving =
        Serving { brokers: &broker.address, topics: "early,later", group: "early-later", dsl: None };
    let server = Server::start(&store, &serving);
    let absent = |topic: &str| {
        format!(
            "read topic {topic}: kafka at {} says: UnknownTopicOrPartition (Broker: Unknown topic or partition)",
            broker.address
        )
    };
    until("both are missed", || {
        let log = server.log();
        log.contains(&absent("early")) && log.contains(&absent("later"))
    });
    let writer = broker.writer();
    for (count, topic) in [(1, "early"), (2, "later")] {
        broker.topic(topic, 1);
        writer.send(topic, &NewRecord { value: Some(REPORT), ..NewRecord::default() }).expect("sent");
        writer.flush().expect("written");
        until(topic, || server.metric("linkloom_positions_read_total") == Some(count));
    }
    server.stop();
}

#[test]
fn a_second_process_under_the_same_name_ends_the_first_with_the_reason() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    broker.topic("fenced", 1);
    let serving = Serving { brokers: &broker.address, topics: "fenced", group: "fenced", dsl: None };
    let mut first = Server::start(&folder.path().join("first"), &serving);
    until("the first reads", || first.metric("linkloom_kafka_partitions") == Some(1));
    let second = Server::start(&folder.path().join("second"), &serving);
    until("the second reads", || second.metric("linkloom_kafka_partitions") == Some(1));
    until("the first has ended", || first.child.try_wait().expect("a child").is_some());
    let log = first.log();
    assert!(log.contains("another process with the same kafka.instance_id has joined the group"), "{log}");
    assert_eq!(first.child.wait().expect("ended").code(), Some(2), "{log}");
    second.stop();
}

/// What is in a topic.
fn values(broker: &Broker, topic: &str) -> Vec<Vec<u8>> {
    let (from, to, topic) = (Bound::Start, Bound::End, topic.to_owned());
    let range = RangeSettings { topic, from, to, read_before: BTreeMap::new() };
    // It may not be there yet.
    let Ok(mut source) = KafkaRange::open(&broker.settings(), &range) else { return Vec::new() };
    let mut values = Vec::new();
    loop {
        match source.next(Duration::from_millis(50)).expect("it can be read") {
            Next::Batch(batch) => values.extend(batch.iter().map(|record| record.bytes.to_vec())),
            Next::End => return values,
            _ => {}
        }
    }
}

#[test]
fn what_is_refused_is_copied_to_the_topic_of_dead_letters() {
    let Some(broker) = broker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    broker.topic("refusing", 1);
    let writer = broker.writer();
    // JSON makes six bytes of each of its bytes: too many for a record of Kafka.
    let long = [&b"{"[..], &[1; 500_000]].concat();
    for value in [Some(&b"{\"message\":"[..]), None, Some(REPORT), Some(&long)] {
        writer.send("refusing", &NewRecord { value, ..NewRecord::default() }).expect("sent");
    }
    writer.flush().expect("written");
    let serving = Serving { brokers: &broker.address, topics: "refusing", group: "refusing", dsl: None };
    let told = [("LINKLOOM__KAFKA__DEAD_TOPIC", "refused".to_owned())];
    let server = Server::start_told(&store, &serving, &told);
    until("all of them are there", || values(broker, "refused").len() == 3);
    until("all is committed", || server.metric("linkloom_kafka_lag") == Some(0));
    server.stop();
    let letters: Vec<DeadLetter> =
        values(broker, "refused").iter().map(|json| DeadLetter::from_json(json).expect("a letter")).collect();
    let whole: Vec<(u64, bool)> = letters.iter().map(|letter| (letter.position, letter.is_whole())).collect();
    assert_eq!(whole, [(0, true), (1, true), (3, false)]);
    assert_eq!(letters[0].raw, b"{\"message\":");
    assert_eq!(letters[2].full_length, 500_001);
    let output =
        linkloom(&["dead", "list", "--output", "json", "--store"]).arg(&store).output().expect("it runs");
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(list.matches("\"reason\"").count(), 3, "the store has them, too: {list}");
}

#[test]
fn settings_that_would_lose_reports_are_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let refused = |name: &str, value: &str| {
        let mut command = linkloom(&["serve", "--brokers", "127.0.0.1:1", "--store"]);
        let output = command.arg(&store).env(name, value).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2));
        assert!(!store.exists(), "no store was made");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused("LINKLOOM__KAFKA__OPTIONS__ENABLE_AUTO_COMMIT", "true");
    expect_test::expect![[r#"
        linkloom: 1 problem in the configuration
        LINKLOOM__KAFKA__OPTIONS__ENABLE_AUTO_COMMIT: kafka.options."enable.auto.commit" = "true": it cannot be set: positions are committed when what lies before them is durable, and not by the clock: a crash would lose reports
    "#]]
    .assert_eq(&said);
    let said = refused("LINKLOOM__KAFKA__OPTIONS__FETCH_WHIT", "true");
    expect_test::expect![[r#"
        linkloom: 1 problem in the configuration
        LINKLOOM__KAFKA__OPTIONS__FETCH_WHIT: kafka.options."fetch.whit" = "true": No such configuration property: "fetch.whit"
    "#]]
    .assert_eq(&said);
    let said = refused("LINKLOOM__KAFKA__OPTIONS__SESSION_TIMEOUT_MS", "400000");
    assert!(said.contains("max.poll.interval.ms"), "{said}");
    let said = refused("LINKLOOM__KAFKA__DEAD_TOPIC", "linkloom-reports");
    assert!(said.contains("kafka.dead_topic = \"linkloom-reports\": it is one of kafka.topics"), "{said}");
    let said = refused("LINKLOOM__KAFKA__TOPICS", "a b");
    assert!(said.contains("kafka.topics = [\"a b\"]: allowed is a list of topics"), "{said}");
}

#[test]
fn without_brokers_reports_come_through_the_api_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let serving = Serving { brokers: "", topics: "t", group: "none", dsl: None };
    let mut server = Server::start(&store, &serving);
    until("it serves", || server.metrics().is_some());
    until("it is ready", || server.get("/readyz") == Some((200, "ready\n".to_owned())));
    server.is_running();
    let log = server.stop();
    assert!(
        log.contains("no Kafka is configured (kafka.brokers): reports come through the API alone"),
        "{log}"
    );
    let output =
        linkloom(&["verify", "--topic", "t", "--store"]).arg(&store).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no Kafka: name its brokers with --brokers"), "{said}");
}
