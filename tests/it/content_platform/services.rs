//! The services of the example, as processes of their own, with Kafka, `linkloom relay` and `linkloom serve` around them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::built;
use crate::support::kafka::{Broker, broker};
use crate::support::serve::{Server, Serving, until, until_or_tell};

/// How reports get out of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Into files, which `linkloom relay` follows.
    Files,
    /// By HTTP to `linkloom relay`.
    Http,
}

/// How long a call between the services may take: the machine may be busy, and nothing here waits for a call to time out.
const PATIENT_MS: &str = "120000";

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The content API, built by the cargo that builds the tests. `CONTENT_PLATFORM_INTAKE` names one that is built already.
fn intake() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(built) = std::env::var_os("CONTENT_PLATFORM_INTAKE") {
            return built.into();
        }
        built(&["--bin", "content-platform-intake"])
    })
}

/// The review console, built by Maven together with the toolkit it uses.
pub(super) fn review_console() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = root().join("examples/content-platform");
        let output = Command::new("mvn")
            .args(["-B", "-ntp", "-q", "-Dstyle.color=never", "-Dmaven.test.skip=true", "package", "-f"])
            .arg(folder.join("pom.xml"))
            .output()
            .expect("mvn runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        folder.join("review/target/review-console.jar")
    })
}

/// An address nobody listens on, and nobody else is likely to take within the second.
pub(super) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// One of the services.
pub(super) struct Service {
    name: &'static str,
    pub(super) address: String,
    child: Option<Child>,
    log: PathBuf,
}

impl Service {
    fn start(&mut self, mut command: Command, environment: &[(&str, String)]) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LINKLOOM_") {
                command.env_remove(name);
            }
        }
        let append = |name: &str| {
            let path = self.log.with_extension(name);
            std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a log")
        };
        // What it said before.
        let before = self.said("out").len();
        let child = command
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(append("out"))
            .stderr(append("err"))
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{}: {error}", self.name)));
        until_or_tell(&format!("{} listens", self.name), || {
            let said = self.said("out");
            if said[before..].contains(" listens on http://") {
                Ok(())
            } else {
                Err(format!("{said}\n{}", self.said("err")))
            }
        });
    }

    fn said(&self, which: &str) -> String {
        std::fs::read_to_string(self.log.with_extension(which)).unwrap_or_default()
    }

    /// Asks it to end; what it has to report is out when it has.
    #[track_caller]
    fn stop(&mut self, code: i32) {
        let Some(mut child) = self.child.take() else { return };
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = child.wait().expect("a child");
        assert_eq!(status.code(), Some(code), "{} {}", self.name, self.said("err"));
    }
}

impl Drop for Service {
    /// A test that failed leaves no process behind.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Both services, and what they report to.
pub(super) struct World {
    pub(super) content_api: Service,
    pub(super) review: Service,
    pub(super) server: Server,
    relay: Server,
    broker: &'static Broker,
    name: String,
    way: Way,
    http: ureq::Agent,
    folder: TempDir,
}

impl World {
    /// `None`, with a line that says so, where there is no Java or Maven.
    pub(super) fn start(name: &str, way: Way) -> Option<World> {
        let broker = broker()?;
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("content-platform-{name}");
        for topic in [name.clone(), format!("{name}-tasks")] {
            broker.topic(&topic, 2);
        }
        let serving = Serving {
            brokers: &broker.address,
            topics: &name,
            group: &name,
            dsl: Some(&root().join("examples/content-platform/links")),
        };
        let server = Server::start(&folder.path().join("store"), &serving);
        until("the server is ready", || server.get("/readyz").is_some_and(|(status, _)| status == 200));
        let (log, state) = (folder.path().join("relay.log"), path_in(&folder, "state"));
        let files = path_in(&folder, "reports/*.ndjson*");
        let following = ["--file", &files, "--state", &state];
        let arguments: &[&str] = if way == Way::Files { &following } else { &[] };
        let relay = Server::start_relay(arguments, &Serving { dsl: None, ..serving }, &log, &[]);
        until("the relay is ready", || relay.get("/readyz").is_some_and(|(status, _)| status == 200));
        let service =
            |name| Service { name, address: free_address(), child: None, log: folder.path().join(name) };
        let http = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let (content_api, review) = (service("content-api"), service("review-console"));
        let mut world = World { content_api, review, server, relay, broker, name, way, http, folder };
        world.start_content_api();
        world.start_review();
        Some(world)
    }

