//! Recorded Netflix Conductor workflow executions.

mod fields;
mod task;

use std::collections::BTreeMap;
use std::io::Read;

use linkloom_schema::ids::{ID_BYTES_MAX, MarkRef};
use linkloom_schema::report::ReportKind;
use linkloom_schema::time::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use fields::{Fields, drop_rest, exception, one_line, scalar};
use task::task;

use super::ConvertError;
use super::notes::NoteKind;
use super::sink::{Object, Sink};

/// Longest input: executions are read whole.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Longest key and value of an input that is taken into the meta.
const META_BYTES_MAX: usize = 256;
/// Most inputs that are taken into the meta.
const META_KEYS_MAX: usize = 32;

/// Converts one execution, an array of them, or any number one after another.
pub(super) fn convert(input: impl Read, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
    let mut bytes = Vec::new();
    let mut limited = input.take(INPUT_BYTES_MAX + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|source| ConvertError::Read { input: sink.input.clone(), source })?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(sink.malformed("its end".to_owned(), "longer than 256 MiB: split it into several files"));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| sink.malformed(format!("byte {}", error.valid_up_to()), "not UTF-8"))?;
    let values =
        serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<&RawValue>();
    let mut number = 0;
    for value in values {
        let at = |error: serde_json::Error| {
            let why = error.to_string();
            sink.malformed(format!("line {}", error.line()), why)
        };
        let value = value.map_err(at)?;
        if value.get().starts_with('[') {
            for one in serde_json::from_str::<Vec<&RawValue>>(value.get()).map_err(at)? {
                number += 1;
                execution(one, number, sink)?;
            }
        } else {
            number += 1;
            execution(value, number, sink)?;
        }
    }
    if number == 0 {
        return Err(sink.malformed("its end".to_owned(), "there is no execution in it"));
    }
    Ok(())
}

/// One execution that is being written.
struct Execution {
    business: String,
    scene: String,
    id: String,
    /// Reference names in the definition, if the record holds it.
    planned: Vec<String>,
    meta: String,
    /// The meta goes on the first node report too.
    meta_written: bool,
}

impl Execution {
    fn mark(&self) -> MarkRef<'_> {
        MarkRef { business_id: &self.business, scene_id: &self.scene, execution_id: &self.id }
    }
}

fn execution(json: &RawValue, number: u64, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
    let place = format!("execution {number}");
    let Some(mut fields) = Fields::of(json) else {
        return Err(sink.malformed(place, "not a JSON object"));
    };
    let Some(id) = fields.text("workflowId") else {
        let found = fields.0.keys().take(20).cloned().collect::<Vec<_>>().join(", ");
        let why =
            format!("no workflowId, so it is not a recorded workflow execution; its fields are {found}");
        return Err(sink.malformed(place, why));
    };
    let definition = fields.raw("workflowDefinition");
    let (name, planned) = definition.map(|json| read_definition(json, sink, &place)).unwrap_or_default();
    let older_name = fields.text("workflowType");
    let scene = fields.text("workflowName").or(older_name).or(name).unwrap_or_else(|| {
        sink.note(NoteKind::Guessed, "a workflow without a name: its scene is \"workflow\"", || {
            place.clone()
        });
        "workflow".to_owned()
    });
    let at = || place.clone();
    let correlation = fields.text("correlationId");
    let mut run = Execution {
        business: sink.fit(correlation.as_deref().unwrap_or(&id), ID_BYTES_MAX, "correlationId", at),
        scene: sink.fit(&scene, ID_BYTES_MAX, "workflowName", at),
        id: sink.fit(&id, ID_BYTES_MAX, "workflowId", at),
        planned,
        meta: String::new(),
        meta_written: false,
    };
    let created = fields.time("createTime");
    let started = fields.time("startTime");
    let ended = fields.time("endTime");
    let updated = fields.time("updateTime");
    let status = fields.text("status").unwrap_or_default();
    let reason = fields.text("reasonForIncompletion");
    let tasks = fields.raw("tasks");
    let input = fields.raw("input");
    let output = fields.payload("output", sink, &place);
    run.meta = meta(&mut fields, input, created.or(started), sink, &place);
    drop_rest("workflow", fields, sink, &place);

    let input = sink.payload(input.map(|json| one_line(json.get())).unwrap_or_default(), "input", at);
    let begin = started.or(created);
    sink.sane(begin, at);
    sink.report(ReportKind::Log, run.mark(), None, |report| {
        report.time(begin);
        report.text("id", "workflow:start");
        report.text("level", "INFO");
        report.text("message", "workflow started");
        report.json_if("data", &input);
        report.json_if("meta", &run.meta);
    })?;
    let tasks: Vec<&RawValue> = match tasks.map(|tasks| serde_json::from_str(tasks.get())) {
        Some(Ok(tasks)) => tasks,
        Some(Err(_)) => return Err(sink.malformed(place, "tasks is not an array")),
        None => {
            sink.note(NoteKind::Unreadable, "an execution without tasks", at);
            Vec::new()
        }
    };
    for (index, json) in tasks.iter().enumerate() {
        let place = format!("{place}, task {}", index + 1);
        sink.counts.records += 1;
        match Fields::of(json) {
            Some(fields) => task(&mut run, fields, index + 1, sink, &place)?,
            None => sink.refuse("a task that is not a JSON object", || place.clone()),
        }
    }
    if !matches!(status.as_str(), "" | "RUNNING" | "PAUSED") {
        let end = ended.or(updated).or(begin);
        let failed = !matches!(status.as_str(), "COMPLETED");
        sink.report(ReportKind::Log, run.mark(), None, |report| {
            report.time(end);
            report.text("id", "workflow:end");
            report.text("level", if failed { "ERROR" } else { "INFO" });
            report.text("message", &format!("workflow {status}"));
            report.json_if("data", &output);
            report.json_if("exception", &exception(&status, reason.as_deref()));
        })?;
        return Ok(());
    }
    if status == "PAUSED" {
        sink.note(NoteKind::StatusMapped, "workflow PAUSED is an execution that goes on", at);
    }
    if !output.is_empty() {
        sink.note(NoteKind::FieldDropped, "what a workflow that goes on has put out so far", at);
    }
    Ok(())
}

