//! The HTTP API over a [`Reader`]: read-only so far, described for its users in `docs/api.md`.
//!
//! [`router`] is the API without a socket; [`serve`] puts it behind one. Reads block and so run on threads of their own, a
//! bounded number at once; what comes beyond waits, and is bounded by the number of connections.

mod answers;
mod guard;
mod params;
pub mod path;
mod problem;
mod ready;
mod serve;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{Method, StatusCode, Uri, header};
use linkloom_schema::time::Timestamp;
use tokio::sync::Semaphore;

pub use guard::PROCESS_HEADER;
pub use params::{LIMIT_DEFAULT, LIMIT_MAX};
pub use problem::{BadParameter, PROBLEM_JSON, Problem};
pub use ready::{LateReader, Process};
pub use serve::{HEAD_BYTES_MIN, ServeLimits, serve};

/// What requests are answered with.
#[derive(Clone)]
struct Api {
    reader: LateReader,
    /// One permit for each read that may run at once.
    reads: Arc<Semaphore>,
    /// The permit to look whether the store answers.
    look: Arc<Semaphore>,
    process: Process,
}

/// The API over a reader. At most `reads_max` reads run at once, and one more that looks whether the store answers; more
/// wait.
///
/// Only requests to this machine's own names are served (see `guard`): there is no authentication yet.
pub fn router(reader: impl Into<LateReader>, reads_max: usize, process: Process) -> Router {
    let reads = Arc::new(Semaphore::new(reads_max.max(1)));
    let api = Api { reader: reader.into(), reads, look: Arc::new(Semaphore::new(1)), process };
    Router::new()
        .route(path::EXECUTIONS, get(answers::executions))
        .route(path::EXECUTION, get(answers::execution))
        .route(path::NODE, get(answers::node))
        .route(path::LOGS, get(answers::logs))
        .route(path::METRICS, get(metrics_text))
        .route(path::HEALTH, get(health))
        .route(path::READY, get(ready::ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(guard::guard))
        .with_state(api)
}

async fn health() -> &'static str {
    "ok\n"
}

async fn metrics_text(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.process.metrics())
}

async fn nothing_here(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", problem::clip(uri.path())))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let (method, path) = (problem::clip(method.as_str()), problem::clip(uri.path()));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} at {path}; allowed are GET and HEAD"))
}

/// The instant of a request that names none.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
