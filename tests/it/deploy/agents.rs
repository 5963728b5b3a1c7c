//! The configurations of log agents: all of them ship the same way, to the topic Linkloom reads.

use serde_json::Value;

use super::{read, texts, yaml};

const VECTOR: &str = "deploy/agents/vector.yaml";
const FLUENT_BIT: &str = "deploy/agents/fluent-bit.yaml";
const FILEBEAT: &str = "deploy/agents/filebeat.yml";

fn vector() -> (Value, Value) {
    let config = yaml(VECTOR);
    (config["sources"]["reports"].clone(), config["sinks"]["reports_to_kafka"].clone())
}

fn fluent_bit() -> (Value, Value) {
    let config = yaml(FLUENT_BIT);
    (config["pipeline"]["inputs"][0].clone(), config["pipeline"]["outputs"][0].clone())
}

fn filebeat() -> (Value, Value) {
    let config = yaml(FILEBEAT);
    (config["filebeat.inputs"][0].clone(), config["output.kafka"].clone())
}

/// The longest line and the longest message of each agent, in bytes.
pub(super) fn sizes() -> Vec<(&'static str, u64, u64)> {
    let number = |value: &Value| match value {
        Value::String(text) => text
            .strip_suffix('M')
            .map_or_else(|| text.parse(), |mib| mib.parse().map(|mib: u64| mib << 20))
            .ok(),
        value => value.as_u64(),
    };
    let (vector_source, vector_sink) = vector();
    let (tail, kafka) = fluent_bit();
    let (filestream, output) = filebeat();
    let sizes = [
        (VECTOR, &vector_source["max_line_bytes"], &vector_sink["librdkafka_options"]["message.max.bytes"]),
        (FLUENT_BIT, &tail["buffer_max_size"], &kafka["rdkafka.message.max.bytes"]),
        (FILEBEAT, &filestream["message_max_bytes"], &output["max_message_bytes"]),
    ];
    let pair = |(agent, line, message)| Some((agent, number(line)?, number(message)?));
    sizes.into_iter().map(|size| pair(size).unwrap_or_else(|| panic!("no sizes in {}", size.0))).collect()
}

#[test]
fn all_ship_to_the_topic_that_is_read() {
    let config: toml::Table = read("deploy/linkloom.toml").parse().expect("TOML");
    let topics = config["kafka"]["topics"].as_array().expect("topics");
    let [topic] = topics.as_slice() else { panic!("{topics:?}") };
    let topic = topic.as_str().expect("a topic");
    assert_eq!(vector().1["topic"], topic);
    assert_eq!(fluent_bit().1["topics"], topic);
    assert_eq!(filebeat().1["topic"], topic);
    let brokers = config["kafka"]["brokers"].as_str().expect("brokers");
    assert_eq!(vector().1["bootstrap_servers"], brokers);
    assert_eq!(fluent_bit().1["brokers"], brokers);
    assert_eq!(texts(&filebeat().1["hosts"]).collect::<Vec<_>>(), [brokers]);
    // Vector takes `${...}` as it is.
    assert!(!read(VECTOR).contains("${"));
    let compose = yaml("docker-compose.yml");
    let made: Vec<&str> = texts(&compose["services"]["kafka-topics"]["command"]).collect();
    assert!(made.windows(2).any(|pair| pair == ["--topic", topic]), "{made:?}");
    assert!(read("docs/operations.md").contains(&format!("--create --topic {topic} ")));
}

#[test]
fn all_read_the_files_the_sample_application_writes() {
    let pattern = "/var/log/app/reports*.log";
    let (source, _) = vector();
    assert_eq!(texts(&source["include"]).collect::<Vec<_>>(), [pattern]);
    assert_eq!(fluent_bit().0["path"], pattern);
    assert_eq!(texts(&filebeat().0["paths"]).collect::<Vec<_>>(), [pattern]);
    let compose = yaml("docker-compose.yml");
    let log = texts(&compose["services"]["sample-app"]["command"]).last().expect("a file");
    let (start, end) = pattern.split_once('*').expect("a pattern");
    for file in [log.to_owned(), format!("{}.1.log", log.trim_end_matches(".log"))] {
        assert!(file.starts_with(start) && file.ends_with(end), "{file} is not read");
    }
}

