//! The history of a node, and statistics of a scene.

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use linkloom_schema::time::Timestamp;

use super::answers::Ids;
use super::params::Params;
use super::path::part;
use super::problem::Problem;
use super::representation::Wants;
use super::{Api, now, routes};
use crate::{ListQuery, figures, json};

/// `GET /api/v1/scenes/{sceneId}/nodes/{nodeName}/history`
pub(super) async fn history(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let (query, as_of) = asked(Params::read(uri.query(), routes::HISTORY), figures::HISTORY)?;
    let (scene, node) = (ids.get(part::SCENE).to_owned(), ids.get(part::NODE).to_owned());
    api.answer(wants, move |reader| Ok(json::text(&reader.history(&scene, &node, &query, as_of)?))).await
}

/// `GET /api/v1/scenes/{sceneId}/statistics`
pub(super) async fn statistics(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let (query, as_of) = asked(Params::read(uri.query(), routes::STATISTICS), figures::STATISTICS)?;
    let scene = ids.get(part::SCENE).to_owned();
    api.answer(wants, move |reader| Ok(json::text(&reader.statistics(&scene, &query, as_of)?))).await
}

fn asked(mut params: Params, limits: (usize, usize)) -> Result<(ListQuery, Timestamp), Problem> {
    let query = params.list(limits);
    let as_of = params.time("asOf");
    params.finish()?;
    Ok((query, as_of.unwrap_or_else(now)))
}
