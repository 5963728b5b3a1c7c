//! The HTTP API over a [`Reader`](crate::Reader), described for its users in `docs/api.md`. What changes the store is done by its
//! [`Owner`].
//!
//! [`router`] is the API without a socket; [`serve`] puts it behind one. Reads block and so run on threads of their own, a
//! bounded number at once; what comes beyond waits, and is bounded by the number of connections.

mod answers;
mod body;
mod definitions;
mod figures;
mod guard;
mod intake;
mod leftover;
mod live;
mod openapi;
mod owner;
mod page;
mod params;
pub mod path;
mod problem;
mod ready;
mod relay;
mod representation;
mod routes;
mod scenes;
mod serve;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{MatchedPath, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri, header};
use linkloom_schema::time::Timestamp;
use tokio::sync::Semaphore;

pub use guard::{Access, PROCESS_HEADER};
pub use live::Live;
pub use owner::{DeadQuery, Intake, Late, NotTaken, Owner, RefusedLine, Replay, Taken, VersionPut};
pub use page::{Page, PageFile};
pub use params::{LIMIT_DEFAULT, LIMIT_MAX};
pub use problem::{BadParameter, PROBLEM_JSON, Problem};
pub use ready::{LateReader, Process};
pub use relay::relay_router;
pub use serve::{HEAD_BYTES_MIN, ServeLimits, serve};

/// The owner of the store, which may come later than the API; where there is none, the API only reads.
pub type LateOwner = Late<Arc<dyn Owner>>;

/// Bounds and customs of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Reads of the store at once; one more looks whether the store answers. Further ones wait.
    pub reads_max: usize,
    /// What separates the ids of a link mark in one text.
    pub mark_separator: String,
    /// Longest body of posted reports, in bytes, as it is sent and as it is decoded.
    pub body_bytes_max: usize,
    /// Posts of reports that may wait to be durable at once; a further one is refused.
    pub posts_max: usize,
    /// Who may ask.
    pub access: Access,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            reads_max: 8,
            mark_separator: "_".to_owned(),
            body_bytes_max: 16 << 20,
            posts_max: 32,
            access: Access::default(),
        }
    }
}

/// What requests are answered with.
#[derive(Clone)]
struct Api {
    reader: LateReader,
    owner: LateOwner,
    live: Live,
    page: Arc<Page>,
    settings: Arc<Settings>,
    /// One permit for each read that may run at once.
    reads: Arc<Semaphore>,
    /// One permit for each post that may wait.
    posts: Arc<Semaphore>,
    /// The permit to look whether the store answers.
    look: Arc<Semaphore>,
    process: Process,
}

/// The API over a reader and the owner of its store.
///
/// Live connections last until their clients go or [`Live::end`] is called.
///
/// What is no path of the API is of the `page`. Who may ask is in the settings (see `guard`).
pub fn router(
    reader: impl Into<LateReader>,
    owner: LateOwner,
    live: Live,
    page: Page,
    settings: Settings,
    process: Process,
) -> Router {
    let access = settings.access.clone();
    let reads = Arc::new(Semaphore::new(settings.reads_max.max(1)));
    let posts = Arc::new(Semaphore::new(settings.posts_max.max(1)));
    let api = Api {
        reader: reader.into(),
        owner,
        live,
        page: Arc::new(page),
        settings: Arc::new(settings),
        reads,
        posts,
        look: Arc::new(Semaphore::new(1)),
        process,
    };
    let mut router = Router::new();
    for endpoint in routes::endpoints() {
        router = router.route(endpoint.path, endpoint.handler);
    }
    router
        .fallback(elsewhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(access, guard::guard))
        .layer(middleware::from_fn(leftover::read_off))
        .with_state(api)
}

/// The Prometheus text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn health() -> &'static str {
    "ok\n"
}

async fn metrics_text(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], api.process.metrics())
}

/// What is no endpoint is of the page.
async fn elsewhere(
    State(api): State<Api>,
    wants: representation::Wants,
    method: Method,
    uri: Uri,
) -> Result<Response, Problem> {
    if page::is_api(uri.path()) {
        return Err(Problem::not_found(format!("there is nothing at {}", problem::clip(uri.path()))));
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(page::not_of_the_page(&method, uri.path()));
    }
    api.page.respond(&wants, uri.path())
}

async fn wrong_method(method: Method, matched: Option<MatchedPath>, uri: Uri) -> Problem {
    let allowed = openapi::allowed(matched.as_ref().map(MatchedPath::as_str));
    let (method, path) = (problem::clip(method.as_str()), problem::clip(uri.path()));
    let detail = format!("{method} at {path}; allowed is {allowed}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// The instant of a request that names none.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
