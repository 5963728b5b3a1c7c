//! The JSON notation: a bare array of nodes, or an object with `nodes`.

mod values;

use std::collections::BTreeMap;

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};

use super::check::{BLOCK_DEPTH_MAX, Checker, NODE_TYPES, Scope};
use super::model::{Definition, Node, NodeKind, Variant};
use super::path::Path;
use super::problem::Problem;
use super::source;
use super::syntax;
use crate::ids::SceneId;
use values::{Members, at, opening};

const DEFINITION_KEYS: &[&str] = &["sceneId", "linkName", "description", "version", "nodes", "variants"];
const VARIANT_KEYS: &[&str] = &["when", "nodes"];
const NODE_KEYS: &[&str] = &[
    "nodeName",
    "nodeType",
    "title",
    "description",
    "service",
    "slowAfterMs",
    "optional",
    "minor",
    "dynamic",
    "forkNodes",
    "joinOnList",
    "decisionCases",
    "defaultCase",
    "loopNodes",
    "subScene",
];

/// Reads a definition in the JSON notation.
///
/// `file` names the text in problems; `scene` is the scene id of a text that does not give one (the file stem).
/// Errors: every problem of the text, in the order of the text; at most [`super::PROBLEMS_MAX`] and a closing entry
/// that counts the rest.
pub fn parse_json(file: &str, scene: &str, bytes: &[u8]) -> Result<Definition, Vec<Problem>> {
    let text = source::text(file, bytes)?;
    let mut checker = Checker::new(text, Path::to_json_path);
    let Some(value) = syntax::parse(text, &mut checker) else {
        return Err(checker.into_problems(file));
    };
    let mut reader = Reader { checker, own_scene: None };
    let definition = reader.definition(&value, scene);
    let result = reader.checker.finish(file);
    match (definition, result) {
        (Some(definition), Ok(())) => Ok(definition),
        (_, Err(problems)) => Err(problems),
        (None, Ok(())) => unreachable!("a definition was given up without a problem"),
    }
}

struct Reader<'a> {
    checker: Checker<'a>,
    own_scene: Option<SceneId>,
}

impl<'a> Reader<'a> {
    fn definition(&mut self, value: &'a Value<'a>, scene: &str) -> Option<Definition> {
        let root = Path::root();
        let (members, nodes) = match value {
            Value::Array(array) => (vec![None; DEFINITION_KEYS.len()], Some((array, root.clone()))),
            Value::Object(object) => {
                let members = self.members(object, &root, DEFINITION_KEYS, "a definition");
                let nodes = match members[4] {
                    Some(prop) => self.array(prop, "nodes", "an array of nodes", &root),
                    None => {
                        self.missing(object, &root, "a definition", "nodes", "an array of nodes");
                        None
                    }
                };
                (members, nodes)
            }
            other => {
                let allowed = "an array of nodes, or an object with nodes";
                self.wrong_type(other, &root, "the definition", allowed);
                return None;
            }
        };
        let scene_id = match members[0] {
            Some(prop) => {
                let place = at(&prop.value, &root.key("sceneId"));
                let text = self.text(prop, "sceneId", &root);
                text.and_then(|text| self.checker.scene_id(&place, "sceneId", text))
            }
            None => self.checker.scene_id(&opening(value, &root), "sceneId", scene),
        };
        self.own_scene.clone_from(&scene_id);
        let link_name = self.prose(members[1], "linkName", &root);
        let description = self.prose(members[2], "description", &root);
        let version = members[3].and_then(|prop| match &prop.value {
            Value::NumberLit(number) => Some(number.value.to_owned()),
            _ => self.prose(Some(prop), "version", &root),
        });
        let nodes = nodes.map(|(array, path)| self.plan(array, &path)).unwrap_or_default();
        let variants = members[5].map(|prop| self.variants(prop, &root)).unwrap_or_default();
        Some(Definition { scene_id: scene_id?, link_name, description, version, nodes, variants })
    }

    fn variants(&mut self, prop: &'a ObjectProp<'a>, parent: &Path<'a>) -> Vec<Variant> {
        let Some((array, path)) = self.array(prop, "variants", "an array of variants", parent) else {
            return Vec::new();
        };
        let mut conditions = Vec::new();
        let mut variants = Vec::new();
        for (i, value) in array.elements.iter().enumerate() {
            let path = path.index(i);
            let Value::Object(object) = value else {
                self.wrong_type(value, &path, "a variant", "an object with when and nodes");
                continue;
            };
            let members = self.members(object, &path, VARIANT_KEYS, "a variant");
            let when = match members[0] {
                Some(prop) => self.when(prop, &path),
                None => {
                    self.missing(object, &path, "a variant", "when", "an object of meta values");
                    BTreeMap::new()
                }
            };
            let place = members[0].map_or_else(|| opening(value, &path), |p| at(&p.value, &path.key("when")));
            conditions.push((when.clone(), place));
            let nodes = match members[1] {
                Some(prop) => self.array(prop, "nodes", "an array of nodes", &path),
                None => {
                    self.missing(object, &path, "a variant", "nodes", "an array of nodes");
                    None
                }
            };
            let nodes = nodes.map(|(array, path)| self.plan(array, &path)).unwrap_or_default();
            variants.push(Variant { when, nodes });
        }
        self.checker.variants(&conditions);
        variants
    }

