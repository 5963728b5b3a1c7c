//! How many nodes are in which state.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::NodeState;

/// Nodes by state. In JSON an object of the states that occur, in the order of [`NodeState::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts([u32; NodeState::ALL.len()]);

impl NodeCounts {
    /// Counts one node.
    pub fn add(&mut self, state: NodeState) {
        let count = &mut self.0[state as usize];
        *count = count.saturating_add(1);
    }

    /// How many nodes are in `state`.
    pub fn get(&self, state: NodeState) -> u32 {
        self.0[state as usize]
    }

    /// The states that occur, with how many nodes are in them.
    pub fn iter(&self) -> impl Iterator<Item = (NodeState, u32)> {
        NodeState::ALL.into_iter().map(|state| (state, self.get(state))).filter(|(_, count)| *count > 0)
    }
}

impl FromIterator<NodeState> for NodeCounts {
    fn from_iter<I: IntoIterator<Item = NodeState>>(states: I) -> Self {
        let mut counts = Self::default();
        states.into_iter().for_each(|state| counts.add(state));
        counts
    }
}

impl Serialize for NodeCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (state, count) in self.iter() {
            map.serialize_entry(state.as_str(), &count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for NodeCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counts;
        impl<'de> Visitor<'de> for Counts {
            type Value = NodeCounts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of node states and counts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeCounts, A::Error> {
                let mut counts = NodeCounts::default();
                while let Some((state, count)) = map.next_entry::<NodeState, u32>()? {
                    counts.0[state as usize] = count;
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Counts)
    }
}
