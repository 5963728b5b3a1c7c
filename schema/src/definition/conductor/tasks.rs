//! Tasks become nodes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::check::BLOCK_DEPTH_MAX;
use super::super::model::{Node, NodeKind};
use super::super::text::quoted;
use super::types::{Kind, kind};
use super::{ImportRefusal, list, refusal, string, type_name};
use crate::ids::{ID_BYTES_MAX, NAME_BYTES_MAX, SceneId};

/// Keys that say how tasks follow one another; each has a meaning for some types only.
const STRUCTURE: &[&str] =
    &["forkTasks", "decisionCases", "defaultCase", "loopOver", "joinOn", "subWorkflowParam"];

/// Turns the tasks of one workflow into nodes.
pub(super) struct Importer<'v> {
    scene_id: SceneId,
    notes: Vec<String>,
    not_carried: BTreeSet<String>,
    inline: Vec<(&'v Value, String)>,
    /// The reference names of all tasks.
    references: BTreeSet<&'v str>,
    /// The node names given out.
    taken: BTreeSet<String>,
    /// The node a reference name stands for: the first task that has it.
    renamed: BTreeMap<&'v str, String>,
}

/// What the importer found besides the nodes.
pub(super) struct Outcome<'v> {
    pub(super) notes: Vec<String>,
    pub(super) not_carried: Vec<String>,
    /// Workflows written inside tasks, and where.
    pub(super) inline: Vec<(&'v Value, String)>,
}

