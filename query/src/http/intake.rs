//! What came without a mark, what was refused, and reports that are posted.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;
use tokio::sync::{Semaphore, oneshot};

use super::answers::Ids;
use super::owner::{DeadQuery, Intake, NotTaken, RefusedLine, Replay};
use super::params::Params;
use super::path::{NO_SERVICE, part};
use super::problem::{BadParameter, Problem, clip};
use super::representation::Wants;
use super::{Api, Settings, body, now, routes};
use crate::{LogsQuery, Unlinked, json};

/// Time for posted reports to become durable.
const DURABLE_TIMEOUT: Duration = Duration::from_secs(60);

/// `GET /api/v1/unlinked`
pub(super) async fn unlinked(State(api): State<Api>, wants: Wants, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::UNLINKED);
    let (trace, service) = (params.text("trace"), params.text("service"));
    let _ = params.time("asOf");
    let query = LogsQuery {
        level: params.text("level"),
        text: params.text("q"),
        limit: params.limit(),
        cursor: params.text("cursor"),
        ..LogsQuery::default()
    };
    if let (Some(_), Some(service)) = (&trace, &service) {
        params.also([BadParameter::value("service", service, "trace or service, not both")]);
    }
    let of_one = trace.is_some() || service.is_some();
    for (name, value) in [("level", &query.level), ("q", &query.text)] {
        if let (false, Some(value)) = (of_one, value) {
            params.also([BadParameter::value(name, value, "only with trace or service")]);
        }
    }
    params.finish()?;
    api.answer(wants, move |reader| {
        let of = match (&trace, &service) {
            (Some(trace), _) => Unlinked::Trace(trace),
            (None, Some(service)) => Unlinked::Service(if service == NO_SERVICE { "" } else { service }),
            (None, None) => {
                return Ok(json::text(&reader.unlinked(query.limit, query.cursor.as_deref())?));
            }
        };
        Ok(json::text(&reader.unlinked_reports(of, &query)?.unwrap_or_default()))
    })
    .await
}

/// `GET /api/v1/dead`
pub(super) async fn dead(State(api): State<Api>, wants: Wants, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::DEAD);
    let query = DeadQuery {
        source: params.text("source"),
        reason: params.text("reason"),
        with_replayed: params.flag("replayed"),
        limit: params.limit(),
        cursor: params.text("cursor"),
    };
    let _ = params.time("asOf");
    params.finish()?;
    let owner = api.owner.clone();
    api.answer(wants, move |_| owner.get().ok_or_else(Problem::only_reads)?.dead(&query)).await
}

/// What came of replaying a dead letter.
#[derive(Debug, Serialize)]
struct Replayed<'a> {
    id: &'a str,
    outcome: &'static str,
    reason: Option<&'static str>,
    detail: Option<String>,
}

/// `POST /api/v1/dead/{id}/replay`
pub(super) async fn replay(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::read(uri.query(), routes::NONE).finish()?;
    let id = ids.get(part::LETTER).to_owned();
    let owner = api.owner.clone();
    api.answer(wants, move |_| {
        let replay = owner.get().ok_or_else(Problem::only_reads)?.replay(&id)?;
        let (outcome, reason, detail) = match replay {
            Replay::Replayed => ("replayed", None, None),
            Replay::Before => ("replayedBefore", None, None),
            Replay::NotWhole => ("notWhole", None, None),
            Replay::Refused { reason, detail } => ("refused", Some(reason), Some(detail)),
            Replay::Unknown => {
                return Err(Problem::not_found(format!("there is no dead letter {:?}", clip(&id))));
            }
        };
        Ok(json::line(&Replayed { id: &id, outcome, reason, detail }))
    })
    .await
}

/// What became of posted reports. Refused lines are kept as dead letters, too.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    accepted: u64,
    refused: Vec<RefusedLine>,
    /// Further refused lines.
    refused_more: u64,
}

/// What posted reports need.
#[derive(Clone)]
pub(super) struct Posts {
    /// None as long as there is nobody to take them.
    intake: Option<Arc<dyn Intake>>,
    body_bytes_max: usize,
    /// One permit for each post that may wait to be durable.
    waiting: Arc<Semaphore>,
}

impl Posts {
    pub(super) fn new(intake: Arc<dyn Intake>, settings: &Settings) -> Self {
        let waiting = Arc::new(Semaphore::new(settings.posts_max.max(1)));
        Posts { intake: Some(intake), body_bytes_max: settings.body_bytes_max, waiting }
    }
}

impl FromRef<Api> for Posts {
    fn from_ref(api: &Api) -> Self {
        let intake = api.owner.get().cloned().map(|owner| owner as Arc<dyn Intake>);
        let waiting = api.posts.clone();
        Posts { intake, body_bytes_max: api.settings.body_bytes_max, waiting }
    }
}

/// `POST /api/v1/reports`
pub(super) async fn reports(
    State(posts): State<Posts>,
    wants: Wants,
    uri: Uri,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    Params::read(uri.query(), routes::NONE).finish()?;
    let intake = posts.intake.ok_or_else(Problem::only_reads)?;
    // Connections are left for others, who may ask how the process is.
    let Ok(_waits) = posts.waiting.try_acquire() else {
        let detail = "as many posts wait to be stored as may (half of api.connections_max); send it again";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
    };
    let lines = body::read(&headers, sent, posts.body_bytes_max).await?;
    let (tell, told) = oneshot::channel::<()>();
    // Who has gone does not want to know.
    let durable = Box::new(move || {
        let _ = tell.send(());
    });
    let taken = tokio::task::spawn_blocking(move || intake.accept(lines, now(), durable)).await;
    let taken = taken.map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "taking the reports ended in a panic")
    })?;
    let taken = taken.map_err(|why| match why {
        NotTaken::Full => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "as many bytes wait to be stored as may (api.reports_bytes_max); send it again",
        ),
        NotTaken::Closed => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the process is going down; send it again")
        }
        NotTaken::Never(why) => Problem::new(StatusCode::NOT_IMPLEMENTED, why),
    })?;
    let again = |why: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, why);
    match tokio::time::timeout(DURABLE_TIMEOUT, told).await {
        Err(_) => {
            return Err(again(
                "the reports were taken, but are not confirmed yet; sending them again is harmless",
            ));
        }
        Ok(Err(_)) => {
            return Err(again("the process ended before the reports were stored; send them again"));
        }
        Ok(Ok(())) => {}
    }
    let answer =
        Accepted { accepted: taken.accepted, refused: taken.refused, refused_more: taken.refused_more };
    Ok(wants.respond("application/json", json::line(&answer).into_bytes()))
}
