//! Settings of a reporter: in code, and over them the environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::level::Level;
use crate::line::Origin;
use crate::mask::{MaskRule, Masks};
use crate::out::file::{FileOut, RollingFile};
use crate::out::{Captured, Out, Way, Writer};
use crate::payload::Bounds;
use crate::reporter::{Inner, Reporter, Running};
use crate::time::now_micros;

/// Smallest cap of a text or payload.
const CAP_MIN: usize = 64;

#[derive(Clone, Debug)]
enum WayChosen {
    File(RollingFile),
    Stdout,
    Capture(Captured),
    #[cfg_attr(not(feature = "relay"), allow(dead_code))]
    Relay(String),
}

/// Settings of a reporter.
///
/// | environment | counts more than | |
/// |---|---|---|
/// | `LINKLOOM_SERVICE` | [`Builder::service`] | |
/// | `LINKLOOM_INSTANCE` | [`Builder::instance`] | |
/// | `LINKLOOM_OUT` | | `file:PATH`, `stdout`, `relay:URL`: comes before the ways out given in code |
/// | `LINKLOOM_TOKEN` | [`Builder::token`] | |
/// | `LINKLOOM_SPOOL` | [`Builder::spool`] | a folder |
#[derive(Clone, Debug)]
#[must_use = "nothing is reported until `start`"]
pub struct Builder {
    service: String,
    instance: Option<String>,
    host: Option<String>,
    boot: Option<u64>,
    level: Level,
    masks: Vec<MaskRule>,
    payload_bytes: usize,
    message_bytes: usize,
    stack_bytes: usize,
    queue_bytes: usize,
    ways: Vec<WayChosen>,
    token: Option<String>,
    spool: Option<PathBuf>,
    spool_bytes: u64,
    timeout: Duration,
    patience: Duration,
    environment: bool,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            service: String::new(),
            instance: None,
            host: None,
            boot: None,
            level: Level::Trace,
            masks: Vec::new(),
            payload_bytes: 256 << 10,
            message_bytes: 64 << 10,
            stack_bytes: 64 << 10,
            queue_bytes: 8 << 20,
            ways: Vec::new(),
            token: None,
            spool: None,
            spool_bytes: 256 << 20,
            timeout: Duration::from_secs(10),
            patience: Duration::from_secs(2),
            environment: true,
        }
    }
}

impl Builder {
    /// Name of the service that reports.
    pub fn service(mut self, service: impl Into<String>) -> Builder {
        self.service = service.into();
        self
    }

    /// Which instance of the service; the host and the number of the process, if not given.
    pub fn instance(mut self, instance: impl Into<String>) -> Builder {
        self.instance = Some(instance.into());
        self
    }

    /// The host; its name, if not given. Empty: none.
    pub fn host(mut self, host: impl Into<String>) -> Builder {
        self.host = Some(host.into());
        self
    }

    /// When the process began, in milliseconds since the epoch; now, if not given. Two starts of an instance must differ in it.
    pub fn boot(mut self, millis: u64) -> Builder {
        self.boot = Some(millis);
        self
    }

    /// Business logs below this level are not reported. All are, if not given: filters of `tracing` come before.
    pub fn level(mut self, level: Level) -> Builder {
        self.level = level;
        self
    }

    /// One more rule of what is masked.
    pub fn mask(mut self, rule: MaskRule) -> Builder {
        self.masks.push(rule);
        self
    }

    /// Most bytes of a payload (`input`, `output`, `data`, `meta`): 256 KiB if not given, which is what receivers keep.
    pub fn payload_bytes_max(mut self, bytes: usize) -> Builder {
        self.payload_bytes = bytes.max(CAP_MIN);
        self
    }

    /// Most bytes of a message: 64 KiB if not given.
    pub fn message_bytes_max(mut self, bytes: usize) -> Builder {
        self.message_bytes = bytes.max(CAP_MIN);
        self
    }

    /// Most bytes of a stack: 64 KiB if not given.
    pub fn stack_bytes_max(mut self, bytes: usize) -> Builder {
        self.stack_bytes = bytes.max(CAP_MIN);
        self
    }

    /// Most memory of reports that wait to be written: 8 MiB if not given. Beyond it the least important are dropped and counted.
    pub fn queue_bytes_max(mut self, bytes: usize) -> Builder {
        self.queue_bytes = bytes;
        self
    }

    /// Writes to a rolling file, if no way given before takes the reports.
    pub fn file(mut self, file: RollingFile) -> Builder {
        self.ways.push(WayChosen::File(file));
        self
    }

    /// Writes to stdout, if no way given before takes the reports.
    pub fn stdout(mut self) -> Builder {
        self.ways.push(WayChosen::Stdout);
        self
    }

