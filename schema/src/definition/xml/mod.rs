//! The XML notation: an element per node, named after its type, with the options as attributes.
//!
//! The root is `definition`; its children are nodes and `variant`s. `fork` holds `branch`es, `decision` holds `case`s
//! and a `default`, `loop` holds nodes, `join` holds `on`s, `variant` holds `when`s and nodes. There is no text.

mod guard;

use std::collections::BTreeMap;

use roxmltree::{Attribute, Document, Node as Element};

use super::check::{At, BLOCK_DEPTH_MAX, Checker, NODE_OPTIONS, NODE_TYPES, Scope};
use super::model::{Definition, Node, NodeKind, Variant};
use super::path::Path;
use super::problem::Problem;
use super::source;
use super::text::quoted;
use crate::ids::SceneId;

/// Attributes of these namespaces say nothing about the link and are passed over.
const FOREIGN_NAMESPACES: &[&str] =
    &["http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/XML/1998/namespace"];

/// Reads a definition in the XML notation.
///
/// `file` names the text in problems; `scene` is the scene id of a text that does not give one (the file stem).
/// Errors: every problem of the text, in the order of the text; at most [`super::PROBLEMS_MAX`] and a closing entry
/// that counts the rest. A text that is not well-formed XML has one problem, its first.
pub fn parse_xml(file: &str, scene: &str, bytes: &[u8]) -> Result<Definition, Vec<Problem>> {
    let text = source::text(file, bytes)?;
    let mut checker = Checker::new(text, Path::to_xml_path);
    if let Some((offset, what, allowed)) = guard::over_limit(text.as_bytes()) {
        let at = At { span: offset..offset + 1, path: Path::root() };
        let found = checker.excerpt(&At { span: offset..(offset + 40).min(text.len()), ..at.clone() });
        checker.add(&at, what, found, allowed);
        return Err(checker.into_problems(file));
    }
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(guard::not_well_formed(file, text, &error)),
    };
    let mut reader = Reader { checker, own_scene: None };
    let definition = reader.definition(document.root_element(), scene);
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

/// An element of the document and where it stands.
type Placed<'a> = (Element<'a, 'a>, Path<'a>);

fn name_of<'a>(element: Element<'a, 'a>) -> &'a str {
    element.tag_name().name()
}

/// `<name` of an element: enough to point at, whatever it holds.
fn opening<'a>(element: Element<'a, 'a>, path: &Path<'a>) -> At<'a> {
    let range = element.range();
    let end = (range.start + 1 + name_of(element).len()).min(range.end);
    At { span: range.start..end, path: path.clone() }
}

/// The value of an attribute.
fn value_at<'a>(attribute: &Attribute<'a, 'a>, path: &Path<'a>) -> At<'a> {
    At { span: attribute.range_value(), path: path.attribute(attribute.name()) }
}

impl<'a> Reader<'a> {
    fn definition(&mut self, root: Element<'a, 'a>, scene: &str) -> Option<Definition> {
        let path = Path::root().element(name_of(root), 0);
        if name_of(root) != "definition" {
            let message = format!("the root element is {}", quoted(name_of(root)));
            let found = quoted(name_of(root));
            self.checker.add(&opening(root, &path), message, found, "definition");
            return None;
        }
        let known = &["sceneId", "linkName", "description", "version"];
        let attributes = self.attributes(root, &path, known);
        let scene_id = match &attributes[0] {
            Some(scene) => self.checker.scene_id(&value_at(scene, &path), "sceneId", scene.value()),
            None => self.checker.scene_id(&opening(root, &path), "sceneId", scene),
        };
        self.own_scene.clone_from(&scene_id);
        let link_name = self.prose(&attributes[1], &path);
        let description = self.prose(&attributes[2], &path);
        let version = self.prose(&attributes[3], &path);
        let (variants, nodes): (Vec<Placed<'a>>, Vec<Placed<'a>>) =
            self.children(root, &path).into_iter().partition(|(element, _)| name_of(*element) == "variant");
        let nodes = self.plan(nodes, root, &path, &["variant"]);
        let variants = self.variants(variants);
        Some(Definition { scene_id: scene_id?, link_name, description, version, nodes, variants })
    }

