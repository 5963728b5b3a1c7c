//! Taking JSON values apart: the members of objects, and values of the type a key needs.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::super::check::At;
use super::super::path::Path;
use super::super::text::quoted;
use super::Reader;

/// The members of an object, in the order of the keys that were asked for.
pub(super) type Members<'a> = Vec<Option<&'a ObjectProp<'a>>>;

pub(super) fn at<'a>(value: &impl Ranged, path: &Path<'a>) -> At<'a> {
    let range = value.range();
    At { span: range.start..range.end, path: path.clone() }
}

/// The opening bracket of an object or array: enough to point at, whatever it holds.
pub(super) fn opening<'a>(value: &impl Ranged, path: &Path<'a>) -> At<'a> {
    let range = value.range();
    At { span: range.start..(range.start + 1).min(range.end), path: path.clone() }
}

fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a text",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a truth value",
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        Value::NullKeyword(_) => "null",
    }
}

impl<'a> Reader<'a> {
    /// The members of an object whose keys are known; unknown and repeated keys are problems.
    pub(super) fn members(
        &mut self,
        object: &'a Object<'a>,
        path: &Path<'a>,
        keys: &'static [&'static str],
        what: &str,
    ) -> Members<'a> {
        let mut members: Members<'a> = vec![None; keys.len()];
        for prop in &object.properties {
            let key = prop.name.as_str();
            match keys.iter().position(|known| *known == key) {
                Some(i) => match members[i] {
                    None => members[i] = Some(prop),
                    Some(first) => self.repeated(prop, first.range.start, path),
                },
                None => {
                    let place = at(&prop.name, &path.key(key));
                    self.checker.unknown_word(&place, &format!("a key of {what}"), key, keys);
                }
            }
        }
        members
    }

    /// The members of an object whose keys are free; repeated keys are problems.
    pub(super) fn distinct(
        &mut self,
        object: &'a Object<'a>,
        path: &Path<'a>,
    ) -> Vec<(&'a str, &'a ObjectProp<'a>)> {
        let mut seen = BTreeMap::new();
        let mut members = Vec::with_capacity(object.properties.len());
        for prop in &object.properties {
            let key = prop.name.as_str();
            match seen.get(key) {
                Some(&first) => self.repeated(prop, first, path),
                None => {
                    seen.insert(key, prop.range.start);
                    members.push((key, prop));
                }
            }
        }
        members
    }

    pub(super) fn repeated(&mut self, prop: &'a ObjectProp<'a>, first: usize, path: &Path<'a>) {
        let key = prop.name.as_str();
        let message = format!("the key {} is given twice", quoted(key));
        let place = at(&prop.name, &path.key(key));
        self.checker.add_with(&place, message, quoted(key), "each key once", None, Some(first));
    }

    /// Reports a member that must be there.
    pub(super) fn missing(
        &mut self,
        object: &'a Object<'a>,
        path: &Path<'a>,
        what: &str,
        key: &str,
        allowed: &str,
    ) {
        let keys: Vec<String> =
            object.properties.iter().map(|prop| quoted(prop.name.as_str())).take(8).collect();
        let found = match keys.len() {
            0 => String::from("{}"),
            _ => format!("an object with {}", keys.join(", ")),
        };
        self.checker.add(
            &opening(object, path),
            format!("{what} without {key}"),
            found,
            format!("{key}: {allowed}"),
        );
    }

    pub(super) fn wrong_type(&mut self, value: &'a Value<'a>, path: &Path<'a>, what: &str, allowed: &str) {
        let (place, found) = match value {
            Value::Object(_) | Value::Array(_) => (opening(value, path), type_name(value).to_owned()),
            Value::NullKeyword(_) => (at(value, path), String::from("null")),
            _ => {
                let place = at(value, path);
                let excerpt = self.checker.excerpt(&place);
                (place, format!("{} {excerpt}", type_name(value)))
            }
        };
        let help = matches!(value, Value::NullKeyword(_))
            .then(|| String::from("an optional key is left out instead"));
        let message = format!("{what} is {}", type_name(value));
        self.checker.add_with(&place, message, found, allowed, help, None);
    }

    pub(super) fn array(
        &mut self,
        prop: &'a ObjectProp<'a>,
        key: &'a str,
        allowed: &str,
        parent: &Path<'a>,
    ) -> Option<(&'a Array<'a>, Path<'a>)> {
        let path = parent.key(key);
        match &prop.value {
            Value::Array(array) => Some((array, path)),
            other => {
                self.wrong_type(other, &path, key, allowed);
                None
            }
        }
    }

    pub(super) fn text(
        &mut self,
        prop: &'a ObjectProp<'a>,
        key: &'a str,
        parent: &Path<'a>,
    ) -> Option<&'a str> {
        match &prop.value {
            Value::StringLit(text) => Some(&text.value),
            other => {
                self.wrong_type(other, &parent.key(key), key, "a text");
                None
            }
        }
    }

    pub(super) fn prose(
        &mut self,
        prop: Option<&'a ObjectProp<'a>>,
        key: &'static str,
        parent: &Path<'a>,
    ) -> Option<String> {
        let prop = prop?;
        let text = self.text(prop, key, parent)?;
        self.checker.prose(&at(&prop.value, &parent.key(key)), key, text)
    }

    pub(super) fn truth(
        &mut self,
        prop: Option<&'a ObjectProp<'a>>,
        key: &'static str,
        parent: &Path<'a>,
    ) -> bool {
        match prop.map(|prop| &prop.value) {
            None => false,
            Some(Value::BooleanLit(truth)) => truth.value,
            Some(other) => {
                self.wrong_type(other, &parent.key(key), key, "true or false");
                false
            }
        }
    }
}