impl<'v> Importer<'v> {
    pub(super) fn new(scene_id: SceneId, tasks: &'v [Value]) -> Self {
        let mut references = BTreeSet::new();
        collect_references(tasks, &mut references, 0);
        Self {
            scene_id,
            notes: Vec::new(),
            not_carried: BTreeSet::new(),
            inline: Vec::new(),
            references,
            taken: BTreeSet::new(),
            renamed: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn not_carried(&mut self, key: &str) {
        self.not_carried.insert(key.to_owned());
    }

    pub(super) fn finish(self) -> Outcome<'v> {
        let Self { notes, not_carried, inline, .. } = self;
        Outcome { notes, not_carried: not_carried.into_iter().collect(), inline }
    }

    /// The tasks of the workflow itself. Two of one name are refused, as Conductor does.
    pub(super) fn top_level(&mut self, tasks: &'v [Value], place: &str) -> Result<Vec<Node>, ImportRefusal> {
        let mut seen = BTreeSet::new();
        for (i, task) in tasks.iter().enumerate() {
            let reference = task.get("taskReferenceName").and_then(Value::as_str);
            if let Some(reference) = reference.filter(|reference| !seen.insert(*reference)) {
                let reason = format!("two tasks are named {}", quoted(reference));
                return Err(refusal(&format!("{place}[{i}].taskReferenceName"), reason));
            }
        }
        self.tasks(tasks, place, 0)
    }

    fn tasks(&mut self, tasks: &'v [Value], place: &str, depth: usize) -> Result<Vec<Node>, ImportRefusal> {
        if depth > BLOCK_DEPTH_MAX {
            let reason = format!("tasks nest deeper than {BLOCK_DEPTH_MAX}");
            return Err(refusal(place, reason));
        }
        tasks.iter().enumerate().map(|(i, task)| self.task(task, &format!("{place}[{i}]"), depth)).collect()
    }

    fn task(&mut self, task: &'v Value, place: &str, depth: usize) -> Result<Node, ImportRefusal> {
        let Value::Object(task) = task else {
            return Err(refusal(place, format!("{}, expected a task", type_name(task))));
        };
        let reference = string(task, "taskReferenceName", place)?.filter(|name| !name.is_empty());
        let reference = reference.ok_or_else(|| refusal(place, "a task without taskReferenceName"))?;
        let name = self.node_name(reference);
        let task_type = string(task, "type", place)?.filter(|word| !word.is_empty()).unwrap_or("SIMPLE");
        let kind_of_task = kind(task_type);
        let mut dynamic = false;
        let node_kind = match kind_of_task {
            Kind::Rpc => NodeKind::Rpc,
            Kind::Local => NodeKind::Local,
            Kind::Terminate => NodeKind::Terminate,
            Kind::Unknown => {
                self.note(format!(
                    "task {}: the type {} is not known, taken for the task of a worker (rpc)",
                    quoted(&name),
                    quoted(task_type)
                ));
                NodeKind::Rpc
            }
            Kind::StartWorkflow => {
                self.note(format!(
                    "task {}: START_WORKFLOW starts another workflow and goes on: an rpc, the other is not followed",
                    quoted(&name)
                ));
                NodeKind::Rpc
            }
            Kind::DynamicTask => {
                dynamic = true;
                self.note(format!(
                    "task {}: DYNAMIC chooses its task at run time: a step marked dynamic",
                    quoted(&name)
                ));
                NodeKind::Rpc
            }
            Kind::DynamicFork => {
                dynamic = true;
                self.note(format!(
                    "task {}: FORK_JOIN_DYNAMIC makes its branches at run time: a step marked dynamic",
                    quoted(&name)
                ));
                NodeKind::Local
            }
            Kind::SubWorkflow => match self.sub_workflow(task, &name, place)? {
                Some(sub_scene) => NodeKind::Link { sub_scene },
                None => {
                    dynamic = true;
                    NodeKind::Rpc
                }
            },
            Kind::Join => self.join(task, &name, place)?,
            Kind::ExclusiveJoin => {
                self.note(format!(
                    "task {}: EXCLUSIVE_JOIN waits for the first of its tasks: a join of all that run",
                    quoted(&name)
                ));
                self.join(task, &name, place)?
            }
            Kind::Fork => {
                let branches = list(task, "forkTasks", place)?.unwrap_or_default();
                let mut blocks = Vec::with_capacity(branches.len());
                for (i, branch) in branches.iter().enumerate() {
                    let place = format!("{place}.forkTasks[{i}]");
                    let Value::Array(branch) = branch else {
                        let reason = format!("{}, expected a list of tasks", type_name(branch));
                        return Err(refusal(&place, reason));
                    };
                    blocks.push(self.tasks(branch, &place, depth + 1)?);
                }
                if blocks.is_empty() {
                    self.empty_block(&name, "FORK_JOIN without forkTasks")
                } else {
                    NodeKind::Fork { branches: blocks }
                }
            }
            Kind::Decision => self.decision(task, &name, task_type, place, depth)?,
            Kind::Loop => {
                let body = list(task, "loopOver", place)?.unwrap_or_default();
                let body = self.tasks(body, &format!("{place}.loopOver"), depth + 1)?;
                if body.is_empty() {
                    self.empty_block(&name, "a loop without loopOver")
                } else {
                    NodeKind::Loop { body }
                }
            }
        };
        self.rest(task, kind_of_task, &name);
        let title = string(task, "name", place)?.filter(|title| !title.is_empty() && *title != name);
        let description = string(task, "description", place)?.filter(|text| !text.is_empty());
        Ok(Node {
            name,
            kind: node_kind,
            title: title.map(str::to_owned),
            description: description.map(str::to_owned),
            service: None,
            slow_after_ms: None,
            optional: task.get("optional") == Some(&Value::Bool(true)),
            minor: false,
            dynamic,
        })
    }

    fn empty_block(&mut self, name: &str, what: &str) -> NodeKind {
        self.note(format!("task {}: {what}: a local step", quoted(name)));
        NodeKind::Local
    }

    fn decision(
        &mut self,
        task: &'v Map<String, Value>,
        name: &str,
        task_type: &str,
        place: &str,
        depth: usize,
    ) -> Result<NodeKind, ImportRefusal> {
        let mut cases = Vec::new();
        match task.get("decisionCases") {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => {
                for (i, (case, tasks)) in object.iter().enumerate() {
                    let place = format!("{place}.decisionCases[{}]", quoted(case));
                    let tasks = match tasks {
                        Value::Array(tasks) => tasks.as_slice(),
                        Value::Null => &[],
                        other => {
                            let reason = format!("{}, expected a list of tasks", type_name(other));
                            return Err(refusal(&place, reason));
                        }
                    };
                    let nodes = self.tasks(tasks, &place, depth + 1)?;
                    let mut label = case.clone();
                    if case.is_empty() || case.len() > ID_BYTES_MAX {
                        label = format!("case {}", i + 1);
                        self.note(format!(
                            "task {}: a case without a usable name is called {}",
                            quoted(name),
                            quoted(&label)
                        ));
                    }
                    if cases.iter().any(|(known, _)| *known == label) {
                        label = format!("{label} (case {})", i + 1);
                    }
                    cases.push((label, nodes));
                }
            }
            Some(other) => {
                let reason = format!("{}, expected an object of cases", type_name(other));
                return Err(refusal(&format!("{place}.decisionCases"), reason));
            }
        }
        let default = match list(task, "defaultCase", place)? {
            Some(tasks) => Some(self.tasks(tasks, &format!("{place}.defaultCase"), depth + 1)?),
            None => None,
        };
        if cases.is_empty() && default.as_ref().is_none_or(Vec::is_empty) {
            return Ok(self.empty_block(name, &format!("{task_type} without cases")));
        }
        Ok(NodeKind::Decision { cases, default })
    }

    fn join(
        &mut self,
        task: &'v Map<String, Value>,
        name: &str,
        place: &str,
    ) -> Result<NodeKind, ImportRefusal> {
        let mut on: Vec<String> = Vec::new();
        let listed = list(task, "joinOn", place)?.unwrap_or_default();
        for (i, target) in listed.iter().enumerate() {
            let Value::String(target) = target else {
                let reason = format!("{}, expected a task reference name", type_name(target));
                return Err(refusal(&format!("{place}.joinOn[{i}]"), reason));
            };
            let node = self.renamed.get(target.as_str()).cloned().unwrap_or_else(|| fitting(target));
            if !self.references.contains(target.as_str()) {
                self.note(format!(
                    "task {}: joinOn names {}, which is no task of this workflow: left out",
                    quoted(name),
                    quoted(target)
                ));
            } else if node == name {
                self.note(format!("task {}: joinOn names the join itself: left out", quoted(name)));
            } else if on.contains(&node) {
                self.note(format!("task {}: joinOn names {} twice: once", quoted(name), quoted(target)));
            } else {
                on.push(node);
            }
        }
        if on.is_empty() && !listed.is_empty() {
            self.note(format!("task {}: nothing is left of joinOn: it joins every branch", quoted(name)));
        }
        if task.get("expression").is_some_and(|expression| !expression.is_null()) {
            self.note(format!(
                "task {}: the script that decides when the join is done is not part of the plan",
                quoted(name)
            ));
        }
        Ok(NodeKind::Join { on })
    }

    /// The scene a `SUB_WORKFLOW` task runs; `None` with a note when it is known at run time only.
    fn sub_workflow(
        &mut self,
        task: &'v Map<String, Value>,
        name: &str,
        place: &str,
    ) -> Result<Option<SceneId>, ImportRefusal> {
        let place = format!("{place}.subWorkflowParam");
        let param = match task.get("subWorkflowParam") {
            Some(Value::Object(param)) => param,
            None | Some(Value::Null) => {
                self.note(format!(
                    "task {}: SUB_WORKFLOW without subWorkflowParam: a step marked dynamic",
                    quoted(name)
                ));
                return Ok(None);
            }
            Some(other) => return Err(refusal(&place, format!("{}, expected an object", type_name(other)))),
        };
        for key in param.keys().filter(|key| !matches!(key.as_str(), "name" | "workflowDefinition")) {
            self.not_carried(&format!("subWorkflowParam.{key}"));
        }
        let mut scene = string(param, "name", &place)?.filter(|name| !name.is_empty());
        match param.get("workflowDefinition") {
            None | Some(Value::Null) => {}
            Some(inline @ Value::Object(_)) => {
                let inner = inline.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
                scene = inner.or(scene);
                if inner.is_some_and(|inner| *inner != *self.scene_id) {
                    self.inline.push((inline, format!("{place}.workflowDefinition")));
                } else {
                    self.note(format!(
                        "task {}: the workflow written inside it has no name of its own and is left out",
                        quoted(name)
                    ));
                }
            }
            Some(_) => {
                self.note(format!(
                    "task {}: the definition of its workflow is made at run time: a step marked dynamic",
                    quoted(name)
                ));
                return Ok(None);
            }
        }
        let why = match scene {
            None => "SUB_WORKFLOW does not name its workflow",
            Some(scene) if scene.contains("${") => "the name of its workflow is made at run time",
            Some(scene) if *scene == *self.scene_id => "the workflow runs itself",
            Some(scene) => match SceneId::new(scene) {
                Ok(scene) => return Ok(Some(scene)),
                Err(_) => "the name of its workflow is too long",
            },
        };
        self.note(format!("task {}: {why}: a step marked dynamic", quoted(name)));
        Ok(None)
    }

    /// What a task says besides its kind.
    fn rest(&mut self, task: &'v Map<String, Value>, kind: Kind, name: &str) {
        for (key, value) in task {
            let carried = match key.as_str() {
                "name" | "taskReferenceName" | "type" | "description" | "optional" => true,
                "forkTasks" => kind == Kind::Fork,
                "decisionCases" | "defaultCase" => kind == Kind::Decision,
                "loopOver" => kind == Kind::Loop,
                "joinOn" => matches!(kind, Kind::Join | Kind::ExclusiveJoin),
                "subWorkflowParam" => kind == Kind::SubWorkflow,
                _ => false,
            };
            if carried {
                continue;
            }
            let empty = match value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(object) => object.is_empty(),
                _ => false,
            };
            if STRUCTURE.contains(&key.as_str()) {
                if !empty {
                    self.note(format!(
                        "task {}: {key} has no meaning for its type and is left out",
                        quoted(name)
                    ));
                }
                continue;
            }
            match key.as_str() {
                "permissive" if *value == Value::Bool(true) => self.note(format!(
                    "task {}: permissive (the workflow goes on after its failure and fails at the end) is not part of the plan",
                    quoted(name)
                )),
                "defaultExclusiveJoinTask" if !empty => self.note(format!(
                    "task {}: defaultExclusiveJoinTask is not part of the plan",
                    quoted(name)
                )),
                _ if empty => {}
                key => self.not_carried(key),
            }
        }
    }

