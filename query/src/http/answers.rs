//! The answers: executions of a business id, one execution, one node, logs.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::response::Response;
use http::request::Parts;
use http::{StatusCode, Uri};
use linkloom_schema::answer::{ExecutionAnswer, NodeAnswer};
use linkloom_schema::ids::{ID_BYTES_MAX, LinkMark};

use super::params::{LIST, Params};
use super::path::part;
use super::problem::{BadParameter, Problem, clip};
use super::representation::Wants;
use super::{Api, now, routes};
use crate::{LogsQuery, QueryError, Reader, json};

/// The ids in a path, decoded.
pub(super) struct Ids(RawPathParams);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match RawPathParams::from_request_parts(parts, state).await {
            Ok(found) => Ok(Ids(found)),
            Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => {
                let bad = BadParameter::value("the path", parts.uri.path(), "percent-encoded UTF-8");
                Err(Problem::bad_request(vec![bad]))
            }
            Err(error) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        }
    }
}

impl Ids {
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| *given == name).map_or("", |(_, id)| id)
    }

    /// The link mark; ids that cannot be are added to the problems.
    pub(super) fn mark(&self, params: &mut Params) -> Option<LinkMark> {
        let ids = [part::BUSINESS, part::SCENE, part::EXECUTION].map(|name| (name, self.get(name)));
        let long = ids.into_iter().filter(|(_, id)| id.is_empty() || id.len() > ID_BYTES_MAX);
        params.also(
            long.map(|(name, id)| {
                BadParameter::value(name, id, format!("an id of 1 to {ID_BYTES_MAX} bytes"))
            }),
        );
        LinkMark::new(ids[0].1, ids[1].1, ids[2].1).ok()
    }
}

/// `GET .../business/{businessId}/executions`
pub(super) async fn executions(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::EXECUTIONS);
    let query = params.list(LIST);
    let as_of = params.time("asOf");
    params.finish()?;
    let business_id = ids.get(part::BUSINESS).to_owned();
    api.answer(wants, move |reader| {
        let answer = reader.list(&business_id, &query, as_of.unwrap_or_else(now))?;
        Ok(json::text(&answer))
    })
    .await
}

/// `GET .../executions/{executionId}`
pub(super) async fn execution(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::EXECUTION);
    let as_of = params.time("asOf");
    let mark = ids.mark(&mut params);
    params.finish()?;
    let mark = mark.ok_or_else(no_mark)?;
    api.answer(wants, move |reader| {
        let text = |answer: &ExecutionAnswer<'_>| json::text(answer);
        reader.show(&mark, as_of.unwrap_or_else(now), text)?.ok_or_else(|| unknown_execution(&mark))
    })
    .await
}

/// `GET .../nodes/{nodeName}`
pub(super) async fn node(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::NODE);
    let run = params.text("run");
    let query = LogsQuery {
        level: params.text("level"),
        min_level: params.one_of("minLevel", routes::NODE),
        limit: params.limit(),
        cursor: params.text("cursor"),
        ..LogsQuery::default()
    };
    let as_of = params.time("asOf");
    let mark = ids.mark(&mut params);
    params.finish()?;
    let mark = mark.ok_or_else(no_mark)?;
    let name = ids.get(part::NODE).to_owned();
    api.answer(wants, move |reader| {
        let as_of = as_of.unwrap_or_else(now);
        let text = |answer: &NodeAnswer<'_>| json::text(answer);
        if let Some(text) = reader.node(&mark, &name, run.as_deref(), &query, as_of, text)? {
            return Ok(text);
        }
        Err(match reader.logs(&mark, &LogsQuery { limit: 1, ..LogsQuery::default() }, |_| ())? {
            Some(()) => {
                Problem::not_found(format!("execution {} has no node {}", id(&mark.execution_id), id(&name)))
            }
            None => unknown_execution(&mark),
        })
    })
    .await
}

/// `GET .../logs`; `asOf` is allowed as everywhere, though logs are the same at any time.
pub(super) async fn logs(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::LOGS);
    let query = LogsQuery {
        level: params.text("level"),
        min_level: params.one_of("minLevel", routes::LOGS),
        text: params.text("q"),
        node: params.text("nodeName"),
        without_node: params.flag("withoutNode"),
        limit: params.limit(),
        cursor: params.text("cursor"),
    };
    let _ = params.time("asOf");
    let mark = ids.mark(&mut params);
    params.finish()?;
    let mark = mark.ok_or_else(no_mark)?;
    api.answer(wants, move |reader| {
        let text = reader.logs(&mark, &query, |answer| json::text(&answer))?;
        text.ok_or_else(|| unknown_execution(&mark))
    })
    .await
}

impl Api {
    /// The reader, once the store has answered.
    pub(super) fn reader(&self) -> Result<&Reader, Problem> {
        self.reader.get().ok_or_else(|| {
            let why = "the store has not answered yet; /readyz says what is missing";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)
        })
    }

    /// Runs a read on a thread for it, once one is free. The permit goes with the read: a client that leaves does not
    /// make room for another before its read is over.
    pub(super) async fn answer(
        &self,
        wants: Wants,
        read: impl FnOnce(&Reader) -> Result<String, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let internal = |what: &str| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, what);
        let permit = Arc::clone(&self.reads).acquire_owned().await;
        let permit = permit.map_err(|_| internal("the process is going down"))?;
        let reader = self.reader()?.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&reader).map(|body| wants.respond("application/json", body.into_bytes()))
        });
        read.await.map_err(|_| internal("the read ended in a panic, the log of the process says more"))?
    }
}

pub(super) fn no_mark() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the path names no execution")
}

fn unknown_execution(mark: &LinkMark) -> Problem {
    let (business, scene, execution) = (id(&mark.business_id), id(&mark.scene_id), id(&mark.execution_id));
    Problem::not_found(format!("nothing is stored of execution {execution} of scene {scene} of {business}"))
}

/// An id in a sentence.
pub(super) fn id(text: &str) -> String {
    format!("{:?}", clip(text))
}

impl From<linkloom_storage::store::StoreError> for Problem {
    fn from(error: linkloom_storage::store::StoreError) -> Self {
        Problem::from(QueryError::from(error))
    }
}
