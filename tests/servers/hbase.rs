//! HBase for the tests of a process: started once by `tests/servers/hbase.sh`, ended by it when this process ends.
//!
//! Included by the test binaries that need it. `LINKLOOM_TEST_HBASE=RUN_DIR` names servers that run already
//! (`tests/servers/hbase.sh up RUN_DIR`): a developer waits for them only once.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The exit code of the script when Java or Maven is missing.
const MISSING: i32 = 77;

/// HBase and its gateway, running.
pub(crate) struct HbaseServers {
    run: PathBuf,
    script: PathBuf,
    thrift_port: u16,
    in_use: RwLock<()>,
}

/// The servers; `None`, and a line that says so, where they cannot be run. With `CI=true` they have to.
pub(crate) fn hbase_servers() -> Option<&'static HbaseServers> {
    static SERVERS: OnceLock<Result<HbaseServers, String>> = OnceLock::new();
    match SERVERS.get_or_init(start) {
        Ok(servers) => Some(servers),
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "HBase has to run here: {why}");
            eprintln!("skipped: needs HBase: {why}");
            None
        }
    }
}

/// Up to the folder that holds `tests/servers`.
fn script() -> PathBuf {
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("tests/servers/hbase.sh").is_file() {
        folder = folder.parent().expect("tests/servers/hbase.sh is in the repository");
    }
    folder.join("tests/servers/hbase.sh")
}

fn start() -> Result<HbaseServers, String> {
    let script = script();
    if let Some(run) = std::env::var_os("LINKLOOM_TEST_HBASE").map(PathBuf::from) {
        let ports =
            std::fs::read_to_string(run.join("ports")).map_err(|error| format!("{run:?}: {error}"))?;
        let port = ports.split_whitespace().find_map(|port| port.strip_prefix("thrift_port="));
        let thrift_port = port.and_then(|port| port.parse().ok()).ok_or("no thrift_port in its ports")?;
        return Ok(HbaseServers { run, script, thrift_port, in_use: RwLock::default() });
    }
    let run = std::env::temp_dir().join(format!("linkloom-hbase-{}", std::process::id()));
    // All at once, so that they differ.
    let free = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [zk, master, region, thrift] = free.map(|port| port.local_addr().expect("bound").port());
    let output = Command::new(&script)
        .arg("up")
        .arg(&run)
        .env("LINKLOOM_ZK_PORT", zk.to_string())
        .env("LINKLOOM_MASTER_PORT", master.to_string())
        .env("LINKLOOM_REGION_PORT", region.to_string())
        .env("LINKLOOM_THRIFT_PORT", thrift.to_string())
        .env("LINKLOOM_SERVERS_OWNER", std::process::id().to_string())
        .stdin(Stdio::null())
        .output()
        .expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(HbaseServers { run, script, thrift_port: thrift, in_use: RwLock::default() }),
        Some(MISSING) => Err(said.trim().to_owned()),
        _ => panic!("HBase does not start:\n{said}"),
    }
}

#[allow(dead_code, reason = "not every test binary needs all of it")]
impl HbaseServers {
    /// The port of the gateway.
    pub(crate) fn thrift_port(&self) -> u16 {
        self.thrift_port
    }

    /// `host:port` of the gateway.
    pub(crate) fn gateway(&self) -> String {
        format!("127.0.0.1:{}", self.thrift_port)
    }

    /// Keeps the servers from being killed meanwhile.
    pub(crate) fn shared(&self) -> RwLockReadGuard<'_, ()> {
        self.in_use.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For tests that kill servers: nobody else uses them meanwhile, and they run again afterwards.
    pub(crate) fn alone(&self) -> Alone<'_> {
        Alone { servers: self, _in_use: self.in_use.write().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Calls the script, such as `servers.call(&["kill-hbase"])`; the run folder comes after the first word.
    pub(crate) fn call(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.script);
        command.arg(words[0]).arg(&self.run).args(&words[1..]).stdin(Stdio::null());
        let output = command.output().expect("the script runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hbase.sh {words:?}: {}\n{said}", output.status);
        output
    }
}

/// The servers belong to one test.
pub(crate) struct Alone<'s> {
    servers: &'s HbaseServers,
    _in_use: RwLockWriteGuard<'s, ()>,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // Also after a test that failed halfway: what runs is left alone. It must not panic a second time.
        for word in ["start-hbase", "start-thrift"] {
            let mut command = Command::new(&self.servers.script);
            let status = command.arg(word).arg(&self.servers.run).stdin(Stdio::null()).status();
            if !status.is_ok_and(|status| status.success()) {
                eprintln!("hbase.sh {word} failed; the tests after this one will, too");
            }
        }
    }
}
