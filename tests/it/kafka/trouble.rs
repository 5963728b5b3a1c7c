//! Brokers and topics that are not there, and settings that are not allowed: said clearly, and got over.

use linkloom_ingest::source::kafka::NewRecord;

use crate::support::kafka::broker;
use crate::support::serve::{Server, Serving, linkloom, until};

const REPORT: &[u8] = br#"{"traceId":"t","message":"m","time":1795255200}"#;

#[test]
fn a_broker_that_is_not_there_is_named_and_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let serving = Serving { brokers: "127.0.0.1:1", topics: "t", group: "nobody", dsl: None };
    let mut server = Server::start(&store, &serving);
    until("it says so twice", || server.log().matches("Connection refused").count() >= 2);
    let log = server.log();
    assert!(log.contains("reach kafka at 127.0.0.1:1: "), "{log}");
    assert!(log.contains("try_again_in"), "{log}");
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
    let said = refused("LINKLOOM__KAFKA__TOPICS", "a b");
    assert!(said.contains("kafka.topics = [\"a b\"]: allowed is a list of topics"), "{said}");
}

#[test]
fn without_brokers_only_questions_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let serving = Serving { brokers: "", topics: "t", group: "none", dsl: None };
    let mut server = Server::start(&store, &serving);
    until("it serves", || server.metrics().is_some());
    until("it is ready", || server.get("/readyz") == Some((200, "ready\n".to_owned())));
    server.is_running();
    let log = server.stop();
    assert!(log.contains("nothing is read"), "{log}");
    let output =
        linkloom(&["verify", "--topic", "t", "--store"]).arg(&store).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no Kafka: name its brokers with --brokers"), "{said}");
}