    fn environment(&self, service: &str) -> Vec<(&'static str, String)> {
        let out = match self.way {
            Way::Files => format!("file:{}", path_in(&self.folder, &format!("reports/{service}.ndjson"))),
            Way::Http => format!("relay:http://{}", self.relay.api().expect("it says where it answers")),
        };
        vec![
            ("CONTENT_API_LISTEN", self.content_api.address.clone()),
            ("CONTENT_API_URL", format!("http://{}", self.content_api.address)),
            ("REVIEW_LISTEN", self.review.address.clone()),
            ("PICTURES_URL", format!("http://{}", self.review.address)),
            ("KAFKA_BROKERS", self.broker.address.clone()),
            ("REVIEW_TOPIC", format!("{}-tasks", self.name)),
            ("REVIEW_GROUP", format!("{}-tasks", self.name)),
            ("CALL_TIMEOUT_MS", PATIENT_MS.to_owned()),
            ("LINKLOOM_OUT", out),
            ("LINKLOOM_SPOOL", path_in(&self.folder, &format!("spool-{service}"))),
        ]
    }

    pub(super) fn start_content_api(&mut self) {
        let environment = self.environment("content-api");
        self.content_api.start(Command::new(intake()), &environment);
    }

    fn start_review(&mut self) {
        let environment = self.environment("review-console");
        let mut java = Command::new("java");
        java.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"]).arg(review_console());
        self.review.start(java, &environment);
    }

    #[track_caller]
    pub(super) fn stop_content_api(&mut self) {
        self.content_api.stop(0);
    }

    #[track_caller]
    pub(super) fn stop_review(&mut self) {
        // What Java ends with after SIGTERM.
        self.review.stop(143);
    }

    /// What all of them said, for a test that fails.
    pub(super) fn said(&self) -> String {
        let of = |service: &Service| format!("{}:\n{}", service.name, service.said("err"));
        let logs = [of(&self.content_api), of(&self.review), self.relay.log(), self.server.log()];
        logs.join("\n")
    }

    pub(super) fn get(&self, service: &Service, path: &str) -> (u16, Value) {
        answered(self.http.get(format!("http://{}{path}", service.address)).call())
    }

    pub(super) fn post(
        &self,
        service: &Service,
        path: &str,
        body: &str,
        headers: &[(&str, String)],
    ) -> (u16, Value) {
        let mut request = self.http.post(format!("http://{}{path}", service.address));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        answered(request.send(body))
    }

    /// The executions of a business id in lists, once there are as many and none is under way.
    #[track_caller]
    pub(super) fn listed(&self, business: &str, count: usize) -> Vec<Value> {
        let path = format!("/api/v1/business/{business}/executions");
        until_or_tell(&format!("{count} executions of {business}"), || {
            let (_, body) = self.server.get(&path).ok_or("no answer")?;
            let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
            let entries = answer["executions"].as_array().cloned().unwrap_or_default();
            let settled = entries.iter().all(|entry| entry["status"] != "running");
            if entries.len() == count && settled { Ok(entries) } else { Err(body) }
        })
    }

    /// Ends the services, and holds what is stored against what they wrote: nothing is lost, unlinked, or a dead letter.
    #[track_caller]
    pub(super) fn assert_all_is_linked(mut self) {
        self.content_api.stop(0);
        self.review.stop(143);
        let written = self.written();
        assert_eq!(written.is_empty(), self.way == Way::Http, "{written:?}");
        for (mark, count) in &written {
            let [business, scene, execution] =
                mark.each_ref().map(|id| id.as_deref().expect("every line has a mark"));
            let path = format!("/api/v1/business/{business}/scenes/{scene}/executions/{execution}");
            until_or_tell(&format!("{count} reports of {mark:?}"), || {
                let (_, body) = self.server.get(&path).ok_or("no answer")?;
                let answer: Value =
                    serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
                let all = answer["counts"]["reports"] == *count;
                if all { Ok(()) } else { Err(format!("{body}\n{}", self.said())) }
            });
        }
        for (path, key) in [("/api/v1/unlinked", "unlinked"), ("/api/v1/dead", "deadLetters")] {
            let (status, body) = self.server.get(path).expect("it answers");
            let answer: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!((status, answer[key].as_array().map(Vec::len)), (200, Some(0)), "{answer:#}");
        }
        self.relay.stop();
        self.server.stop();
    }

    /// How many lines of each execution are in the files.
    fn written(&self) -> BTreeMap<[Option<String>; 3], u64> {
        let mut counts = BTreeMap::new();
        for service in [&self.content_api, &self.review] {
            let file = path_in(&self.folder, &format!("reports/{}.ndjson", service.name));
            for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
                let report: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let mark =
                    ["businessId", "sceneId", "executionId"].map(|id| report[id].as_str().map(str::to_owned));
                *counts.entry(mark).or_default() += 1;
            }
        }
        counts
    }
}

fn path_in(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[track_caller]
fn answered(result: Result<http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut answer = result.expect("an answer");
    let body = answer.body_mut().read_to_string().expect("a body");
    let json = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    (answer.status().as_u16(), json)
}
