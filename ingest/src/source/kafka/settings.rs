//! How Kafka is reached and read, and which of librdkafka's own settings may be changed.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// How Kafka is reached and what is read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, several with commas between them.
    pub brokers: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The consumer group whose members share their partitions.
    pub group: String,
    /// Name of this member in its group: one that comes back within its session timeout gets its partitions again
    /// without a rebalance. Empty: none.
    pub instance_id: String,
    /// Bytes fetched ahead, over all partitions. At the limit fetching waits.
    pub queue_bytes_max: usize,
    /// Bytes of a record that are held: the longest report there may be. Of longer ones the beginning is kept.
    pub record_bytes_max: usize,
    /// Any setting of librdkafka over ours, but for those [`check_option`] refuses.
    pub options: BTreeMap<String, String>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        KafkaSettings {
            brokers: String::new(),
            topics: Vec::new(),
            group: "linkloom".to_owned(),
            instance_id: String::new(),
            queue_bytes_max: 32 << 20,
            record_bytes_max: 1 << 20,
            options: BTreeMap::new(),
        }
    }
}

/// A setting of librdkafka that cannot be passed through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedOption(String);

/// Why a setting is not to be changed.
const REFUSED: [(&[&str], &str); 7] = [
    (
        &["enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms"],
        "positions are committed when what lies before them is durable, and not by the clock: a crash would lose reports",
    ),
    (
        &["enable.auto.offset.store"],
        "a position counts when what lies before it is durable, and not when it was read: a crash would lose reports",
    ),
    (&["bootstrap.servers", "metadata.broker.list"], "the brokers are named by kafka.brokers"),
    (&["group.id"], "the group is named by kafka.group"),
    (&["group.instance.id"], "it is set by kafka.instance_id"),
    (
        &["queued.max.messages.kbytes"],
        "it counts for each partition; kafka.queue_bytes_max bounds all of them together",
    ),
    (&["enable.partition.eof", "consume.callback.max.messages"], "the source itself depends on it"),
];

/// Whether librdkafka's setting `key` may be `value`. Nothing is connected to.
pub fn check_option(key: &str, value: &str) -> Result<(), RefusedOption> {
    let reason = REFUSED.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, reason)| *reason);
    if let Some(reason) = reason {
        return Err(RefusedOption(format!("it cannot be set: {reason}")));
    }
    let mut config = ClientConfig::new();
    config.set(key, value);
    match config.create_native_config() {
        Ok(_) => Ok(()),
        // Says itself what is wrong, such as `No such configuration property: "x"`.
        Err(KafkaError::ClientConfig(_, reason, ..)) => Err(RefusedOption(reason)),
        Err(error) => Err(RefusedOption(error.to_string())),
    }
}

/// Bytes a partition may ask for at once, unless its share of the queue is less.
const PARTITION_FETCH_BYTES: usize = 1 << 20;
/// Least bytes fetched ahead for a partition.
const PARTITION_QUEUE_BYTES_MIN: usize = 128 << 10;

