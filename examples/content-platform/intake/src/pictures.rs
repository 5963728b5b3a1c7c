//! Calls of the picture service, written in Java: the mark goes along, so that it reports into the same execution.
//!
//! The rule of this platform: a step behind a call is reported by the service that runs it. Only if nobody took the call does the caller
//! report it, as failed: nobody else can.

use std::error::Error;
use std::time::{Duration, SystemTime};

use linkloom_reporter::{Context, TRACEPARENT, inject, node, task};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::content::Content;
use crate::trace;

/// How often a call is made before it is given up.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of a reason that are read.
const REASON_MAX: u64 = 4096;

/// What the pictures show.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct PictureVerdict {
    pub(crate) looked: u32,
    /// How colourful the most colourful one is, from 0 to 1.
    pub(crate) saturation: f64,
}

/// Texts in the pictures.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct PictureText {
    pub(crate) texts: Vec<String>,
}

/// Why pictures were not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the picture service cannot be reached")]
    Unreachable(#[source] Box<ureq::Error>),
    #[error("the picture service answered {status}: {reason}")]
    Refused { status: u16, reason: String },
    #[error("the answer of the picture service is not understood")]
    Answer(#[source] serde_json::Error),
}

impl PictureError {
    /// Whether another attempt may get through.
    fn may_pass(&self) -> bool {
        match self {
            PictureError::Unreachable(_) => true,
            PictureError::Refused { status, .. } => *status >= 500,
            PictureError::Answer(_) => false,
        }
    }
}

/// The picture service.
#[derive(Clone, Debug)]
pub(crate) struct Pictures {
    url: String,
    agent: ureq::Agent,
}

impl Pictures {
    pub(crate) fn new(url: &str, timeout: Duration) -> Pictures {
        let config =
            ureq::Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).build();
        Pictures { url: url.to_owned(), agent: config.into() }
    }

    /// The step `picAudit`.
    pub(crate) async fn audit(&self, content: &Content) -> Result<PictureVerdict, PictureError> {
        self.call("picAudit", "/pictures/audit", content).await
    }

    /// The step `ocr`.
    pub(crate) async fn ocr(&self, content: &Content) -> Result<PictureText, PictureError> {
        self.call("ocr", "/pictures/ocr", content).await
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        step: &str,
        path: &str,
        content: &Content,
    ) -> Result<T, PictureError> {
        let body = json!({"contentId": content.content_id, "pictures": content.pictures});
        // Logs about a step are to be found with it.
        let within = Context::current().within_node(step);
        let mut pause = PAUSE;
        for attempt in 1.. {
            let error = match self.ask(step, path, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let last = attempt == ATTEMPTS || !error.may_pass();
            within.in_scope(|| {
                let error = &error as &dyn Error;
                if last {
                    tracing::error!(error, attempt, "{step} is given up");
                } else {
                    tracing::warn!(error, attempt, "{step} is tried again");
                }
            });
            if last {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        step: &str,
        path: &str,
        body: serde_json::Value,
    ) -> Result<T, PictureError> {
        let began = SystemTime::now();
        let agent = self.agent.clone();
        let mut request = http::Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string())
            .map_err(|error| PictureError::Unreachable(Box::new(error.into())))?;
        inject(request.headers_mut());
        if let Some(trace) = trace::traceparent().and_then(|trace| trace.parse().ok()) {
            request.headers_mut().insert(TRACEPARENT, trace);
        }
        let answered = task::spawn_blocking(move || {
            let mut answer = agent.run(request)?;
            let status = answer.status().as_u16();
            let max = if status == 200 { 1 << 20 } else { REASON_MAX };
            Ok((status, answer.body_mut().with_config().limit(max).read_to_string()?))
        });
        match answered.await.expect("a call does not panic") {
            Ok((200, text)) => serde_json::from_str(&text).map_err(PictureError::Answer),
            Ok((status, text)) => Err(PictureError::Refused { status, reason: reason(text) }),
            Err(error) => {
                let error: ureq::Error = error;
                node(step).at(began).start(body).fail(&error);
                Err(PictureError::Unreachable(Box::new(error)))
            }
        }
    }
}

/// The member `error` of an answer, or all of it.
fn reason(text: String) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let reason = parsed.as_ref().and_then(|answer| answer["error"].as_str()).map(str::to_owned);
    reason.unwrap_or(text)
}
