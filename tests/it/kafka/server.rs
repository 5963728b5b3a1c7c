//! `linkloom serve` as a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Bound on anything waited for: far beyond what it takes, so that a failing test ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// Looks again and again until it holds.
#[track_caller]
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The binary; nothing of the caller's environment counts.
pub(super) fn linkloom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkloom"));
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            command.env_remove(name);
        }
    }
    command.env("LINKLOOM_LOG", "info");
    command
}

/// A running `linkloom serve`.
pub(super) struct Server {
    pub(super) child: Child,
    store: PathBuf,
    log: PathBuf,
}

/// What a server reads, and how.
pub(super) struct Serving<'a> {
    pub(super) brokers: &'a str,
    pub(super) topics: &'a str,
    pub(super) group: &'a str,
    pub(super) dsl: Option<&'a Path>,
}

impl Server {
    /// Starts one with small flushes, so that there is much to be interrupted in. Its log goes on in `STORE.log`.
    pub(super) fn start(store: &Path, serving: &Serving<'_>) -> Server {
        let log = store.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let mut command = linkloom(&["serve", "--store"]);
        command.arg(store).args(["--brokers", serving.brokers, "--color", "never"]);
        if let Some(dsl) = serving.dsl {
            command.arg("--dsl").arg(dsl);
        }
        let child = command
            .env("LINKLOOM__KAFKA__TOPICS", serving.topics)
            .env("LINKLOOM__KAFKA__GROUP", serving.group)
            // One that was killed comes back at once.
            .env("LINKLOOM__KAFKA__INSTANCE_ID", serving.group)
            .env("LINKLOOM__FLUSH__REPORTS_MAX", "1500")
            .env("LINKLOOM__FLUSH__DELAY_MS", "100")
            .env("LINKLOOM__ASSEMBLER__SUMMARY_DELAY_MS", "50")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary runs");
        Server { child, store: store.to_owned(), log }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The metrics, once it serves them.
    pub(super) fn metrics(&self) -> Option<String> {
        let owner = std::fs::read(self.store.join("owner.json")).ok()?;
        let owner: serde_json::Value = serde_json::from_slice(&owner).ok()?;
        if owner["pid"].as_u64() != Some(u64::from(self.child.id())) {
            return None;
        }
        let mut stream = TcpStream::connect(owner["api"].as_str()?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// The sum of a metric over its labels; `None` as long as there is none.
    pub(super) fn metric(&self, name: &str) -> Option<u64> {
        let metrics = self.metrics()?;
        let values = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok()).flatten()
        });
        values.map(|value| value as u64).reduce(|a, b| a + b)
    }

    #[track_caller]
    pub(super) fn is_running(&mut self) {
        assert_eq!(self.child.try_wait().expect("a child"), None, "it still runs\n{}", self.log());
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub(super) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = self.child.wait().expect("a child");
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.log()
    }

    pub(super) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    /// A test that failed leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