    fn when(&mut self, prop: &'a ObjectProp<'a>, parent: &Path<'a>) -> BTreeMap<String, String> {
        let path = parent.key("when");
        let Value::Object(object) = &prop.value else {
            self.wrong_type(&prop.value, &path, "when", "an object of meta values");
            return BTreeMap::new();
        };
        if object.properties.is_empty() {
            let allowed = "at least one meta value; what runs otherwise stands in nodes";
            self.checker.add(&at(object, &path), "when is empty", "{}", allowed);
        }
        let mut when = BTreeMap::new();
        for (key, prop) in self.distinct(object, &path) {
            self.checker.meta_key(&at(&prop.name, &path.key(key)), key);
            if let Some(value) = self.text(prop, key, &path) {
                when.insert(key.to_owned(), value.to_owned());
            }
        }
        when
    }

    /// One list of nodes with its own names: `nodes` of the definition or of a variant.
    fn plan(&mut self, array: &'a Array<'a>, path: &Path<'a>) -> Vec<Node> {
        if array.elements.is_empty() {
            let allowed = "at least one node";
            self.checker.add(&at(array, path), "a link without nodes", "[]", allowed);
        }
        let mut scope = Scope::default();
        let nodes = self.nodes(array, path, 0, &mut scope);
        scope.finish(&mut self.checker);
        nodes
    }