/// Name of the workflow and all reference names in its definition.
fn read_definition(json: &RawValue, sink: &mut Sink<'_>, place: &str) -> (Option<String>, Vec<String>) {
    let Ok(definition) = serde_json::from_str::<Value>(json.get()) else {
        sink.note(NoteKind::Unreadable, "workflowDefinition", || place.to_owned());
        return (None, Vec::new());
    };
    sink.note(
        NoteKind::FieldDropped,
        "workflowDefinition (import it with `linkloom dsl import conductor`)",
        || place.to_owned(),
    );
    let mut names = Vec::new();
    collect_names(&definition, &mut names);
    names.sort_unstable();
    (definition.get("name").and_then(Value::as_str).map(str::to_owned), names)
}

/// serde_json stops at a depth of 128, so this recursion is bounded.
fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Object(fields) => {
            names.extend(fields.get("taskReferenceName").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect_names(field, names));
        }
        _ => {}
    }
}

/// Facts about the execution: small texts and numbers of the workflow and of its input.
fn meta(
    fields: &mut Fields<'_>,
    input: Option<&RawValue>,
    created: Option<Timestamp>,
    sink: &mut Sink<'_>,
    place: &str,
) -> String {
    let mut facts = BTreeMap::new();
    let event = fields.text("event");
    let parent = fields.text("parentWorkflowId");
    let trigger = match (event, &parent) {
        (Some(event), _) => event,
        (None, Some(_)) => "parent workflow".to_owned(),
        (None, None) => "start".to_owned(),
    };
    facts.insert("trigger".to_owned(), trigger);
    let older_version = fields.text("version");
    let version = fields.text("workflowVersion").or(older_version);
    facts.extend(version.map(|version| ("workflowVersion".to_owned(), version)));
    let created = created.and_then(|time| jiff::Timestamp::from_microsecond(time.micros()).ok());
    facts.extend(created.map(|time| ("createTime".to_owned(), time.to_string())));
    facts.extend(parent.map(|id| ("parentWorkflowId".to_owned(), id)));
    for key in ["ownerApp", "createdBy", "parentWorkflowTaskId", "reRunFromWorkflowId", "priority"] {
        facts.extend(fields.text(key).map(|text| (key.to_owned(), text)));
    }
    facts.retain(|_, text| !text.is_empty() && text.len() <= META_BYTES_MAX);
    let inputs = input.and_then(Fields::of).map(|fields| fields.0).unwrap_or_default();
    let mut taken = 0;
    for (key, value) in inputs {
        let small = scalar(value.get()).filter(|text| !text.is_empty() && text.len() <= META_BYTES_MAX);
        let Some(text) = small.filter(|_| key.len() <= META_BYTES_MAX && !key.is_empty()) else {
            sink.note(
                NoteKind::FieldDropped,
                "input in the meta: only small texts and numbers (all is in the log)",
                || place.to_owned(),
            );
            continue;
        };
        if facts.contains_key(&key) || taken == META_KEYS_MAX {
            let why = "input in the meta: a key that is taken, or more than 32 (all is in the log)";
            sink.note(NoteKind::FieldDropped, why, || place.to_owned());
            continue;
        }
        taken += 1;
        facts.insert(key, text);
    }
    let mut object = Object::default();
    facts.iter().for_each(|(key, text)| object.text(key, text));
    object.finish()
}