    fn variants(&mut self, elements: Vec<Placed<'a>>) -> Vec<Variant> {
        let mut conditions = Vec::new();
        let mut variants = Vec::new();
        for (element, path) in elements {
            self.attributes(element, &path, &[]);
            let (conditions_here, nodes): (Vec<Placed<'a>>, Vec<Placed<'a>>) =
                self.children(element, &path).into_iter().partition(|(child, _)| name_of(*child) == "when");
            let when = self.when(conditions_here);
            if when.is_empty() {
                self.checker.add(
                    &opening(element, &path),
                    "a variant without when",
                    "no when element",
                    "at least one <when key=\"...\" value=\"...\"/>; what runs otherwise stands beside the variants",
                );
            }
            conditions.push((when.clone(), opening(element, &path)));
            let nodes = self.plan(nodes, element, &path, &["when"]);
            variants.push(Variant { when, nodes });
        }
        self.checker.variants(&conditions);
        variants
    }

    fn when(&mut self, elements: Vec<Placed<'a>>) -> BTreeMap<String, String> {
        let mut when = BTreeMap::new();
        let mut first = BTreeMap::new();
        for (element, path) in elements {
            let attributes = self.attributes(element, &path, &["key", "value"]);
            self.no_children(element, &path);
            let key = self.needed(&attributes[0], element, &path, "key", "the name of a meta value");
            let value = self.needed(&attributes[1], element, &path, "value", "the meta value");
            let (Some(key), Some(value)) = (key, value) else { continue };
            let at = value_at(&key, &path);
            self.checker.meta_key(&at, key.value());
            match first.get(key.value()) {
                Some(&offset) => {
                    let message = format!("the meta key {} is given twice", quoted(key.value()));
                    let found = quoted(key.value());
                    self.checker.add_with(&at, message, found, "each key once", None, Some(offset));
                }
                None => {
                    first.insert(key.value(), at.span.start);
                    when.insert(key.value().to_owned(), value.value().to_owned());
                }
            }
        }
        when
    }

    /// One list of nodes with its own names.
    fn plan(
        &mut self,
        elements: Vec<Placed<'a>>,
        parent: Element<'a, 'a>,
        path: &Path<'a>,
        also: &[&str],
    ) -> Vec<Node> {
        if elements.is_empty() {
            let at = opening(parent, path);
            self.checker.add(&at, "a link without nodes", "no node element", "at least one node");
        }
        let mut scope = Scope::default();
        let nodes = self.nodes(elements, 0, &mut scope, also);
        scope.finish(&mut self.checker);
        nodes
    }

