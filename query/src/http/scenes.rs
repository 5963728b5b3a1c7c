//! Scenes, their executions, and what a text is the id of.

use axum::extract::State;
use axum::response::Response;
use http::Uri;

use super::answers::Ids;
use super::params::{LIST, Params};
use super::path::part;
use super::problem::Problem;
use super::representation::Wants;
use super::{Api, now, routes};
use crate::json;

/// `GET /api/v1/resolve`
pub(super) async fn resolve(State(api): State<Api>, wants: Wants, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::RESOLVE);
    let text = params.required("q", "any id");
    let searched_max = params.count("search", crate::SEARCHED);
    let as_of = params.time("asOf");
    params.finish()?;
    let separator = api.settings.mark_separator.clone();
    api.answer(wants, move |reader| {
        Ok(json::text(&reader.resolve(&text, &separator, searched_max, as_of.unwrap_or_else(now))?))
    })
    .await
}

/// `GET /api/v1/scenes`
pub(super) async fn scenes(State(api): State<Api>, wants: Wants, uri: Uri) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::SCENES);
    let (limit, cursor, as_of) = (params.limit(), params.text("cursor"), params.time("asOf"));
    params.finish()?;
    api.answer(wants, move |reader| {
        Ok(json::text(&reader.scenes(limit, cursor.as_deref(), as_of.unwrap_or_else(now))?))
    })
    .await
}

/// `GET /api/v1/scenes/{sceneId}/executions`
pub(super) async fn executions(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::SCENE_EXECUTIONS);
    let query = params.list(LIST);
    let as_of = params.time("asOf");
    params.finish()?;
    let scene_id = ids.get(part::SCENE).to_owned();
    api.answer(wants, move |reader| {
        Ok(json::text(&reader.scene_list(&scene_id, &query, as_of.unwrap_or_else(now))?))
    })
    .await
}