    /// Keeps the lines in memory, for tests of an application.
    pub fn capture(mut self) -> (Builder, Captured) {
        let captured = Captured::default();
        self.ways.push(WayChosen::Capture(captured.clone()));
        (self, captured)
    }

    /// Sends to Linkloom or a relay, `http://host:port`, if no way given before takes the reports.
    #[cfg(feature = "relay")]
    pub fn relay(mut self, url: impl Into<String>) -> Builder {
        self.ways.push(WayChosen::Relay(url.into()));
        self
    }

    /// The token the relay asks for.
    pub fn token(mut self, token: impl Into<String>) -> Builder {
        self.token = Some(token.into());
        self
    }

    /// The folder reports are kept in while the relay does not answer; one below the system's temporary folder, if not given. Several
    /// processes may share it.
    pub fn spool(mut self, folder: impl AsRef<Path>) -> Builder {
        self.spool = Some(folder.as_ref().to_owned());
        self
    }

    /// Most bytes of the spool: 256 MiB if not given. Beyond it the oldest reports are dropped and counted. 0: there is none.
    pub fn spool_bytes_max(mut self, bytes: u64) -> Builder {
        self.spool_bytes = bytes;
        self
    }

    /// How long a request to the relay may take: 10 s if not given.
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = timeout;
        self
    }

    /// How long the end of reporting may take: 2 s if not given.
    pub fn patience(mut self, patience: Duration) -> Builder {
        self.patience = patience;
        self
    }

    /// The environment does not count.
    pub fn without_environment(mut self) -> Builder {
        self.environment = false;
        self
    }

    /// Takes over what the environment says.
    fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> (Builder, Option<String>) {
        let given = |name: &str| variable(name).filter(|text| !text.is_empty());
        if let Some(service) = given("LINKLOOM_SERVICE") {
            self.service = service;
        }
        self.instance = given("LINKLOOM_INSTANCE").or(self.instance);
        self.token = given("LINKLOOM_TOKEN").or(self.token);
        self.spool = given("LINKLOOM_SPOOL").map(PathBuf::from).or(self.spool);
        let Some(out) = given("LINKLOOM_OUT") else { return (self, None) };
        let way = match out.split_once(':') {
            Some(("file", path)) if !path.is_empty() => WayChosen::File(RollingFile::new(path)),
            Some(("relay", url)) if !url.is_empty() => WayChosen::Relay(url.to_owned()),
            None if out == "stdout" => WayChosen::Stdout,
            _ => {
                let wrong =
                    format!("LINKLOOM_OUT={out:?} does not count, allowed are file:PATH, stdout, relay:URL");
                return (self, Some(wrong));
            }
        };
        self.ways.insert(0, way);
        (self, None)
    }

    /// Starts to report. Nothing is installed: see [`Reporter::install`] and [`Builder::install`].
    ///
    /// What cannot be as the settings say is warned of on stderr, and goes another way.
    pub fn start(self) -> Running {
        let (settings, wrong) = if self.environment {
            self.with_variables(|name| std::env::var(name).ok())
        } else {
            (self, None)
        };
        let host = settings.host.clone().unwrap_or_else(host_name);
        let pid = std::process::id();
        let instance =
            settings.instance.clone().filter(|instance| !instance.is_empty()).unwrap_or_else(|| {
                let host = if host.is_empty() { "unknown" } else { &host };
                format!("{host}:{pid}")
            });
        let boot = settings.boot.unwrap_or_else(|| (now_micros() / 1_000).unsigned_abs());
        let origin = Origin::new(&settings.service, &instance, &host, boot);
        let bounds = Bounds {
            masks: Masks::new(settings.masks.clone()),
            payload: settings.payload_bytes,
            message: settings.message_bytes,
            stack: settings.stack_bytes,
        };
        let inner = Arc::new(Inner::new(origin, bounds, settings.level, settings.queue_bytes));
        if let Some(wrong) = wrong {
            inner.warnings.once("environment", || wrong);
        }
        settings.run(inner, boot)
    }

    /// [`Builder::start`], and makes it the reporter of the process.
    pub fn install(self) -> Running {
        let running = self.start();
        if !running.reporter.install() {
            running
                .reporter
                .0
                .warnings
                .once("installed", || "there is a reporter of the process already, it stays".to_owned());
        }
        running
    }

    fn run(self, inner: Arc<Inner>, boot: u64) -> Running {
        let mut ways = Vec::new();
        #[cfg(feature = "relay")]
        let mut relays = Vec::new();
        let chosen = if self.ways.is_empty() { vec![WayChosen::Stdout] } else { self.ways.clone() };
        for way in chosen {
            match way {
                WayChosen::File(settings) => ways.push(Way::File(Box::new(FileOut::new(settings)))),
                WayChosen::Stdout => ways.push(Way::Stdout),
                WayChosen::Capture(captured) => ways.push(Way::Capture(captured)),
                #[cfg(not(feature = "relay"))]
                WayChosen::Relay(url) => {
                    inner.warnings.once("url", || {
                        format!("relay {url:?} does not count: this is built without `relay`")
                    });
                }
                #[cfg(feature = "relay")]
                WayChosen::Relay(url) => match address(&url) {
                    Some(url) => {
                        let relay = Arc::new(self.relay_to(url, &inner, boot));
                        relays.push(relay.clone());
                        ways.push(Way::Relay(relay));
                    }
                    None => inner
                        .warnings
                        .once("url", || format!("relay {url:?} does not count, allowed is http://host:port")),
                },
            }
        }
        let out = Arc::new(Out {
            #[cfg(feature = "relay")]
            relays,
            ..Out::default()
        });
        let mut threads = Vec::new();
        #[cfg(feature = "relay")]
        for relay in &out.relays {
            let relay = relay.clone();
            // Not waited for at the end: a request that hangs is none of the application's business.
            let started =
                std::thread::Builder::new().name("linkloom-send".to_owned()).spawn(move || relay.run());
            if let Err(error) = started {
                inner.warnings.once("thread", || format!("nothing is sent: {error}"));
            }
        }
        let _ = boot;
        let writer = Writer {
            inner: inner.clone(),
            ways,
            #[cfg(feature = "relay")]
            out: out.clone(),
        };
        match std::thread::Builder::new().name("linkloom-report".to_owned()).spawn(move || writer.run()) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                inner.queue.close();
                inner.warnings.once("thread", || format!("nothing is reported: {error}"));
            }
        }
        Running { reporter: Reporter(inner), out, threads, patience: self.patience }
    }

    #[cfg(feature = "relay")]
    fn relay_to(&self, url: String, inner: &Arc<Inner>, boot: u64) -> crate::out::relay::Relay {
        use crate::out::Receiver;
        use crate::out::relay::{Relay, SpoolPlace};

        let root = self.spool.clone().unwrap_or_else(|| std::env::temp_dir().join("linkloom-spool"));
        let place = (self.spool_bytes > 0).then_some(SpoolPlace { root, bytes_max: self.spool_bytes, boot });
        Relay::new(inner.clone(), Receiver { url, token: self.token.clone(), timeout: self.timeout }, place)
    }
}

