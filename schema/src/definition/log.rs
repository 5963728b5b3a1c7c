//! The definition log: every version of every definition, and which one an execution ran under.

use std::collections::BTreeMap;

use super::canonical::VersionHash;
use super::model::Definition;
use crate::ids::SceneId;
use crate::time::Timestamp;

/// One version of a definition in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionVersion {
    /// Event time from which executions run under it; `None`: from the beginning.
    pub valid_from: Option<Timestamp>,
    /// The hash of its canonical form.
    pub hash: VersionHash,
    /// The definition.
    pub definition: Definition,
}

/// All versions of all definitions. What it answers depends on what was put, never on the order of the puts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionLog {
    scenes: BTreeMap<SceneId, BTreeMap<(Option<Timestamp>, VersionHash), DefinitionVersion>>,
}

impl DefinitionLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version; `false` when the log held it already with the same `valid_from`.
    ///
    /// `valid_from` is kept as given, but a time at or before 1970 is the beginning (row keys know no earlier one).
    /// One definition may be put with several times: it then holds again from each of them.
    pub fn put(&mut self, definition: Definition, valid_from: Option<Timestamp>) -> bool {
        let valid_from = valid_from.filter(|time| time.micros() > 0);
        let hash = definition.version_hash();
        let versions = self.scenes.entry(definition.scene_id.clone()).or_default();
        let version = DefinitionVersion { valid_from, hash, definition };
        versions.insert((valid_from, hash), version).is_none()
    }

    /// The version an execution of a scene ran under, given the time of its earliest report.
    ///
    /// It is the one with the greatest `valid_from` not after that time; for an execution older than every
    /// `valid_from` the scene's earliest version (the first version holds from the beginning); for one without any
    /// time the latest. At equal `valid_from` the greater hash wins. `None`: the scene has no definition.
    pub fn resolve(&self, scene_id: &str, earliest_report: Option<Timestamp>) -> Option<&DefinitionVersion> {
        let versions = self.versions_by_key(scene_id)?;
        let last = VersionHash(u128::MAX);
        let Some(time) = earliest_report else {
            return versions.values().next_back();
        };
        let not_after = versions.range(..=(Some(time), last)).next_back();
        let (_, version) = not_after.or_else(|| {
            let (first, _) = versions.keys().next()?;
            versions.range(..=(*first, last)).next_back()
        })?;
        Some(version)
    }

    /// The scenes that have a definition, in order.
    pub fn scenes(&self) -> impl Iterator<Item = &SceneId> {
        self.scenes.keys()
    }

    /// The versions of a scene by (`valid_from`, hash); none for an unknown scene.
    pub fn versions(&self, scene_id: &str) -> impl Iterator<Item = &DefinitionVersion> {
        self.versions_by_key(scene_id).into_iter().flat_map(BTreeMap::values)
    }

    fn versions_by_key(
        &self,
        scene_id: &str,
    ) -> Option<&BTreeMap<(Option<Timestamp>, VersionHash), DefinitionVersion>> {
        let scene_id = SceneId::new(scene_id).ok()?;
        self.scenes.get(&scene_id)
    }
}
