//! The sections of the configuration: every setting with its unit, default, range and what happens at the limit.
//!
//! `docs/config.md` is generated from this file.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::setting::{SettingType, Value, YES_OR_NO, section};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

section! {
    /// Where reports and executions are kept.
    StoreConfig in "store" {
        /// Folder of the embedded store; made when it is not there.
        /// Empty: the command has to name one with `--store`.
        path: String = String::new(), Text("the path of a folder, or empty", |path| !path.contains('\0'));
        /// Days reports are kept, counted from their own time.
        /// After that they are dropped by the day, and the disk space is given back.
        retention_days: u32 = 0, ZeroOr("kept forever", 1, 36_500);
        /// Memory for blocks read from the store, in bytes.
        /// At the limit the blocks used least recently are dropped.
        cache_bytes: usize = (64 * MIB) as usize, Range(MIB, 64 * GIB);
    }
}

section! {
    /// Tables in HBase instead of the embedded store. How long cells live there is set when the tables are made, from
    /// `store.retention_days`.
    HbaseConfig in "hbase" {
        /// Thrift1 gateways. Connections are spread over them, and take the next when one is lost.
        /// Empty: the embedded store of `[store]`.
        gateways: Vec<String> = Vec::new(), List("HOST:PORT", is_host_and_port);
        /// Namespace of the tables.
        /// Empty: HBase's default namespace.
        namespace: String = String::new(), Text("letters, digits and '_', or empty", |text| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        /// What the names of all tables begin with.
        table_prefix: String = String::new(), Text("letters, digits, '_', '-' and '.', or empty; '-' and '.' not first", |text| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) && !text.starts_with(['-', '.'])
        });
        /// Connections, each on a thread of its own; one call at a time is made on each. A gateway needs a thread for each connection of all processes: `hbase.thrift.minWorkerThreads`, 16 by default.
        /// When all are busy, a few calls for each wait, and further ones are held back.
        connections: usize = 4, Range(1, 256);
        /// Whether the gateways speak the framed transport (`-f`, `-nonblocking`, `-hsha` or `-threadedselector`).
        framed: bool = false, YES_OR_NO;
        /// Longest time for one call, in milliseconds.
        /// After that the connection is given up and the call is made once more on another.
        timeout_ms: u64 = 10_000, Range(100, 600_000);
        /// Cells written with one call.
        batch_cells: usize = 2_000, Range(1, 100_000);
        /// Bytes written with one call.
        /// A single larger cell is a call of its own.
        batch_bytes: usize = MIB as usize, Range(64 * KIB, 64 * MIB);
    }
}

section! {
    /// Which reports are accepted, and how much of them is kept.
    IngestConfig in "ingest" {
        /// Longest report, in bytes of its line.
        /// A longer one becomes a dead letter.
        report_bytes_max: usize = MIB as usize, Range(KIB, 64 * MIB);
        /// Longest `input`, `output` or `data` of a report, in bytes each.
        /// A longer one is cut and marked as cut, with its full length.
        payload_bytes_max: usize = (256 * KIB) as usize, Range(64, 64 * MIB);
        /// What separates business id, scene id and execution id in a `linkMark` text; it is cut at the last two.
        /// The scene id and the execution id must not contain it.
        mark_separator: String = "_".to_owned(), Text("1 to 8 characters that can be printed", |text| {
            (1..=8).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        });
        /// Bytes of a refused report that are kept as its dead letter.
        /// A longer one is cut there; its full length is noted.
        dead_letter_bytes_max: usize = MIB as usize, Range(KIB, MIB);
    }
}

