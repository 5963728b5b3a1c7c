//! Definitions: read, checked and put.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use linkloom_schema::answer::Json;
use linkloom_schema::definition::{DEFINITION_BYTES_MAX, VersionHash, parse};
use linkloom_schema::ids::SceneId;
use linkloom_schema::time::Timestamp;
use serde::Serialize;

use super::answers::{Ids, id};
use super::params::Params;
use super::path::part;
use super::problem::{BadParameter, Problem};
use super::representation::Wants;
use super::{Api, body, now, routes};
use crate::json;

/// `GET /api/v1/scenes/{sceneId}/definition`
pub(super) async fn get(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::DEFINITION);
    let version = params.version();
    let as_of = params.time("asOf");
    params.finish()?;
    let scene_id = ids.get(part::SCENE).to_owned();
    api.answer(wants, move |reader| {
        let answer = reader.definition(&scene_id, version, as_of.unwrap_or_else(now));
        answer.map(|answer| json::text(&answer)).ok_or_else(|| unknown(&scene_id, version))
    })
    .await
}

fn unknown(scene_id: &str, version: Option<VersionHash>) -> Problem {
    match version {
        None => Problem::not_found(format!("scene {} has no definition", id(scene_id))),
        Some(version) => {
            Problem::not_found(format!("scene {} has no version {version} of a definition", id(scene_id)))
        }
    }
}

/// What putting or checking a definition came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionPut {
    scene_id: String,
    version: String,
    /// Since when it holds; `None`: from the beginning, or it was only checked.
    valid_from: Option<Timestamp>,
    /// It is new in the log.
    new: bool,
    /// It was put, and not only checked.
    stored: bool,
    /// Its canonical form.
    definition: Json<'static>,
}

/// `PUT /api/v1/scenes/{sceneId}/definition`
pub(super) async fn put(
    State(api): State<Api>,
    wants: Wants,
    ids: Ids,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::PUT_DEFINITION);
    let check_only = params.flag("check");
    let valid_from = params.time("validFrom");
    let scene_id = ids.get(part::SCENE).to_owned();
    if let Err(error) = SceneId::new(&scene_id) {
        params.also([BadParameter::value(part::SCENE, &scene_id, error.to_string())]);
    }
    params.finish()?;
    let bytes = body::read(&headers, body, DEFINITION_BYTES_MAX).await?;
    let owner = api.owner.clone();
    api.answer(wants, move |reader| {
        let definition = parse("the definition", &scene_id, &bytes).map_err(Problem::bad_definition)?;
        if *definition.scene_id != *scene_id {
            let named = BadParameter::value("sceneId of the definition", &definition.scene_id, &scene_id);
            return Err(Problem { status: 422, ..Problem::bad_request(vec![named]) }.titled());
        }
        let version = definition.version_hash();
        let canonical = Json(definition.to_canonical_json().into());
        let (valid_from, new) = if check_only {
            let snapshot = reader.definitions().snapshot();
            (None, !snapshot.log().versions(&scene_id).any(|known| known.hash == version))
        } else {
            let owner = owner.get().ok_or_else(Problem::only_reads)?;
            let put = owner.put_definition(definition, valid_from, now())?;
            (put.valid_from, put.new)
        };
        let answer = DefinitionPut {
            scene_id,
            version: version.to_string(),
            valid_from,
            new,
            stored: !check_only,
            definition: canonical,
        };
        Ok(json::line(&answer))
    })
    .await
}