impl KafkaSettings {
    /// What every client of ours begins with.
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "linkloom");
        // A broker that comes back is found again within seconds.
        config.set("reconnect.backoff.max.ms", "2000");
        config
    }

    fn pass_through(&self, config: &mut ClientConfig, only: impl Fn(&str) -> bool) {
        for (key, value) in self.options.iter().filter(|(key, _)| only(key)) {
            config.set(key, value);
        }
    }

    /// A client that only asks questions.
    pub(super) fn asking(&self) -> ClientConfig {
        let mut config = self.client();
        self.pass_through(&mut config, |key| !key.starts_with("group.") && key != "statistics.interval.ms");
        config
    }

    /// A client that reads `partitions` partitions at most.
    fn reading(&self, partitions: usize) -> ClientConfig {
        let mut config = self.client();
        let share = (self.queue_bytes_max / partitions.max(1)).max(PARTITION_QUEUE_BYTES_MIN);
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        // Each partition has a queue of its own, for which this counts.
        config.set("queued.max.messages.kbytes", (share / 1024).to_string());
        config.set("max.partition.fetch.bytes", PARTITION_FETCH_BYTES.min(share).to_string());
        // How long a partition whose queue was full is left alone. The default, a second, makes a consumer that is a
        // little slower than its broker stand still half the time.
        config.set("fetch.queue.backoff.ms", "5");
        config
    }

    /// A member of the group.
    pub(super) fn member(&self, partitions: usize) -> ClientConfig {
        let mut config = self.reading(partitions);
        config.set("group.id", &self.group);
        if !self.instance_id.is_empty() {
            config.set("group.instance.id", &self.instance_id);
        }
        // Where nothing was committed, everything there is gets read.
        config.set("auto.offset.reset", "earliest");
        // How soon a topic that was made, or got more partitions, is read.
        config.set("topic.metadata.refresh.interval.ms", "10000");
        let by_broker = self
            .options
            .get("group.protocol")
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("consumer"));
        if !by_broker {
            config.set("partition.assignment.strategy", "cooperative-sticky");
        }
        self.pass_through(&mut config, |_| true);
        config
    }

    /// A reader of a fixed stretch: it joins no group and commits nothing.
    pub(super) fn stretch(&self, partitions: usize) -> ClientConfig {
        let mut config = self.reading(partitions);
        // librdkafka assigns nothing without a name here; nobody ever sees it as a member.
        config.set("group.id", format!("{}-range", self.group));
        config.set("auto.offset.reset", "earliest");
        config.set("enable.partition.eof", "true");
        self.pass_through(&mut config, |key| {
            !key.starts_with("group.") && key != "partition.assignment.strategy" && key != "auto.offset.reset"
        });
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lose_reports_is_refused_with_the_reason() {
        for key in ["enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store"] {
            let error = check_option(key, "true").expect_err(key).to_string();
            assert!(error.contains("a crash would lose reports"), "{key}: {error}");
        }
        for key in ["group.id", "bootstrap.servers", "group.instance.id", "queued.max.messages.kbytes"] {
            assert!(check_option(key, "1").expect_err(key).to_string().contains("kafka."), "{key}");
        }
    }

    #[test]
    fn librdkafka_says_what_else_is_wrong() {
        let told = |key, value| check_option(key, value).expect_err(key).to_string();
        expect_test::expect![[r#"No such configuration property: "fetch.whit""#]]
            .assert_eq(&told("fetch.whit", "1"));
        expect_test::expect![[
            r#"Configuration property "fetch.wait.max.ms" value 9999999 is outside allowed range 0..300000
"#
        ]]
        .assert_eq(&told("fetch.wait.max.ms", "9999999"));
        assert_eq!(check_option("fetch.wait.max.ms", "20"), Ok(()));
        assert_eq!(check_option("security.protocol", "PLAINTEXT"), Ok(()));
    }

    #[test]
    fn all_partitions_share_the_queue() {
        let settings = KafkaSettings { queue_bytes_max: 32 << 20, ..KafkaSettings::default() };
        for (partitions, kib, fetch) in
            [(0, "32768", "1048576"), (1, "32768", "1048576"), (4, "8192", "1048576"), (64, "512", "524288")]
        {
            let config = settings.member(partitions);
            assert_eq!(config.get("queued.max.messages.kbytes"), Some(kib), "{partitions}");
            assert_eq!(config.get("max.partition.fetch.bytes"), Some(fetch), "{partitions}");
        }
    }

    #[test]
    fn options_go_over_ours() {
        let options = [("fetch.queue.backoff.ms", "7"), ("group.protocol", "consumer")];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = KafkaSettings { options: options.into(), ..KafkaSettings::default() };
        let member = settings.member(1);
        assert_eq!(member.get("fetch.queue.backoff.ms"), Some("7"));
        assert_eq!(member.get("partition.assignment.strategy"), None, "the broker assigns");
        assert_eq!(settings.stretch(1).get("group.protocol"), None, "it joins no group");
        assert_eq!(member.get("enable.auto.commit"), Some("false"));
    }
}