section! {
    /// When held reports are written as packs, and how many may wait.
    FlushConfig in "flush" {
        /// Reports held for the next flush.
        /// At the limit the flush begins at once.
        reports_max: usize = 98_304, Range(1, 10_000_000);
        /// Bytes of the reports held for the next flush.
        /// At the limit the flush begins at once.
        bytes_max: usize = (48 * MIB) as usize, Range(64 * KIB, 4 * GIB);
        /// Longest time a report is held before its flush begins, in milliseconds since it was read.
        /// A report is to be readable 500 ms after it was read, so this cannot be longer. While all workers are busy the flush grows instead; reports more than a minute old are held ten times as long while more of them are at hand, so that a backlog is written in large packs.
        delay_ms: u64 = 300, Range(1, 500);
        /// Threads that build packs.
        workers: usize = 2, Range(1, 256);
        /// Full flushes that wait for a worker.
        /// At the limit reading waits.
        queue_max: usize = 0, Range(0, 1_024);
        /// Compression level of packs (zstd); higher is smaller and slower.
        zstd_level: u32 = 1, Range(1, 19);
        /// Packs in one row of the `link` table.
        /// At the limit further packs go to overflow rows.
        packs_per_row_max: usize = 4_096, Range(16, 1_000_000);
        /// Executions and traces the workers remember to have written, of each kind.
        /// At the limit all are forgotten: the packs of their rows are counted anew, and their traces are written once more.
        remembered_max: usize = 65_536, Range(1_000, 1_000_000_000);
    }
}

section! {
    /// The window of each execution: when its summary is written and when its memory is freed. None of this changes an
    /// answer.
    AssemblerConfig in "assembler" {
        /// Threads that hold windows; executions are spread over them by the hash of their mark.
        shards: usize = 2, Range(1, 256);
        /// Longest time a change waits before the summary is written again, in milliseconds.
        /// Ten times as long for reports more than a minute old, while more of them come: when much is caught up on, most executions are summed up once.
        summary_delay_ms: u64 = 500, Range(10, 60_000);
        /// Silence after which a window is closed, in milliseconds of event time.
        idle_gap_ms: u64 = 30_000, Range(100, DAY_MS);
        /// Silence after which a window is closed when all terminal nodes have closed, in milliseconds of event time.
        terminal_gap_ms: u64 = 5_000, Range(0, DAY_MS);
        /// Age at which a window is closed however busy it is, in milliseconds of event time.
        age_max_ms: u64 = 600_000, Range(1_000, 7 * DAY_MS);
        /// Memory of all windows together, in bytes.
        /// At the limit the windows used least recently are spilled to disk.
        memory_bytes_max: usize = (128 * MIB) as usize, Range(MIB, 1_024 * GIB);
        /// How often idle and aged windows are looked for, in milliseconds.
        sweep_ms: u64 = 500, Range(10, 60_000);
        /// Disk space of spilled windows, in bytes.
        /// At the limit the windows spilled longest ago are dropped, and read back from the store when they come again.
        spill_bytes_max: u64 = 4 * GIB, Range(MIB, 16_384 * GIB);
        /// Flushes whose digests wait for a shard.
        /// At the limit reading waits.
        queue_flushes_max: usize = 2, Range(1, 1_024);
        /// Silence after which a partition no longer holds back the watermark, in milliseconds.
        partition_idle_ms: u64 = 10_000, Range(10, DAY_MS);
        /// How far the watermark stays behind the latest time seen, in milliseconds of event time.
        /// Reports that come later still are merged like any other.
        out_of_order_ms: u64 = 5_000, Range(0, DAY_MS);
    }
}

section! {
    /// What silence means, for all scenes and for single ones.
    ScenesConfig in "scenes" {
        /// Silence after which an execution that has not ended is `stalled`, in milliseconds of event time.
        idle_ms: u64 = 1_800_000, Range(1, 366 * DAY_MS);
    } plus {
        /// Scenes with values of their own, by scene id: `[scenes.by_id."NAME"]`.
        by_id: BTreeMap<String, SceneConfig>
    }
}

section! {
    /// What silence means in one scene.
    SceneConfig in "scenes.by_id" {
        /// Silence after which an execution of this scene that has not ended is `stalled`, in milliseconds of event time.
        idle_ms: u64 = 1_800_000, Range(1, 366 * DAY_MS);
    }
}

