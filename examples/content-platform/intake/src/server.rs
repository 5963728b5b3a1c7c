//! The HTTP side: requests, answers, and what is refused.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use linkloom_reporter::{Context, FutureExt as _, node};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::content::Content;
use crate::flow::{IntakeError, Platform};
use crate::pictures::Pictures;
use crate::settings::Settings;
use crate::store::{Contents, State, StoreError};
use crate::tasks::Tasks;
use crate::trace;

/// Most bytes of a body.
const BODY_MAX: usize = 64 << 10;

/// Serves until the process is told to end.
///
/// Errors: it cannot listen, or librdkafka does not take its settings.
pub(crate) async fn serve(settings: Settings) -> std::io::Result<()> {
    let tasks =
        Tasks::new(&settings.brokers, &settings.topic, settings.timeout).map_err(std::io::Error::other)?;
    let platform = Arc::new(Platform {
        contents: Contents::default(),
        pictures: Pictures::new(&settings.pictures, settings.timeout),
        tasks,
    });
    let router = Router::new()
        .route("/contents", post(take_in))
        .route("/contents/{id}", get(load))
        .route("/contents/{id}/verdict", post(apply_verdict))
        .fallback(async || {
            Problem(StatusCode::NOT_FOUND, "there is nothing here; see POST /contents".to_owned())
        })
        .method_not_allowed_fallback(async || {
            Problem(StatusCode::METHOD_NOT_ALLOWED, "this method has no meaning here".to_owned())
        })
        .layer(middleware::from_fn(in_its_context))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(platform);

    let listener = tokio::net::TcpListener::bind(settings.listen).await.map_err(|error| {
        std::io::Error::new(error.kind(), format!("listening on {}: {error}", settings.listen))
    })?;
    // For people and for scripts; whoever started this may no longer read it.
    let _ = writeln!(std::io::stdout(), "content-api listens on http://{}", listener.local_addr()?);
    let (told, stop) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    ctrlc::set_handler(move || {
        if let Some(told) = told.take() {
            let _ = told.send(());
        }
    })
    .map_err(std::io::Error::other)?;
    axum::serve(listener, router).with_graceful_shutdown(async { stop.await.unwrap_or_default() }).await
}

/// All work on a request belongs to the execution and trace that its headers name.
async fn in_its_context(request: Request, next: Next) -> Response {
    let context = trace::context(request.headers());
    next.run(request).in_context(context).await
}

/// `POST /contents`
async fn take_in(
    Shared(platform): Shared<Arc<Platform>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let content = Content::read(&body?).map_err(Problem::bad)?;
    let mark = Platform::mark(&content);
    let (status, mut answer) = match platform.take_in(content).await {
        Ok(outcome) => (StatusCode::OK, serde_json::to_value(outcome).unwrap_or_default()),
        Err(error) => {
            (status_of(&error), json!({"contentId": mark.business_id(), "error": with_causes(&error)}))
        }
    };
    // What to ask Linkloom for.
    answer["sceneId"] = mark.scene_id().into();
    answer["executionId"] = mark.execution_id().into();
    Ok(json_answer(status, &answer))
}

fn status_of(error: &IntakeError) -> StatusCode {
    match error {
        IntakeError::Store(_) => StatusCode::INSUFFICIENT_STORAGE,
        IntakeError::Pictures(_) => StatusCode::BAD_GATEWAY,
        IntakeError::Task(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `GET /contents/{id}`: for a review it is a step of it, for anybody else it is not.
async fn load(Shared(platform): Shared<Arc<Platform>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let stored = within_step("loadContent", &json!({"contentId": id}), || platform.contents.get(&id))?;
    Ok(json_answer(StatusCode::OK, &stored))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    verdict: String,
    /// Whether a second reviewer said so.
    #[serde(rename = "final", default)]
    is_final: bool,
}

/// `POST /contents/{id}/verdict`: what reviewers made of it.
async fn apply_verdict(
    Shared(platform): Shared<Arc<Platform>>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let verdict: Verdict = serde_json::from_slice(&body?)
        .map_err(|error| Problem::bad(format!("the body is no verdict: {error}")))?;
    let state = match verdict.verdict.as_str() {
        "keep" => State::Published,
        "reject" => State::TakenDown,
        other => return Err(Problem::bad(format!("verdict is {other:?}, allowed are keep, reject"))),
    };
    let step = if verdict.is_final { "applyFinalVerdict" } else { "applyVerdict" };
    let state = within_step(step, &json!({"contentId": id, "verdict": verdict.verdict}), || {
        let state = platform.contents.set(&id, state)?;
        tracing::info!(verdict = verdict.verdict, "the verdict on {id} counts");
        Ok(state)
    })?;
    Ok(json_answer(StatusCode::OK, &json!({"contentId": id, "state": state})))
}

/// Does something as a step of the execution that was passed along; just does it if there is none.
fn within_step<T: Serialize>(
    step: &str,
    input: &Value,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if Context::current().mark().is_none() {
        return work();
    }
    let run = node(step).start(input).entered();
    match work() {
        Ok(output) => {
            run.complete(&output);
            Ok(output)
        }
        Err(error) => {
            run.fail(&error);
            Err(error)
        }
    }
}

/// What is answered to a request that comes to nothing.
struct Problem(StatusCode, String);

impl Problem {
    fn bad(reason: String) -> Problem {
        Problem(StatusCode::BAD_REQUEST, reason)
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Problem {
        Problem(rejection.status(), format!("the body was not read: {rejection}; at most {BODY_MAX} bytes"))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let status = match error {
            StoreError::Unknown(_) => StatusCode::NOT_FOUND,
            StoreError::Full => StatusCode::INSUFFICIENT_STORAGE,
        };
        Problem(status, with_causes(&error))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        json_answer(self.0, &json!({"error": self.1}))
    }
}

fn json_answer(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_string(value).expect("answers have text keys");
    (status, [(header::CONTENT_TYPE, "application/json")], body + "\n").into_response()
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