    fn nodes(
        &mut self,
        array: &'a Array<'a>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Vec<Node> {
        let elements = array.elements.iter().enumerate();
        elements.filter_map(|(i, value)| self.node(value, path.index(i), depth, scope)).collect()
    }

    fn node(
        &mut self,
        value: &'a Value<'a>,
        path: Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<Node> {
        let Value::Object(object) = value else {
            self.wrong_type(value, &path, "a node", "an object with nodeName and nodeType");
            return None;
        };
        let members = self.members(object, &path, NODE_KEYS, "a node");
        let name = match members[0] {
            Some(prop) => {
                let place = at(&prop.value, &path.key("nodeName"));
                let text = self.text(prop, "nodeName", &path);
                text.and_then(|text| scope.name(&mut self.checker, &place, text))
            }
            None => {
                self.missing(object, &path, "a node", "nodeName", "1 to 128 bytes of text");
                None
            }
        };
        let title = self.prose(members[2], "title", &path);
        let description = self.prose(members[3], "description", &path);
        let service = self.prose(members[4], "service", &path);
        let slow_after_ms = members[5].and_then(|prop| {
            let place = at(&prop.value, &path.key("slowAfterMs"));
            match &prop.value {
                Value::NumberLit(number) => self.checker.slow_after_ms(&place, number.value),
                other => {
                    self.wrong_type(other, &place.path, "slowAfterMs", "a whole number of milliseconds");
                    None
                }
            }
        });
        let optional = self.truth(members[6], "optional", &path);
        let minor = self.truth(members[7], "minor", &path);
        let dynamic = self.truth(members[8], "dynamic", &path);
        let kind = self.kind(object, &members, name.as_deref(), &path, depth, scope);
        Some(Node {
            name: name?,
            kind: kind?,
            title,
            description,
            service,
            slow_after_ms,
            optional,
            minor,
            dynamic,
        })
    }

    fn kind(
        &mut self,
        object: &'a Object<'a>,
        members: &Members<'a>,
        name: Option<&str>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<NodeKind> {
        let word = match members[1] {
            Some(prop) => {
                let word = self.text(prop, "nodeType", path);
                word.and_then(|word| match NODE_TYPES.iter().find(|known| **known == word) {
                    Some(known) => Some(*known),
                    None => {
                        let place = at(&prop.value, &path.key("nodeType"));
                        self.checker.unknown_word(&place, "a node type", word, NODE_TYPES);
                        None
                    }
                })
            }
            None => {
                self.missing(object, path, "a node", "nodeType", &NODE_TYPES.join(", "));
                None
            }
        };
        let belongs: &[&str] = match word {
            Some("fork") => &["forkNodes"],
            Some("join") => &["joinOnList"],
            Some("decision") => &["decisionCases", "defaultCase"],
            Some("loop") => &["loopNodes"],
            Some("link") => &["subScene"],
            _ => &[],
        };
        for (key, prop) in NODE_KEYS.iter().zip(members).skip(9) {
            if let (Some(word), Some(prop)) = (word, prop)
                && !belongs.contains(key)
            {
                let allowed = match belongs {
                    [] => format!("none of {}", NODE_KEYS[9..].join(", ")),
                    keys => keys.join(", "),
                };
                let message = format!("{key} does not belong to a node of type {word}");
                self.checker.add(&at(&prop.name, &path.key(key)), message, format!("\"{key}\""), allowed);
            }
        }
        let block = [9, 11, 12, 13].iter().any(|i| members[*i].is_some());
        if block && depth == BLOCK_DEPTH_MAX {
            self.checker.too_deep(&opening(object, path));
            return None;
        }
        let inside = depth + 1;
        let branches = members[9].map(|prop| self.fork_nodes(prop, path, inside, scope));
        let on = members[10].map(|prop| self.join_on(prop, name, path, scope));
        let cases = members[11].map(|prop| self.decision_cases(prop, path, inside, scope));
        let default = members[12].map(|prop| {
            let array = self.array(prop, "defaultCase", "an array of nodes", path);
            array.map(|(array, path)| self.nodes(array, &path, inside, scope)).unwrap_or_default()
        });
        let body = members[13].map(|prop| {
            let (array, path) = self.array(prop, "loopNodes", "an array of nodes", path)?;
            if array.elements.is_empty() {
                let allowed = "at least one node that is repeated";
                self.checker.add(&at(array, &path), "a loop without nodes", "[]", allowed);
            }
            Some(self.nodes(array, &path, inside, scope))
        });
        let sub_scene = members[14].map(|prop| {
            let place = at(&prop.value, &path.key("subScene"));
            let text = self.text(prop, "subScene", path)?;
            self.checker.sub_scene(&place, text, self.own_scene.as_ref())
        });
        let mut needs = |key, allowed| {
            self.missing(object, path, &format!("a {}", word.unwrap_or("node")), key, allowed);
            None
        };
        match word? {
            "local" => Some(NodeKind::Local),
            "rpc" => Some(NodeKind::Rpc),
            "terminate" => Some(NodeKind::Terminate),
            "fork" => match branches {
                Some(branches) => branches.map(|branches| NodeKind::Fork { branches }),
                None => needs("forkNodes", "an array of branches, each an array of nodes"),
            },
            "join" => match on {
                Some(on) => on.map(|on| NodeKind::Join { on }),
                None => needs("joinOnList", "an array of node names; empty: every branch of the fork before"),
            },
            "decision" => match cases {
                Some(cases) => {
                    let cases = cases?;
                    if cases.is_empty() && default.is_none() {
                        let place = members[11].map_or_else(|| opening(object, path), |p| at(&p.value, path));
                        let allowed = "at least one case, or a defaultCase";
                        self.checker.add(&place, "a decision without cases", "{}", allowed);
                    }
                    Some(NodeKind::Decision { cases, default })
                }
                None => needs("decisionCases", "an object of cases, each an array of nodes"),
            },
            "loop" => match body {
                Some(body) => body.map(|body| NodeKind::Loop { body }),
                None => needs("loopNodes", "an array of nodes"),
            },
            "link" => match sub_scene {
                Some(sub_scene) => sub_scene.map(|sub_scene| NodeKind::Link { sub_scene }),
                None => needs("subScene", "the scene id of another definition"),
            },
            _ => None,
        }
    }

    fn fork_nodes(
        &mut self,
        prop: &'a ObjectProp<'a>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<Vec<Vec<Node>>> {
        const ALLOWED: &str = "an array of branches, each an array of nodes";
        let (array, path) = self.array(prop, "forkNodes", ALLOWED, path)?;
        if array.elements.is_empty() {
            self.checker.add(&at(array, &path), "a fork without branches", "[]", "at least one branch");
        }
        let mut branches = Vec::with_capacity(array.elements.len());
        for (i, value) in array.elements.iter().enumerate() {
            let path = path.index(i);
            match value {
                Value::Array(branch) => branches.push(self.nodes(branch, &path, depth, scope)),
                other => self.wrong_type(other, &path, "a branch of a fork", "an array of nodes"),
            }
        }
        Some(branches)
    }

    fn join_on(
        &mut self,
        prop: &'a ObjectProp<'a>,
        join: Option<&str>,
        path: &Path<'a>,
        scope: &mut Scope<'a>,
    ) -> Option<Vec<String>> {
        let (array, path) = self.array(prop, "joinOnList", "an array of node names", path)?;
        let mut targets = Vec::with_capacity(array.elements.len());
        for (i, value) in array.elements.iter().enumerate() {
            let path = path.index(i);
            match value {
                Value::StringLit(text) => targets.push((text.value.clone().into_owned(), at(value, &path))),
                other => self.wrong_type(other, &path, "an entry of joinOnList", "the name of a node"),
            }
        }
        Some(scope.join(&mut self.checker, join, targets))
    }

    fn decision_cases(
        &mut self,
        prop: &'a ObjectProp<'a>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<Vec<(String, Vec<Node>)>> {
        let path = path.key("decisionCases");
        let Value::Object(object) = &prop.value else {
            let allowed = "an object of cases, each an array of nodes";
            self.wrong_type(&prop.value, &path, "decisionCases", allowed);
            return None;
        };
        let mut cases = Vec::with_capacity(object.properties.len());
        for (case, prop) in self.distinct(object, &path) {
            let path = path.key(case);
            self.checker.case_name(&at(&prop.name, &path), case);
            match &prop.value {
                Value::Array(array) => {
                    cases.push((case.to_owned(), self.nodes(array, &path, depth, scope)));
                }
                other => self.wrong_type(other, &path, "a case", "an array of nodes; a case may be empty"),
            }
        }
        Some(cases)
    }
}