section! {
    /// Definitions of links.
    DslConfig in "dsl" {
        /// Folder whose `.json` and `.xml` files are put into the definition log when the process starts.
        /// Empty: none.
        dir: String = String::new(), Text("the path of a folder, or empty", |path| !path.contains('\0'));
    }
}

section! {
    /// Topics of Kafka that `linkloom serve` reads.
    KafkaConfig in "kafka" {
        /// Where Kafka is.
        /// Empty: no topic is read.
        brokers: String = String::new(), Text("HOST:PORT, several with commas between them, or empty", is_brokers);
        /// Topics that are read, all of them into one store.
        topics: Vec<String> = vec!["linkloom-reports".to_owned()],
            List("topics: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-' each", is_topic);
        /// Consumer group whose members share the partitions of the topics.
        group: String = "linkloom".to_owned(), Text("1 to 249 characters that can be printed", is_name);
        /// Name of this process in its group. One that comes back within its session timeout finds its partitions again without a rebalance.
        /// Empty: none; every start and stop is a rebalance.
        instance_id: String = String::new(), Text("1 to 249 characters that can be printed, or empty", |text| {
            text.is_empty() || is_name(text)
        });
        /// Topic through which processes that share the tables in HBase hand the digests of executions to the one that sums them up. It is made if it is missing.
        /// Empty: the name of the group with `-digests` behind it.
        digest_topic: String = String::new(), Text("a topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', or empty", |text| {
            text.is_empty() || is_topic(text)
        });
        /// Partitions the topic of digests is made with: so many processes can sum up executions.
        /// 0: there is no such topic, and only one process at a time may write the tables.
        digest_partitions: u32 = 16, Range(0, 10_000);
        /// Whether producers key their records by the link mark. Then each execution comes through one partition, and no topic of digests is needed.
        keyed: bool = false, YES_OR_NO;
        /// Topic that dead letters are copied to, as JSON, once they are stored. It is made if it is missing.
        /// Empty: none.
        dead_topic: String = String::new(), Text("a topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', or empty", |text| {
            text.is_empty() || is_topic(text)
        });
        /// Bytes fetched ahead, over all partitions.
        /// At the limit fetching waits; each partition has an equal share, of 128 KiB at least.
        queue_bytes_max: usize = (8 * MIB) as usize, Range(MIB, 64 * GIB);
    } plus {
        /// Any setting of librdkafka, over what Linkloom sets: `[kafka.options]`.
        options: BTreeMap<String, String>
    }
}

section! {
    /// Reports on their way into Kafka: posted ones, in `linkloom serve` with a Kafka and in `linkloom relay`, and the lines of
    /// files that `linkloom relay` follows.
    RelayConfig in "relay" {
        /// Topic they are written to.
        /// Empty: the first of `kafka.topics`.
        topic: String = String::new(), Text("a topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', or empty", |text| {
            text.is_empty() || is_topic(text)
        });
        /// Files that are followed. `*`, `?`, `[..]` and `**` stand for what they do in a shell.
        /// Empty: none.
        files: Vec<String> = Vec::new(), List("paths, with or without *, ?, [..] and **", |path| !path.is_empty() && !path.contains('\0'));
        /// Folder in which it is written down how far files were read.
        /// Empty: with files, one has to be named with `--state`.
        state: String = String::new(), Text("the path of a folder, or empty", |path| !path.contains('\0'));
        /// Files followed at once, each of which is open.
        /// At the limit one that was read to its end makes room for one that was written later; else further ones wait.
        files_max: usize = 512, Range(1, 1_000_000);
        /// Bytes that were read of files, and as many of posts, and are not in Kafka yet.
        /// At the limit reading waits.
        bytes_max: usize = (16 * MIB) as usize, Range(64 * KIB, 64 * GIB);
    }
}

