//! One definition of a scene, and which versions there are.

use std::borrow::Cow;

use linkloom_schema::answer::Json;
use linkloom_schema::definition::{DefinitionVersion, VersionHash};
use linkloom_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reader::Reader;

/// One version in the definition log. A definition that holds again from a later time is there once for each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionEntry {
    /// Hash of its canonical form.
    pub version: String,
    /// From when on executions run under it, in event time; `None`: from the beginning.
    pub valid_from: Option<Timestamp>,
    /// The author's own label of the version.
    pub label: Option<String>,
    /// Name of the link, for people.
    pub link_name: Option<String>,
    /// It holds at `asOf`.
    pub current: bool,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionAnswer {
    /// The scene.
    pub scene_id: String,
    /// Hash of the canonical form.
    pub version: String,
    /// From when on it holds; of a version that holds from several times the latest.
    pub valid_from: Option<Timestamp>,
    /// It holds at `asOf`.
    pub current: bool,
    /// The canonical form.
    pub definition: Json<'static>,
    /// All versions of the scene, the latest first.
    pub versions: Vec<VersionEntry>,
}

impl Reader {
    /// The definition of a scene that holds at `as_of`, or the `version` asked for; `None` when there is none.
    pub fn definition(
        &self,
        scene_id: &str,
        version: Option<VersionHash>,
        as_of: Timestamp,
    ) -> Option<DefinitionAnswer> {
        let definitions = self.definitions().snapshot();
        let log = definitions.log();
        let holds = log.resolve(scene_id, Some(as_of))?;
        let is_current =
            |found: &DefinitionVersion| (found.hash, found.valid_from) == (holds.hash, holds.valid_from);
        let found = match version {
            None => holds,
            Some(version) if version == holds.hash => holds,
            Some(version) => log.versions(scene_id).filter(|found| found.hash == version).last()?,
        };
        let mut versions: Vec<VersionEntry> = log
            .versions(scene_id)
            .map(|found| VersionEntry {
                version: found.hash.to_string(),
                valid_from: found.valid_from,
                label: found.definition.version.clone(),
                link_name: found.definition.link_name.clone(),
                current: is_current(found),
            })
            .collect();
        versions.reverse();
        Some(DefinitionAnswer {
            scene_id: scene_id.to_owned(),
            version: found.hash.to_string(),
            valid_from: found.valid_from,
            current: is_current(found),
            definition: Json(Cow::Owned(found.definition.to_canonical_json())),
            versions,
        })
    }
}