/// Where to post to; `None` if the address is none.
#[cfg(feature = "relay")]
fn address(url: &str) -> Option<String> {
    let host_and_path = url.strip_prefix("http://")?.trim_end_matches('/');
    if host_and_path.is_empty() || host_and_path.contains(char::is_whitespace) {
        return None;
    }
    let path = if host_and_path.ends_with("/api/v1/reports") { "" } else { "/api/v1/reports" };
    Some(format!("http://{host_and_path}{path}"))
}

/// The name of the host, or nothing.
fn host_name() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let read = files.iter().find_map(|file| std::fs::read_to_string(file).ok());
    let name = read.or_else(|| ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok()));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_more_than_code() {
        let variables = [
            ("LINKLOOM_SERVICE", "from outside"),
            ("LINKLOOM_INSTANCE", ""),
            ("LINKLOOM_OUT", "relay:http://relay:7070"),
        ];
        let variable = |name: &str| {
            variables.iter().find(|(found, _)| *found == name).map(|(_, text)| (*text).to_owned())
        };
        let (settings, wrong) =
            Builder::default().service("code").instance("i").stdout().with_variables(variable);
        assert_eq!(
            (settings.service.as_str(), settings.instance.as_deref(), wrong),
            ("from outside", Some("i"), None)
        );
        assert!(
            matches!(&settings.ways[..], [WayChosen::Relay(url), WayChosen::Stdout] if url == "http://relay:7070")
        );
        let (settings, wrong) =
            Builder::default().with_variables(|name| (name == "LINKLOOM_OUT").then(|| "ftp:x".to_owned()));
        assert!(settings.ways.is_empty());
        assert!(wrong.unwrap().contains("\"ftp:x\" does not count"));
    }

    #[cfg(feature = "relay")]
    #[test]
    fn addresses_are_completed() {
        for (url, want) in [
            ("http://a:7070", Some("http://a:7070/api/v1/reports")),
            ("http://a:7070/", Some("http://a:7070/api/v1/reports")),
            ("http://a/api/v1/reports", Some("http://a/api/v1/reports")),
            ("http://a/linkloom/", Some("http://a/linkloom/api/v1/reports")),
            ("https://a", None),
            ("a:7070", None),
            ("http://", None),
        ] {
            assert_eq!(address(url).as_deref(), want, "{url}");
        }
    }
}
