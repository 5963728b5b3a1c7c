//! Findings: what an answer points at beyond states.

use serde::{Deserialize, Serialize};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The scene had no definition: the panorama is what was observed.
    NoDefinition,
    /// Reports without a mark are shown in every execution of their trace.
    Shared,
    /// Two contents under one identity: the lesser bytes are shown.
    IdConflict,
    /// Numbers of an instance's reports are missing.
    ReportsLost,
    /// A decision went a way the plan does not know.
    UnknownCase,
    /// Nodes of more than one case of a decision ran.
    BothCasesRan,
    /// A node completed before one that comes before it began, in the same place.
    OrderBroken,
    /// A node began before one that comes before it ended, on another host.
    ClockSkewSuspected,
    /// A run took longer than the plan allows.
    Slow,
}

impl FindingKind {
    /// The text of answers, e.g. `order_broken`.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::NoDefinition => "no_definition",
            FindingKind::Shared => "shared",
            FindingKind::IdConflict => "id_conflict",
            FindingKind::ReportsLost => "reports_lost",
            FindingKind::UnknownCase => "unknown_case",
            FindingKind::BothCasesRan => "both_cases_ran",
            FindingKind::OrderBroken => "order_broken",
            FindingKind::ClockSkewSuspected => "clock_skew_suspected",
            FindingKind::Slow => "slow",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// The node it is about; `None`: the whole execution.
    pub node_name: Option<String>,
    /// What was found, for people.
    pub message: String,
}

impl Finding {
    /// The scene had no definition when the execution began.
    pub fn no_definition() -> Self {
        Self {
            kind: FindingKind::NoDefinition,
            node_name: None,
            message: "the scene has no definition: shown is what was observed".to_owned(),
        }
    }

    /// `reports` reports of a trace that other executions show as well.
    pub fn shared(trace_id: &str, reports: u64) -> Self {
        let (noun, verb) = if reports == 1 { ("report", "is") } else { ("reports", "are") };
        Self {
            kind: FindingKind::Shared,
            node_name: None,
            message: format!("{reports} {noun} of trace {trace_id} {verb} shown in other executions as well"),
        }
    }

    /// Two contents under one identity.
    pub fn id_conflict(node_name: Option<&str>, id: &str) -> Self {
        Self {
            kind: FindingKind::IdConflict,
            node_name: node_name.map(str::to_owned),
            message: format!("reports with different contents have the id {id}; the lesser one is shown"),
        }
    }

    /// Reports of an instance that took part in the execution are missing; see [`crate::lost`].
    pub fn reports_lost(service: &str, instance: &str, boot: u64, missing: u64) -> Self {
        let noun = if missing == 1 { "report" } else { "reports" };
        Self {
            kind: FindingKind::ReportsLost,
            node_name: None,
            message: format!("{missing} {noun} of {service} at {instance} (boot {boot}) never arrived"),
        }
    }
}

/// Puts findings in the order of answers: those of the whole execution first, then in display order of their nodes;
/// then by kind and message. Equal ones are said once.
pub fn sort(findings: &mut Vec<Finding>, display: impl Fn(&str) -> Option<usize>) {
    findings.sort_by_cached_key(|finding| {
        let place = finding.node_name.as_deref().map(|name| display(name).unwrap_or(usize::MAX));
        (place, finding.clone())
    });
    findings.dedup();
}

/// A span of time for people: `12 µs`, `3.4 ms`, `2.5 s`.
pub(crate) fn span_text(micros: i64) -> String {
    let micros = micros.max(0);
    let (whole, thousandths, unit) = match micros {
        0..1_000 => return format!("{micros} µs"),
        1_000..1_000_000 => (micros / 1_000, micros % 1_000, "ms"),
        _ => (micros / 1_000_000, micros / 1_000 % 1_000, "s"),
    };
    let text = format!("{whole}.{thousandths:03}");
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