    /// A node name for a reference name: the same, made to fit and unique.
    fn node_name(&mut self, reference: &'v str) -> String {
        let mut name = fitting(reference);
        if name != reference {
            self.note(format!(
                "task {}: a name of more than {NAME_BYTES_MAX} bytes is cut",
                quoted(reference)
            ));
        }
        if self.taken.contains(&name) {
            let mut n = 2_usize;
            let unique = loop {
                let end = format!("#{n}");
                let unique = format!("{}{end}", cut(&name, NAME_BYTES_MAX - end.len()));
                if !self.taken.contains(&unique) && !self.references.contains(unique.as_str()) {
                    break unique;
                }
                n += 1;
            };
            self.note(format!(
                "task {}: another task has the same name: called {} (its reports show at the first)",
                quoted(reference),
                quoted(&unique)
            ));
            name = unique;
        }
        self.taken.insert(name.clone());
        self.renamed.entry(reference).or_insert_with(|| name.clone());
        name
    }
}

fn fitting(reference: &str) -> String {
    cut(reference, NAME_BYTES_MAX).to_owned()
}

fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The reference names of tasks, also of those inside other tasks.
fn collect_references<'v>(tasks: &'v [Value], into: &mut BTreeSet<&'v str>, depth: usize) {
    if depth > BLOCK_DEPTH_MAX {
        return; // refused later on
    }
    for task in tasks {
        into.extend(task.get("taskReferenceName").and_then(Value::as_str));
        let lists = ["defaultCase", "loopOver"].into_iter().filter_map(|key| task.get(key));
        let branches = task.get("forkTasks").and_then(Value::as_array).into_iter().flatten();
        let cases = task.get("decisionCases").and_then(Value::as_object).into_iter().flat_map(Map::values);
        for inner in lists.chain(branches).chain(cases).filter_map(Value::as_array) {
            collect_references(inner, into, depth + 1);
        }
    }
}
