//! One request to the receiver, and what its answer means.

use std::io::Write as _;
use std::time::Duration;

use super::Batch;

/// Longest that is waited because the receiver asks for it.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// Most of an answer that is read.
const ANSWER_MAX: u64 = 1 << 20;

/// Where reports are sent.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) timeout: Duration,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is stored, but for so many lines; and why the first of them is not.
    Accepted { refused: u64, why: Option<String> },
    /// It is too large in one piece.
    TooLarge,
    /// It is to be sent again, not before so long.
    Later { after: Option<Duration>, why: String },
}

/// Sends requests, over a connection that is kept.
pub(crate) struct Poster {
    agent: ureq::Agent,
    receiver: Receiver,
}

impl Poster {
    pub(crate) fn new(receiver: Receiver) -> Poster {
        let settings = ureq::Agent::config_builder()
            .timeout_global(Some(receiver.timeout))
            .timeout_connect(Some(receiver.timeout.min(Duration::from_secs(2))))
            .http_status_as_error(false)
            .max_redirects(0)
            // Reports go where they are told to go.
            .proxy(None)
            .user_agent(concat!("linkloom-reporter/", env!("CARGO_PKG_VERSION")));
        Poster { agent: settings.build().into(), receiver }
    }

    pub(crate) fn send(&self, batch: &Batch) -> Answer {
        let mut request = self
            .agent
            .post(&self.receiver.url)
            .header("Content-Type", "application/x-ndjson")
            .header("Content-Encoding", "gzip");
        if let Some(token) = &self.receiver.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let body = match gzip(&batch.bytes) {
            Ok(body) => body,
            Err(error) => return Answer::Later { after: None, why: error.to_string() },
        };
        let mut response = match request.send(&body[..]) {
            Ok(response) => response,
            Err(error) => return Answer::Later { after: None, why: error.to_string() },
        };
        let after =
            response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(ANSWER_MAX).read_to_string().unwrap_or_default();
        judged(status, after, &text, u64::from(batch.lines))
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// What a status and a body say about a batch of so many lines.
fn judged(status: u16, after: Option<u64>, body: &str, lines: u64) -> Answer {
    match status {
        200..=299 => {
            let (refused, why) = refused(body).unwrap_or((0, None));
            Answer::Accepted { refused: refused.min(lines), why }
        }
        // The reports are at fault: those that are named, or all.
        400 | 422 => match refused(body) {
            Some((refused, why)) if refused > 0 => Answer::Accepted { refused: refused.min(lines), why },
            _ => Answer::Accepted { refused: lines, why: Some(format!("status {status}")) },
        },
        413 => Answer::TooLarge,
        // The receiver, what is before it, or our address or token is at fault: the reports are fine.
        _ => Answer::Later {
            after: after.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX)),
            why: format!("status {status}"),
        },
    }
}

/// How many lines an answer refuses, and why the first one.
fn refused(body: &str) -> Option<(u64, Option<String>)> {
    let answer: serde_json::Value = serde_json::from_str(body).ok()?;
    let listed = answer["refused"].as_array()?;
    let more = answer["refusedMore"].as_u64().unwrap_or(0);
    let why = listed.first().map(|first| {
        let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", text("reason"), text("detail"))
    });
    Some((listed.len() as u64 + more, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_what_to_do() {
        let later = |after: Option<u64>, why: &str| Answer::Later {
            after: after.map(Duration::from_secs),
            why: why.to_owned(),
        };
        let body =
            r#"{"accepted":1,"refused":[{"line":2,"reason":"bad_mark","detail":"d"}],"refusedMore":3}"#;
        let some = Answer::Accepted { refused: 4, why: Some("bad_mark: d".to_owned()) };
        for (status, after, body, want) in [
            (
                200,
                None,
                r#"{"accepted":5,"refused":[],"refusedMore":0}"#,
                Answer::Accepted { refused: 0, why: None },
            ),
            (202, None, "not json", Answer::Accepted { refused: 0, why: None }),
            (200, None, body, some),
            (
                400,
                None,
                r#"{"title":"no"}"#,
                Answer::Accepted { refused: 5, why: Some("status 400".to_owned()) },
            ),
            (413, None, "", Answer::TooLarge),
            (408, None, "", later(None, "status 408")),
            (429, Some(7), "", later(Some(7), "status 429")),
            (429, Some(u64::MAX), "", later(Some(300), "status 429")),
            (503, Some(1), "", later(Some(1), "status 503")),
            (401, None, "", later(None, "status 401")),
            (404, None, "", later(None, "status 404")),
            (302, None, "", later(None, "status 302")),
        ] {
            assert_eq!(judged(status, after, body, 5), want, "{status} {body}");
        }
        assert!(matches!(judged(400, None, body, 5), Answer::Accepted { refused: 4, .. }));
    }
}
