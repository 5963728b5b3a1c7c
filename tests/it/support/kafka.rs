//! A real broker for tests: one for all tests of the process, or one of a test's own that it may kill.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use linkloom_ingest::decode::{Limits, decode};
use linkloom_ingest::source::kafka::{KafkaSettings, KafkaWriter, NewRecord, create_topic};
use linkloom_schema::route::Route;
use linkloom_schema::row_key;

/// A broker that runs. It ends with this process, whatever comes.
pub(crate) struct Broker {
    pub(crate) address: String,
    port: u16,
    run: PathBuf,
}

/// The broker all tests share; `None`, with a line that says so, where there is no Java or Maven.
pub(crate) fn broker() -> Option<&'static Broker> {
    static SHARED: OnceLock<Option<Broker>> = OnceLock::new();
    let broker = SHARED.get_or_init(Broker::start).as_ref();
    if broker.is_none() {
        eprintln!("skipped: no Java or Maven for a Kafka broker");
    }
    broker
}

impl Broker {
    /// A broker of its own.
    pub(crate) fn start() -> Option<Broker> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let run = std::env::temp_dir().join(format!("linkloom-kafka-{}-{number}", std::process::id()));
        // Both are free now, and nobody else is likely to take them within the second.
        let free = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (one, other) = (free(), free());
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let (port, controller) = (port(&one), port(&other));
        drop((one, other));
        let broker = Broker { address: format!("127.0.0.1:{port}"), port, run };
        let mut command = broker.script("up");
        let output =
            command.env("LINKLOOM_KAFKA_CONTROLLER_PORT", controller.to_string()).output().expect("bash");
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Some(broker),
            Some(3) => {
                assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "with CI=true: {said}");
                None
            }
            code => panic!("the broker does not start: {code:?}\n{said}"),
        }
    }

    fn script(&self, command: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/kafka.sh");
        let mut bash = Command::new("bash");
        bash.arg(script).arg(command).arg(&self.run);
        bash.env("LINKLOOM_KAFKA_PORT", self.port.to_string());
        bash.env("LINKLOOM_SERVERS_OWNER", std::process::id().to_string());
        bash
    }

    /// `kill`, `start` or `down`.
    #[track_caller]
    pub(crate) fn tell(&self, command: &str) {
        let output = self.script(command).output().expect("bash");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn settings(&self) -> KafkaSettings {
        KafkaSettings { brokers: self.address.clone(), ..KafkaSettings::default() }
    }

    /// Makes a topic that is not there yet.
    #[track_caller]
    pub(crate) fn topic(&self, name: &str, partitions: u32) {
        assert!(create_topic(&self.settings(), name, partitions).expect("made"), "{name} is new");
    }

    /// From now on a topic takes so many bytes at once.
    #[track_caller]
    pub(crate) fn takes(&self, topic: &str, bytes: usize) {
        let output = self
            .script("tool")
            .args(["kafka.admin.ConfigCommand", "--bootstrap-server", &self.address, "--alter"])
            .args(["--entity-type", "topics", "--entity-name", topic])
            .args(["--add-config", &format!("max.message.bytes={bytes}")])
            .output()
            .expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn writer(&self) -> KafkaWriter {
        KafkaWriter::new(&self.settings()).expect("a writer")
    }
}

/// Writes lines to a topic, keyed by their execution.
pub(crate) fn write_keyed_lines(writer: &KafkaWriter, topic: &str, lines: &[&[u8]]) {
    let limits = Limits::default();
    for line in lines {
        let report = decode(line, None, &limits).ok();
        let key = report.as_ref().and_then(|report| match Route::of(report) {
            Route::Marked(mark) => Some(row_key::link(mark)),
            Route::Trace(_) | Route::Unlinked { .. } => None,
        });
        let key = key.as_ref().map(|key| key.as_bytes());
        writer.send(topic, &NewRecord { key, value: Some(line), ..NewRecord::default() }).expect("sent");
    }
}

/// Writes lines to a topic without keys, `block` of them at a time to each partition in turn.
pub(crate) fn write_lines(writer: &KafkaWriter, topic: &str, partitions: u32, block: usize, lines: &[&[u8]]) {
    for (number, line) in lines.iter().enumerate() {
        let partition = Some((number / block % partitions as usize) as u32);
        writer
            .send(topic, &NewRecord { partition, value: Some(line), ..NewRecord::default() })
            .expect("sent");
    }
}
