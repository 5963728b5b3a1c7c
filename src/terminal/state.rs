//! States with their signs, colours and words.

use linkloom_schema::panorama::{ExecutionStatus, NodeState};
use linkloom_schema::report::Level;

use super::line::Tone;

/// Sign and tone of a node's state.
pub(super) fn of_node(state: NodeState) -> (&'static str, Tone) {
    match state {
        NodeState::Completed => ("✔", Tone::Good),
        NodeState::Failed => ("✖", Tone::Bad),
        NodeState::Running => ("▶", Tone::Active),
        NodeState::Stalled => ("■", Tone::Warn),
        NodeState::Missing => ("!", Tone::Warn),
        NodeState::Expired => ("~", Tone::Faint),
        NodeState::NotReached => ("○", Tone::Faint),
        NodeState::NotTaken => ("┄", Tone::Faint),
        NodeState::Unplanned => ("+", Tone::Odd),
    }
}

/// The sign for a node's state in trees and lists.
pub fn sign(state: NodeState) -> &'static str {
    of_node(state).0
}

/// The word for a node's state.
pub(super) fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::NotReached => "not reached",
        NodeState::NotTaken => "not taken",
        other => other.as_str(),
    }
}

/// Sign and tone of an execution's status.
pub(super) fn of_execution(status: ExecutionStatus) -> (&'static str, Tone) {
    of_node(match status {
        ExecutionStatus::Failed => NodeState::Failed,
        ExecutionStatus::Completed => NodeState::Completed,
        ExecutionStatus::Running => NodeState::Running,
        ExecutionStatus::Stalled => NodeState::Stalled,
    })
}

/// Sign and tone of a run, from the text of its status.
pub(super) fn of_run(status: &str) -> (&'static str, Tone) {
    match status {
        "COMPLETED" => of_node(NodeState::Completed),
        "FAILED" => of_node(NodeState::Failed),
        "RUNNING" => of_node(NodeState::Running),
        _ => ("┄", Tone::Faint),
    }
}

/// Tone of a log of a level.
pub(super) fn of_level(level: Level) -> Tone {
    match level {
        Level::Fatal | Level::Error => Tone::Bad,
        Level::Warn => Tone::Warn,
        Level::Info => Tone::Good,
        Level::Debug | Level::Trace | Level::Other => Tone::Faint,
    }
}
