//! The API of a process that only takes reports.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::{HeaderValue, Method, Uri, header};

use super::intake::{self, Posts};
use super::owner::Intake;
use super::problem::{Problem, clip};
use super::{Process, Settings, guard, health, path, ready};

#[derive(Clone)]
struct Relay {
    posts: Posts,
    process: Process,
}

impl FromRef<Relay> for Posts {
    fn from_ref(relay: &Relay) -> Self {
        relay.posts.clone()
    }
}

impl FromRef<Relay> for Process {
    fn from_ref(relay: &Relay) -> Self {
        relay.process.clone()
    }
}

/// The API of a process that passes reports on and has no store: posting them, its metrics, and whether it is of use. The
/// same paths, bodies, answers and problems as those of [`router`](super::router).
pub fn relay_router(intake: Arc<dyn Intake>, settings: &Settings, process: Process) -> Router {
    let access = settings.access.clone();
    Router::new()
        .route(path::REPORTS, post(intake::reports))
        .route(path::METRICS, get(metrics_text))
        .route(path::HEALTH, get(health))
        .route(path::READY, get(ready::ready_without_store))
        .fallback(elsewhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(access, guard::guard))
        .with_state(Relay { posts: Posts::new(intake, settings), process })
}

async fn metrics_text(State(process): State<Process>) -> impl IntoResponse {
    let kind = HeaderValue::from_static(super::METRICS_TYPE);
    ([(header::CONTENT_TYPE, kind)], process.metrics())
}

async fn elsewhere(uri: Uri) -> Problem {
    let there = [path::REPORTS, path::METRICS, path::HEALTH, path::READY].join(", ");
    let detail =
        format!("there is nothing at {}; this process passes reports on and has {there}", clip(uri.path()));
    Problem::not_found(detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let allowed = if uri.path() == path::REPORTS { "POST" } else { "GET" };
    let detail = format!("{} at {}; allowed is {allowed}", clip(method.as_str()), clip(uri.path()));
    Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, detail)
}
