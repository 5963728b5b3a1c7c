//! Which executions belong in a list.

use linkloom_schema::answer::ListEntry;
use linkloom_schema::panorama::ExecutionStatus;
use linkloom_schema::time::Timestamp;

/// Which executions of a business id, or of a scene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only of this scene. (Lists of a scene hold no other.)
    pub scene: Option<String>,
    /// Only in this status.
    pub status: Option<ExecutionStatus>,
    /// Only started at or after it.
    pub from: Option<Timestamp>,
    /// Only started before it.
    pub to: Option<Timestamp>,
    /// Only with all of these facts: key and value of `meta`, a value that is not a text as its JSON.
    pub meta: Vec<(String, String)>,
    /// Only with this text in one of their ids, whatever its case.
    pub text: Option<String>,
    /// Only those that went this way. (Of executions of a scene; it takes more than their summaries.)
    pub went: Option<Went>,
    /// At most so many.
    pub limit: usize,
    /// Go on where the answer before ended.
    pub cursor: Option<String>,
}

/// A way out of a node, mostly a case of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Went {
    /// The node.
    pub node_name: String,
    /// The case, or what else the edges along it are labelled with.
    pub case: String,
}

impl ListQuery {
    /// Whether an execution belongs in the list, wherever the page begins and whichever way it went.
    pub fn wants(&self, entry: &ListEntry) -> bool {
        self.status.is_none_or(|status| entry.status == status)
            && self.scene.as_deref().is_none_or(|scene| entry.scene_id == scene)
            && self.from.is_none_or(|from| entry.start_time.is_some_and(|start| start >= from))
            && self.to.is_none_or(|to| entry.start_time.is_some_and(|start| start < to))
            && self.meta.iter().all(|(key, value)| {
                entry.meta.get(key).is_some_and(|found| found.as_text() == value.as_str())
            })
            && self.text.as_deref().is_none_or(|text| {
                let text = text.to_lowercase();
                [&entry.business_id, &entry.scene_id, &entry.execution_id]
                    .into_iter()
                    .any(|id| id.to_lowercase().contains(&text))
            })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use linkloom_schema::answer::Json;
    use linkloom_schema::panorama::NodeCounts;

    use super::*;

    fn entry() -> ListEntry {
        let fact = |key: &str, json: &'static str| (key.to_owned(), Json(Cow::Borrowed(json)));
        ListEntry {
            business_id: "Content-42".to_owned(),
            scene_id: "intake".to_owned(),
            execution_id: "Straße".to_owned(),
            status: ExecutionStatus::Running,
            start_time: Some(Timestamp(1_000)),
            end_time: None,
            duration_micros: None,
            node_counts: NodeCounts::default(),
            error_count: 0,
            meta: [fact("trigger", "\"ma\\u006eual\""), fact("round", "2")].into(),
        }
    }

    #[test]
    fn every_condition_has_to_hold() {
        let facts = |pairs: &[(&str, &str)]| ListQuery {
            meta: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..ListQuery::default()
        };
        let text = |text: &str| ListQuery { text: Some(text.to_owned()), ..ListQuery::default() };
        for wanted in [
            ListQuery::default(),
            facts(&[("trigger", "manual")]),
            facts(&[("trigger", "manual"), ("round", "2")]),
            text("content-4"),
            text("straß"),
            text("TAKE"),
            ListQuery { from: Some(Timestamp(1_000)), to: Some(Timestamp(1_001)), ..ListQuery::default() },
            ListQuery { status: Some(ExecutionStatus::Running), ..ListQuery::default() },
        ] {
            assert!(wanted.wants(&entry()), "{wanted:?}");
        }
        for unwanted in [
            facts(&[("trigger", "manual"), ("round", "3")]),
            facts(&[("trigger", "Manual")]),
            facts(&[("absent", "")]),
            text("content-43"),
            ListQuery { to: Some(Timestamp(1_000)), ..ListQuery::default() },
            ListQuery { from: Some(Timestamp(1_001)), ..ListQuery::default() },
            ListQuery { status: Some(ExecutionStatus::Failed), ..ListQuery::default() },
            ListQuery { scene: Some("other".to_owned()), ..ListQuery::default() },
        ] {
            assert!(!unwanted.wants(&entry()), "{unwanted:?}");
        }
    }
}
