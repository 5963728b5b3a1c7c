//! Whether the process is of use: its store answers, and nothing else is missing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Api;
use super::owner::Late;
use crate::Reader;

/// How long the store may take to answer: less than whoever asks is likely to wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// A reader that may come later than the API: until it is there, questions are answered with 503.
pub type LateReader = Late<Reader>;

/// What the process behind the API says of itself.
#[derive(Clone)]
pub struct Process {
    /// Renders its metrics in the Prometheus text format.
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// What it lacks, beside a store that answers, to be of use.
    lacks: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

impl Process {
    /// A process that needs nothing but its store; `metrics` renders its metrics in the Prometheus text format.
    pub fn new(metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Process { metrics: Arc::new(metrics), lacks: Arc::new(Vec::new) }
    }

    /// The same, which also needs what `lacks` names, a line each, as long as it is missing. It must not block.
    #[must_use]
    pub fn that_lacks(self, lacks: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Process { lacks: Arc::new(lacks), ..self }
    }

    pub(super) fn metrics(&self) -> String {
        (self.metrics)()
    }
}

/// `GET /readyz`: 200, or 503 with a line for each thing that is missing.
pub(super) async fn ready(State(api): State<Api>) -> Response {
    let mut missing = (api.process.lacks)();
    if let Some(reader) = api.reader.get()
        && let Err(why) = answers(&api, reader).await
    {
        missing.insert(0, why);
    } else if api.reader.get().is_none() && missing.is_empty() {
        missing.push("the store was not opened yet".to_owned());
    }
    told(&missing)
}

/// `GET /readyz` of a process without a store.
pub(super) async fn ready_without_store(State(process): State<Process>) -> Response {
    told(&(process.lacks)())
}

fn told(missing: &[String]) -> Response {
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    // A cause may have lines of its own; here a line is a thing.
    let lines: String = missing.iter().map(|line| line.replace(['\n', '\r'], " ") + "\n").collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
}

/// Reads from the store, on a thread of its own. There is one such read at a time: where a store hangs, those who ask in
/// the meantime wait for it, and no threads pile up.
async fn answers(api: &Api, reader: &Reader) -> Result<(), String> {
    let (look, own) = (api.look.clone(), reader.clone());
    let read = async move {
        let permit = look.acquire_owned().await.map_err(|_| "the process is going down".to_owned())?;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            own.answers()
        });
        let read = read.await.map_err(|_| "a read of the store ended in a panic".to_owned())?;
        read.map_err(|error| error.to_string())
    };
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(answered) => answered,
        Err(_) => Err(format!("{}: no answer within {} s", reader.store().name(), PATIENCE.as_secs())),
    }
}
