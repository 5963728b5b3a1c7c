//! Import of Netflix Conductor workflow definitions.
//!
//! A workflow becomes a definition, a task a node; `docs/dsl.md` has the table. What the DSL cannot say is simplified
//! and named in the notes of the result. What says nothing about which nodes run in which order (parameters, retries,
//! timeouts, owners) is not part of a plan; its keys are listed in [`Imported::not_carried`].

mod tasks;
mod types;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::model::Definition;
use super::parse_json;
use super::text::quoted;
use crate::ids::SceneId;

/// One imported workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The definition; its scene is the name of the workflow.
    pub definition: Definition,
    /// What was simplified, one line each, in the order of the tasks. Empty: the plan says all the workflow says.
    pub notes: Vec<String>,
    /// Keys of the workflow and its tasks that say nothing about the plan and were not carried over, sorted.
    pub not_carried: Vec<String>,
}

/// Why a text is not imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ImportRefusal {
    /// Where: a JSON path such as `$.tasks[2].joinOn`.
    pub place: String,
    /// What is wrong and what is allowed.
    pub reason: String,
}

/// Imports Conductor definitions: one workflow, an array of workflows, or a request that holds one (`workflowDef`,
/// `workflowDefinition`). Workflows written inside a `SUB_WORKFLOW` task follow the one that holds them.
///
/// Every definition returned passes [`parse_json`] in its canonical form.
/// Errors: the text is no workflow, or one that Conductor would refuse (no name, no tasks, a task without reference
/// name, two tasks of one name in a row, a key of the wrong type), or deeper than a definition may be.
pub fn import_conductor(text: &str) -> Result<Vec<Imported>, ImportRefusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text)
        .map_err(|error| ImportRefusal { place: String::from("$"), reason: format!("not JSON: {error}") })?;
    let mut imported = Vec::new();
    match &value {
        Value::Array(workflows) if workflows.is_empty() => {
            return Err(refusal("$", "an empty list, expected at least one workflow"));
        }
        Value::Array(workflows) => {
            for (i, workflow) in workflows.iter().enumerate() {
                import_into(&mut imported, workflow, &format!("$[{i}]"))?;
            }
        }
        workflow => import_into(&mut imported, workflow, "$")?,
    }
    Ok(imported)
}

fn refusal(place: &str, reason: impl Into<String>) -> ImportRefusal {
    ImportRefusal { place: place.to_owned(), reason: reason.into() }
}

fn import_into(all: &mut Vec<Imported>, value: &Value, place: &str) -> Result<(), ImportRefusal> {
    let Value::Object(object) = value else {
        return Err(refusal(place, format!("{}, expected a workflow", type_name(value))));
    };
    if !object.contains_key("tasks") {
        for key in ["workflowDef", "workflowDefinition"] {
            if let Some(inner) = object.get(key) {
                return import_into(all, inner, &format!("{place}.{key}"));
            }
        }
    }
    let name = string(object, "name", place)?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| refusal(place, "a workflow without name"))?;
    let scene_id =
        SceneId::new(name).map_err(|error| refusal(&format!("{place}.name"), error.to_string()))?;
    let tasks = list(object, "tasks", place)?.unwrap_or_default();
    if tasks.is_empty() {
        return Err(refusal(&format!("{place}.tasks"), "a workflow without tasks"));
    }
    let version = match object.get("version") {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(other) => {
            return Err(refusal(
                &format!("{place}.version"),
                format!("{}, expected a number", type_name(other)),
            ));
        }
    };
    let mut importer = tasks::Importer::new(scene_id.clone(), tasks);
    for key in object.keys() {
        if !matches!(key.as_str(), "name" | "description" | "version" | "tasks" | "failureWorkflow") {
            importer.not_carried(key);
        }
    }
    if let Some(failure) = string(object, "failureWorkflow", place)?.filter(|name| !name.is_empty()) {
        importer.note(format!(
            "failureWorkflow {}: the workflow that runs after a failure is not part of the plan",
            quoted(failure)
        ));
    }
    let nodes = importer.top_level(tasks, &format!("{place}.tasks"))?;
    let description = string(object, "description", place)?.filter(|text| !text.is_empty());
    let definition = Definition {
        scene_id,
        link_name: None,
        description: description.map(str::to_owned),
        version,
        nodes,
        variants: Vec::new(),
    };
    // Names, joins and depth were seen to above; what is left is a limit of the DSL that Conductor does not have.
    let canonical = definition.to_canonical_json();
    if let Err(problems) = parse_json("", &definition.scene_id, canonical.as_bytes()) {
        let reason = problems.first().map_or_else(String::new, |p| format!("{}: {}", p.path, p.message));
        return Err(refusal(place, reason));
    }
    let tasks::Outcome { notes, not_carried, inline } = importer.finish();
    let imported = Imported { definition, notes, not_carried };
    let at = all.len();
    all.push(imported);
    for (workflow, place) in inline {
        let before = all.len();
        import_into(all, workflow, &place)?;
        let known: BTreeSet<SceneId> =
            all[..before].iter().map(|known| known.definition.scene_id.clone()).collect();
        let scene = all[before].definition.scene_id.clone();
        if known.contains(&scene) {
            let same = all[..before].iter().any(|known| known.definition == all[before].definition);
            all.truncate(before);
            if !same {
                all[at].notes.push(format!(
                    "the workflow {} is defined more than once in this file: the first definition counts",
                    quoted(&scene)
                ));
            }
        }
    }
    Ok(())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text member; `None` when absent or null.
fn string<'v>(
    object: &'v Map<String, Value>,
    key: &str,
    place: &str,
) -> Result<Option<&'v str>, ImportRefusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(refusal(&format!("{place}.{key}"), format!("{}, expected a text", type_name(other))))
        }
    }
}

/// A list member; `None` when absent or null.
fn list<'v>(
    object: &'v Map<String, Value>,
    key: &str,
    place: &str,
) -> Result<Option<&'v [Value]>, ImportRefusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(other) => {
            Err(refusal(&format!("{place}.{key}"), format!("{}, expected a list", type_name(other))))
        }
    }
}