/// The line as it is: no parser, nothing joined, nothing around it, and no key.
#[test]
fn all_ship_lines_unchanged_and_without_a_key() {
    let (source, sink) = vector();
    assert_eq!(sink["encoding"], serde_json::json!({"codec": "raw_message"}));
    assert_eq!(texts(&sink["inputs"]).collect::<Vec<_>>(), ["reports"], "nothing in between");
    absent(VECTOR, &source, &["multiline", "encoding"]);
    absent(VECTOR, &sink, &["key_field", "headers_key"]);

    let (tail, kafka) = fluent_bit();
    assert_eq!(kafka["format"], "raw");
    assert_eq!(kafka["raw_log_key"], tail["key"]);
    assert_eq!(kafka["match"], tail["tag"]);
    absent(
        FLUENT_BIT,
        &tail,
        &["parser", "multiline", "multiline.parser", "docker_mode", "path_key", "offset_key"],
    );
    absent(FLUENT_BIT, &kafka, &["message_key", "message_key_field"]);
    assert!(yaml(FLUENT_BIT)["pipeline"]["filters"].is_null());

    let (filestream, output) = filebeat();
    assert_eq!(output["codec.format"]["string"], "%{[message]}");
    absent(FILEBEAT, &filestream, &["parsers", "multiline", "encoding", "include_lines", "exclude_lines"]);
    absent(FILEBEAT, &output, &["key"]);
    absent(FILEBEAT, &yaml(FILEBEAT), &["processors"]);
}

/// Nothing is given up: positions and buffers outlive the agent, all replicas acknowledge, no timeout drops a line.
#[test]
fn all_deliver_at_least_once() {
    let (source, sink) = vector();
    assert_eq!(source["read_from"], "beginning");
    assert_eq!(sink["acknowledgements"]["enabled"], true);
    assert_eq!(sink["buffer"]["when_full"], "block");
    assert_eq!(sink["message_timeout_ms"], 0);
    assert_eq!(sink["librdkafka_options"]["acks"], "all");
    let compose = yaml("docker-compose.yml");
    let state = yaml(VECTOR)["data_dir"].as_str().expect("a folder").to_owned();
    let kept =
        texts(&compose["services"]["vector"]["volumes"]).any(|mount| mount == format!("vector-data:{state}"));
    assert!(kept, "{state} is lost with the container");

    let (tail, kafka) = fluent_bit();
    assert!(tail["db"].is_string());
    assert_eq!(tail["read_from_head"], true);
    assert_eq!(tail["skip_long_lines"], true);
    assert_eq!(tail["storage.type"], "filesystem");
    assert!(yaml(FLUENT_BIT)["service"]["storage.path"].is_string());
    assert_eq!(kafka["retry_limit"], "no_limits");
    assert_eq!(kafka["queue_full_retries"], 0);
    assert_eq!(kafka["rdkafka.message.timeout.ms"], 0);
    assert_eq!(kafka["rdkafka.request.required.acks"], -1);

    let (filestream, output) = filebeat();
    assert!(filestream["id"].is_string());
    assert_eq!(output["required_acks"], -1);
    assert_eq!(output["partition.random"]["reachable_only"], false);

    // librdkafka of the default build has no zstd.
    for compression in [&sink["compression"], &kafka["rdkafka.compression.codec"], &output["compression"]] {
        assert_eq!(compression, "lz4");
    }
}

#[track_caller]
fn absent(file: &str, value: &Value, keys: &[&str]) {
    assert!(value.is_object(), "{file}: {value}");
    for key in keys {
        assert!(value.get(key).is_none(), "{file} has {key}");
    }
}
