//! Asking the API of the process that owns a store.

use std::time::Duration;

use linkloom_query::http::{PROBLEM_JSON, PROCESS_HEADER, Problem};
use ureq::Agent;
use ureq::http::{StatusCode, header};

/// Time to connect: the other side is on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for a whole answer: a read of a large execution, while the owner is busy.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest answer, in bytes; a longer one is an error that says so.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// What asking came to when there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// Nobody answers there, or another process than the one that was asked: the owner has ended.
    #[error("{0}")]
    Gone(String),
    /// It is not there.
    #[error("it is not there")]
    NotFound,
    /// The owner refused or failed to answer, or its answer makes no sense.
    #[error("{0}")]
    Failed(String),
}

/// Asks one owner.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    /// Process id of the owner.
    pub(super) pid: u32,
    /// `host:port` of its API.
    pub(super) address: String,
    /// What its API wants to be shown.
    token: Option<String>,
}

impl Client {
    /// A client of process `pid`, whose API is at `address`; it shows `token`, if there is one.
    pub(super) fn new(pid: u32, address: String, token: Option<String>) -> Self {
        let agent = Agent::config_builder()
            // A proxy set for the world outside has no business between two processes here.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("linkloom/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client { agent, pid, address, token }
    }

    /// The body of a successful `GET` of a path and query.
    pub(super) fn get(&self, path: &str) -> Result<String, Unanswered> {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut response = request.call().map_err(unanswered)?;
        let answers = response.headers().get(PROCESS_HEADER).and_then(|pid| pid.to_str().ok()?.parse().ok());
        if answers != Some(self.pid) {
            return Err(Unanswered::Gone(format!("another process than {} answers there", self.pid)));
        }
        let status = response.status();
        let of_problem =
            response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let body = body.map_err(unanswered)?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        // Only the API itself says that something is not there.
        if status == StatusCode::NOT_FOUND && of_problem {
            return Err(Unanswered::NotFound);
        }
        let problem = of_problem.then(|| serde_json::from_str::<Problem>(&body).ok()).flatten();
        let detail = problem.map_or_else(|| format!("status {status}"), |problem| problem.detail);
        Err(Unanswered::Failed(detail))
    }
}

fn unanswered(error: ureq::Error) -> Unanswered {
    match error {
        // The owner hangs, or is that slow; asking again would not make it faster.
        ureq::Error::Timeout(ureq::Timeout::Connect) => Unanswered::Gone(error.to_string()),
        ureq::Error::Timeout(_) | ureq::Error::BodyExceedsLimit(_) => Unanswered::Failed(error.to_string()),
        _ => Unanswered::Gone(error.to_string()),
    }
}
