//! How long a scene may be silent before its executions count as silent.

use std::collections::BTreeMap;

/// Idle times by scene, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleTimes {
    /// Scenes without one of their own.
    pub default_micros: i64,
    /// Scenes with one of their own.
    pub by_scene: BTreeMap<String, i64>,
}

impl Default for IdleTimes {
    /// Thirty minutes for every scene.
    fn default() -> Self {
        IdleTimes { default_micros: 30 * 60 * 1_000_000, by_scene: BTreeMap::new() }
    }
}

impl IdleTimes {
    /// The idle time of a scene, in microseconds.
    pub fn of(&self, scene_id: &str) -> i64 {
        self.by_scene.get(scene_id).copied().unwrap_or(self.default_micros)
    }
}