section! {
    /// The HTTP API.
    ApiConfig in "api" {
        /// Address it listens on. Port 0 picks a free one.
        /// Without `token_file` only addresses of this machine are accepted, such as 127.0.0.1 and [::1].
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Text(
            "IP:PORT",
            |text| text.parse::<SocketAddr>().is_ok()
        );
        /// File with the tokens one of which a request has to carry (`Authorization: Bearer TOKEN`): a line each, with the name of whoever it is for before it, or without.
        /// Empty: no token is needed, and only this machine is served.
        token_file: String = String::new(), Text("the path of a file, or empty", |path| !path.contains('\0'));
        /// Servers whose pages may show the page of this one in a frame, as `frame-ancestors` of a Content-Security-Policy has them.
        frame_ancestors: String = "'self'".to_owned(), Text("'none', 'self', or origins such as https://portal.example", |text| {
            !text.trim().is_empty() && text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !b";,".contains(&byte))
        });
        /// Connections open at once.
        /// At the limit those that are only kept open are let go; a further one waits until one is.
        connections_max: usize = 64, Range(1, 10_000);
        /// Reads of the store that run at once, each on a thread.
        /// At the limit further requests wait.
        reads_max: usize = 8, Range(1, 256);
        /// Longest head of a request (path, query and headers), in bytes.
        /// A longer one is refused with status 431.
        head_bytes_max: usize = (64 * KIB) as usize, Range(8 * KIB, 16 * MIB);
        /// Live connections (server-sent events) open at once, out of `connections_max`.
        /// A further one is refused with status 503.
        live_connections_max: usize = 32, Range(0, 10_000);
        /// Longest body of posted reports, in bytes, as it is sent and as it is decompressed.
        /// A longer one is refused with status 413.
        body_bytes_max: usize = (16 * MIB) as usize, Range(KIB, GIB);
        /// Bytes of posted reports that are not stored yet, or with a Kafka not there yet, over all connections.
        /// At the limit further ones are refused with status 429.
        reports_bytes_max: usize = (64 * MIB) as usize, Range(KIB, 64 * GIB);
    }
}

section! {
    /// What the process says about itself, on stderr.
    LogConfig in "log" {
        /// Least level that is logged; levels of single parts can follow, as in `info,linkloom_storage=debug`.
        level: String = "info".to_owned(), Text(
            "a level (error, warn, info, debug, trace, off), or levels by part such as \"info,linkloom_storage=debug\"",
            is_log_filter
        );
        /// How a line looks.
        format: LogFormat = LogFormat::Text, OneOf(&["text", "json"]);
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl SettingType for LogFormat {
    fn to_value(&self) -> Value {
        Value::Text(match self {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        })
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) if text == "text" => Some(LogFormat::Text),
            Value::Text(text) if text == "json" => Some(LogFormat::Json),
            _ => None,
        }
    }
}

/// Whether `text` is a level, or levels by part. A lone word that is not a level would be taken for the name of a part
/// that is logged in full, so it is refused.
pub fn is_log_filter(text: &str) -> bool {
    let level = |word: &str| word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    !text.is_empty()
        && text.split(',').all(|part| match part.split_once('=') {
            Some((target, word)) => !target.trim().is_empty() && level(word.trim()),
            None => level(part.trim()),
        })
        && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}

/// Whether `text` is `HOST:PORT`.
pub fn is_host_and_port(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    let host_is_good = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == ',');
    host_is_good && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether `text` names brokers, or nobody.
fn is_brokers(text: &str) -> bool {
    text.is_empty() || text.split(',').all(|broker| is_host_and_port(broker.trim()))
}

/// Whether Kafka allows `text` as the name of a topic.
fn is_topic(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&text.len()) && text.bytes().all(allowed) && text != "." && text != ".."
}

fn is_name(text: &str) -> bool {
    (1..=249).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl ScenesConfig {
    /// Silence after which an execution of `scene_id` is stalled, in milliseconds.
    pub fn idle_ms_of(&self, scene_id: &str) -> u64 {
        self.by_id.get(scene_id).map_or(self.idle_ms, |scene| scene.idle_ms)
    }
}
