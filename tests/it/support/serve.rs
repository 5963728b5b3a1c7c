//! `linkloom serve` as a process of its own, on an embedded store or on HBase.

use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use linkloom::workload::definitions;

/// Bound on anything waited for: far beyond what it takes, so that a failing test ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Looks again and again until it holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_or_tell(what, || if holds() { Ok(()) } else { Err(String::new()) });
}

/// Looks again and again until there is no reason left why not; the last one is told when patience ends.
#[track_caller]
pub(crate) fn until_or_tell<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(why) => assert!(began.elapsed() < PATIENCE, "still not: {what}\n{why}"),
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Folder with the definitions of the workload.
pub(crate) fn dsl(folder: &Path) -> PathBuf {
    let dsl = folder.join("dsl");
    std::fs::create_dir(&dsl).expect("created");
    for (scene, definition) in definitions() {
        std::fs::write(dsl.join(format!("{scene}.json")), definition).expect("written");
    }
    dsl
}

/// The binary; nothing of the caller's environment counts.
pub(crate) fn linkloom(arguments: &[&str]) -> Command {
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
pub(crate) struct Server {
    pub(crate) child: Child,
    /// The folder of its store, if it has one.
    store: Option<PathBuf>,
    log: PathBuf,
    /// Length of the log before it began.
    log_begin: u64,
}

/// What a server reads, and how.
pub(crate) struct Serving<'a> {
    pub(crate) brokers: &'a str,
    pub(crate) topics: &'a str,
    pub(crate) group: &'a str,
    pub(crate) dsl: Option<&'a Path>,
}

impl Server {
    /// Starts one on an embedded store. Its log goes on in `STORE.log`.
    pub(crate) fn start(store: &Path, serving: &Serving<'_>) -> Server {
        Server::start_told(store, serving, &[])
    }

    /// The same; `more` is said by its environment.
    pub(crate) fn start_told(store: &Path, serving: &Serving<'_>, more: &[(&str, String)]) -> Server {
        let mut command = linkloom(&["serve", "--store"]);
        command.arg(store);
        Server::spawn(command, serving, Some(store), &store.with_extension("log"), more)
    }

    /// Starts one without Kafka that listens at an address.
    pub(crate) fn start_alone(store: &Path, listen: &str) -> Server {
        let mut command = linkloom(&["serve", "--listen", listen, "--store"]);
        command.arg(store);
        let none = Serving { brokers: "", topics: "none", group: "none", dsl: None };
        Server::spawn(command, &none, Some(store), &store.with_extension("log"), &[])
    }

    /// Starts one on HBase; `more` is said by its environment.
    pub(crate) fn start_on_hbase(
        gateways: &str,
        serving: &Serving<'_>,
        log: &Path,
        more: &[(&str, String)],
    ) -> Server {
        Server::spawn(linkloom(&["serve", "--hbase", gateways]), serving, None, log, more)
    }

    /// Starts one that has no store and passes on to the first of the topics what is posted, and the lines of files if
    /// `arguments` name some.
    pub(crate) fn start_relay(
        arguments: &[&str],
        serving: &Serving<'_>,
        log: &Path,
        more: &[(&str, String)],
    ) -> Server {
        let mut command = linkloom(&["relay"]);
        command.args(arguments);
        Server::spawn(command, serving, None, log, more)
    }

    /// With small flushes, so that there is much to be interrupted in.
    fn spawn(
        mut command: Command,
        serving: &Serving<'_>,
        store: Option<&Path>,
        log: &Path,
        more: &[(&str, String)],
    ) -> Server {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let log_begin = file.seek(SeekFrom::End(0)).expect("a file");
        command.args(["--brokers", serving.brokers, "--color", "never"]);
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
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary runs");
        Server { child, store: store.map(Path::to_owned), log: log.to_owned(), log_begin }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where its API is, once it says so: in its store, or else in its log.
    pub(crate) fn api(&self) -> Option<String> {
        let Some(store) = &self.store else {
            let log = std::fs::read(&self.log).ok()?;
            let own = String::from_utf8_lossy(log.get(self.log_begin as usize..)?).into_owned();
            let (_, rest) = own.split_once(" api=http://")?;
            // A line that is not written to its end yet says too little.
            return rest.split_once(char::is_whitespace).map(|(address, _)| address.to_owned());
        };
        let owner = std::fs::read(store.join("owner.json")).ok()?;
        let owner: serde_json::Value = serde_json::from_slice(&owner).ok()?;
        let is_own = owner["pid"].as_u64() == Some(u64::from(self.child.id()));
        is_own.then(|| owner["api"].as_str().map(str::to_owned)).flatten()
    }

    /// Status and body of what it answers at a path, once it answers.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let (status, _, body) = self.ask("GET", path, &[], b"")?;
        Some((status, body))
    }

    /// Status, head and body of what it answers, once it answers.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(self.api()?).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head.to_owned(), body.to_owned()))
    }

    /// The metrics, once it serves them.
    pub(crate) fn metrics(&self) -> Option<String> {
        self.get("/metrics").map(|(_, body)| body)
    }

    /// The sum of a metric over its labels; `None` as long as there is none.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        sum(&self.metrics()?, name)
    }

    /// The same of one that asks for a token in a header.
    pub(crate) fn metric_with(&self, name: &str, token: &str) -> Option<u64> {
        sum(&self.ask("GET", "/metrics", &[token], b"")?.2, name)
    }
    #[track_caller]
    pub(crate) fn is_running(&mut self) {
        assert_eq!(self.child.try_wait().expect("a child"), None, "it still runs\n{}", self.log());
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = self.child.wait().expect("a child");
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.log()
    }

    pub(crate) fn kill(mut self) {
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

fn sum(metrics: &str, name: &str) -> Option<u64> {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok()).flatten()
    });
    values.map(|value| value as u64).reduce(|a, b| a + b)
}