    fn nodes(
        &mut self,
        elements: Vec<Placed<'a>>,
        depth: usize,
        scope: &mut Scope<'a>,
        also: &[&str],
    ) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(elements.len());
        for (element, path) in elements {
            match NODE_TYPES.iter().find(|known| **known == name_of(element)) {
                Some(word) => nodes.extend(self.node(word, element, path, depth, scope)),
                None => {
                    let allowed: Vec<&str> = NODE_TYPES.iter().chain(also).copied().collect();
                    let at = opening(element, &path);
                    self.checker.unknown_word(
                        &at,
                        "an element that may stand here",
                        name_of(element),
                        &allowed,
                    );
                }
            }
        }
        nodes
    }

    fn node(
        &mut self,
        word: &'static str,
        element: Element<'a, 'a>,
        path: Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<Node> {
        let mut known = NODE_OPTIONS.to_vec();
        if word == "link" {
            known.push("subScene");
        }
        let attributes = self.attributes(element, &path, &known);
        let name = self.needed(&attributes[0], element, &path, "nodeName", "1 to 128 bytes of text");
        let name = name.and_then(|name| scope.name(&mut self.checker, &value_at(&name, &path), name.value()));
        let title = self.prose(&attributes[1], &path);
        let description = self.prose(&attributes[2], &path);
        let service = self.prose(&attributes[3], &path);
        let slow_after_ms = attributes[4]
            .as_ref()
            .and_then(|ms| self.checker.slow_after_ms(&value_at(ms, &path), ms.value()));
        let optional = self.truth(&attributes[5], &path);
        let minor = self.truth(&attributes[6], &path);
        let dynamic = self.truth(&attributes[7], &path);
        let sub_scene = attributes.get(8).cloned().flatten();
        let kind = self.kind(word, element, sub_scene, name.as_deref(), &path, depth, scope);
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

    #[allow(clippy::too_many_arguments)] // one node's parts, handed down once
    fn kind(
        &mut self,
        word: &'static str,
        element: Element<'a, 'a>,
        sub_scene: Option<Attribute<'a, 'a>>,
        name: Option<&str>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<NodeKind> {
        if matches!(word, "fork" | "decision" | "loop") && depth == BLOCK_DEPTH_MAX {
            self.checker.too_deep(&opening(element, path));
            return None;
        }
        match word {
            "fork" => self.fork(element, path, depth + 1, scope),
            "decision" => self.decision(element, path, depth + 1, scope),
            "loop" => {
                let children = self.children(element, path);
                if children.is_empty() {
                    let allowed = "at least one node that is repeated";
                    self.checker.add(&opening(element, path), "a loop without nodes", "no node", allowed);
                }
                Some(NodeKind::Loop { body: self.nodes(children, depth + 1, scope, &[]) })
            }
            "join" => {
                let mut targets = Vec::new();
                for (on, path) in self.only(element, path, &["on"]) {
                    let attributes = self.attributes(on, &path, &["nodeName"]);
                    self.no_children(on, &path);
                    if let Some(on) = self.needed(&attributes[0], on, &path, "nodeName", "the name of a node")
                    {
                        targets.push((on.value().to_owned(), value_at(&on, &path)));
                    }
                }
                Some(NodeKind::Join { on: scope.join(&mut self.checker, name, targets) })
            }
            _ => {
                self.no_children(element, path);
                match word {
                    "local" => Some(NodeKind::Local),
                    "rpc" => Some(NodeKind::Rpc),
                    "terminate" => Some(NodeKind::Terminate),
                    _ => {
                        let allowed = "the scene id of another definition";
                        let sub = self.needed(&sub_scene, element, path, "subScene", allowed)?;
                        let at = value_at(&sub, path);
                        let own = self.own_scene.clone();
                        let sub_scene = self.checker.sub_scene(&at, sub.value(), own.as_ref())?;
                        Some(NodeKind::Link { sub_scene })
                    }
                }
            }
        }
    }

    fn fork(
        &mut self,
        element: Element<'a, 'a>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<NodeKind> {
        let children = self.only(element, path, &["branch"]);
        if children.is_empty() {
            let at = opening(element, path);
            self.checker.add(&at, "a fork without branches", "no branch", "at least one branch");
        }
        let mut branches = Vec::with_capacity(children.len());
        for (branch, path) in children {
            self.attributes(branch, &path, &[]);
            let nodes = self.children(branch, &path);
            branches.push(self.nodes(nodes, depth, scope, &[]));
        }
        Some(NodeKind::Fork { branches })
    }

    fn decision(
        &mut self,
        element: Element<'a, 'a>,
        path: &Path<'a>,
        depth: usize,
        scope: &mut Scope<'a>,
    ) -> Option<NodeKind> {
        let children = self.only(element, path, &["case", "default"]);
        if children.is_empty() {
            let allowed = "at least one case, or a default";
            self.checker.add(&opening(element, path), "a decision without cases", "no case", allowed);
        }
        let mut cases: Vec<(String, Vec<Node>)> = Vec::new();
        let mut first = BTreeMap::new();
        let mut default = None;
        for (child, path) in children {
            let nodes = self.children(child, &path);
            if name_of(child) == "default" {
                self.attributes(child, &path, &[]);
                let nodes = self.nodes(nodes, depth, scope, &[]);
                if default.replace(nodes).is_some() {
                    let allowed = "one default at most";
                    self.checker.add(&opening(child, &path), "a second default", "default", allowed);
                }
                continue;
            }
            let attributes = self.attributes(child, &path, &["value"]);
            let nodes = self.nodes(nodes, depth, scope, &[]);
            let Some(case) =
                self.needed(&attributes[0], child, &path, "value", "the outcome of the decision")
            else {
                continue;
            };
            let at = value_at(&case, &path);
            self.checker.case_name(&at, case.value());
            match first.get(case.value()) {
                Some(&offset) => {
                    let message = format!("the case {} is given twice", quoted(case.value()));
                    let found = quoted(case.value());
                    self.checker.add_with(&at, message, found, "each case once", None, Some(offset));
                }
                None => {
                    first.insert(case.value(), at.span.start);
                    cases.push((case.value().to_owned(), nodes));
                }
            }
        }
        Some(NodeKind::Decision { cases, default })
    }

    /// The elements inside an element. Text that is not white space is a problem.
    fn children(&mut self, parent: Element<'a, 'a>, path: &Path<'a>) -> Vec<Placed<'a>> {
        let mut counts: BTreeMap<&'a str, usize> = BTreeMap::new();
        let mut elements = Vec::new();
        for child in parent.children() {
            if child.is_element() {
                let nth = counts.entry(name_of(child)).or_default();
                *nth += 1;
                elements.push((child, path.element(name_of(child), *nth)));
            } else if let Some(text) = child.text().filter(|text| child.is_text() && !text.trim().is_empty())
            {
                let range = child.range();
                let skipped = text.len() - text.trim_start().len();
                let start = (range.start + skipped).min(range.end);
                let at = At { span: start..range.end, path: path.clone() };
                let allowed = "elements and comments; everything is said in attributes";
                self.checker.add(&at, "text between the elements", quoted(text.trim()), allowed);
            }
        }
        elements
    }

    /// The elements inside an element, all of which must have one of the names.
    fn only(&mut self, parent: Element<'a, 'a>, path: &Path<'a>, names: &[&str]) -> Vec<Placed<'a>> {
        let mut children = self.children(parent, path);
        children.retain(|(child, path)| {
            let known = names.contains(&name_of(*child));
            if !known {
                let at = opening(*child, path);
                let what = format!("an element that may stand in {}", name_of(parent));
                self.checker.unknown_word(&at, &what, name_of(*child), names);
            }
            known
        });
        children
    }

    fn no_children(&mut self, parent: Element<'a, 'a>, path: &Path<'a>) {
        for (child, path) in self.children(parent, path) {
            let message = format!("an element inside {}", name_of(parent));
            let found = quoted(name_of(child));
            self.checker.add(&opening(child, &path), message, found, "nothing inside it");
        }
    }

    /// The attributes of an element in the order of the names that were asked for; others are problems.
    fn attributes(
        &mut self,
        element: Element<'a, 'a>,
        path: &Path<'a>,
        known: &[&'static str],
    ) -> Vec<Option<Attribute<'a, 'a>>> {
        let mut attributes = vec![None; known.len()];
        for attribute in element.attributes() {
            if attribute.namespace().is_some_and(|namespace| FOREIGN_NAMESPACES.contains(&namespace)) {
                continue;
            }
            match known.iter().position(|name| *name == attribute.name() && attribute.namespace().is_none()) {
                Some(i) => attributes[i] = Some(attribute),
                None => {
                    let at = At { span: attribute.range_qname(), path: path.attribute(attribute.name()) };
                    let what = format!("an attribute of {}", name_of(element));
                    let allowed: &[&str] = if known.is_empty() { &["no attribute"] } else { known };
                    self.checker.unknown_word(&at, &what, attribute.name(), allowed);
                }
            }
        }
        attributes
    }

    fn needed(
        &mut self,
        attribute: &Option<Attribute<'a, 'a>>,
        element: Element<'a, 'a>,
        path: &Path<'a>,
        name: &'static str,
        allowed: &str,
    ) -> Option<Attribute<'a, 'a>> {
        if attribute.is_none() {
            let message = format!("a {} without {name}", name_of(element));
            let found = format!("<{}> without it", name_of(element));
            let at = opening(element, path);
            self.checker.add(&at, message, found, format!("{name}=\"...\": {allowed}"));
        }
        *attribute
    }

    fn prose(&mut self, attribute: &Option<Attribute<'a, 'a>>, path: &Path<'a>) -> Option<String> {
        let attribute = attribute.as_ref()?;
        self.checker.prose(&value_at(attribute, path), attribute.name(), attribute.value())
    }

    fn truth(&mut self, attribute: &Option<Attribute<'a, 'a>>, path: &Path<'a>) -> bool {
        match attribute.as_ref().map(|attribute| (attribute, attribute.value())) {
            None | Some((_, "false")) => false,
            Some((_, "true")) => true,
            Some((attribute, other)) => {
                let message = format!("{} is neither true nor false", attribute.name());
                self.checker.add(&value_at(attribute, path), message, quoted(other), "true or false");
                false
            }
        }
    }
}
