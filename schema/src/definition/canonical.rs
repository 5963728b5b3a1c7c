//! The canonical form of a definition and the hash that names a version.
//!
//! The canonical form is JSON in the object notation: no white space, keys in the order of `docs/dsl.md`, only what is
//! set (a truth value only when true). Two files with the same canonical form are the same definition, whatever their
//! notation, white space or key order; decision cases keep the order they were written in.

use std::fmt;
use std::str::FromStr;

use super::model::{Definition, Node, NodeKind};

/// The name of a version of a definition: XXH3-128 of its canonical form, 32 lower-case hex digits when written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionHash(pub u128);

impl fmt::Display for VersionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A version hash that does not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version hash: 32 lower-case hex digits")]
pub struct BadVersionHash(pub String);

impl FromStr for VersionHash {
    type Err = BadVersionHash;

    fn from_str(text: &str) -> Result<Self, BadVersionHash> {
        let well_formed = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(raw) if well_formed => Ok(Self(raw)),
            _ => Err(BadVersionHash(text.to_owned())),
        }
    }
}

impl Definition {
    /// The canonical form: compact JSON that [`super::parse_json`] reads back to an equal definition.
    pub fn to_canonical_json(&self) -> String {
        let mut json = String::new();
        json.push('{');
        let mut members = Members { json: &mut json, first: true };
        members.text("sceneId", &self.scene_id);
        members.maybe("linkName", self.link_name.as_deref());
        members.maybe("description", self.description.as_deref());
        members.maybe("version", self.version.as_deref());
        push_nodes(members.key("nodes"), &self.nodes);
        if !self.variants.is_empty() {
            let json = members.key("variants");
            push_list(json, &self.variants, |json, variant| {
                json.push_str("{\"when\":{");
                let mut when = Members { json, first: true };
                for (key, value) in &variant.when {
                    when.text(key, value);
                }
                json.push_str("},\"nodes\":");
                push_nodes(json, &variant.nodes);
                json.push('}');
            });
        }
        json.push('}');
        json
    }

    /// The name of this version: the hash of the canonical form.
    pub fn version_hash(&self) -> VersionHash {
        VersionHash(xxhash_rust::xxh3::xxh3_128(self.to_canonical_json().as_bytes()))
    }
}

/// Writes the members of an object, with commas between them.
struct Members<'j> {
    json: &'j mut String,
    first: bool,
}

impl Members<'_> {
    fn key(&mut self, key: &str) -> &mut String {
        if !self.first {
            self.json.push(',');
        }
        self.first = false;
        push_text(self.json, key);
        self.json.push(':');
        self.json
    }

    fn text(&mut self, key: &str, value: &str) {
        push_text(self.key(key), value);
    }

    fn maybe(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn truth(&mut self, key: &str, value: bool) {
        if value {
            self.key(key).push_str("true");
        }
    }
}

fn push_list<T>(json: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    json.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        push(json, item);
    }
    json.push(']');
}

fn push_nodes(json: &mut String, nodes: &[Node]) {
    push_list(json, nodes, push_node);
}

fn push_node(json: &mut String, node: &Node) {
    json.push('{');
    let mut members = Members { json, first: true };
    members.text("nodeName", &node.name);
    members.text("nodeType", node.kind.as_str());
    members.maybe("title", node.title.as_deref());
    members.maybe("description", node.description.as_deref());
    members.maybe("service", node.service.as_deref());
    if let Some(ms) = node.slow_after_ms {
        members.key("slowAfterMs").push_str(&ms.to_string());
    }
    members.truth("optional", node.optional);
    members.truth("minor", node.minor);
    members.truth("dynamic", node.dynamic);
    match &node.kind {
        NodeKind::Local | NodeKind::Rpc | NodeKind::Terminate => {}
        NodeKind::Fork { branches } => {
            push_list(members.key("forkNodes"), branches, |json, branch| push_nodes(json, branch));
        }
        NodeKind::Join { on } => {
            push_list(members.key("joinOnList"), on, |json, name| push_text(json, name));
        }
        NodeKind::Decision { cases, default } => {
            let json = members.key("decisionCases");
            json.push('{');
            let mut inner = Members { json, first: true };
            for (case, nodes) in cases {
                push_nodes(inner.key(case), nodes);
            }
            json.push('}');
            if let Some(default) = default {
                push_nodes(members.key("defaultCase"), default);
            }
        }
        NodeKind::Loop { body } => push_nodes(members.key("loopNodes"), body),
        NodeKind::Link { sub_scene } => members.text("subScene", sub_scene),
    }
    json.push('}');
}

/// A JSON string: only what JSON demands is escaped.
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    let mut clean = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        json.push_str(&text[clean..i]);
        if escape.is_empty() {
            json.push_str(&format!("\\u{byte:04x}"));
        } else {
            json.push_str(escape);
        }
        clean = i + 1;
    }
    json.push_str(&text[clean..]);
    json.push('"');
}
