//! Lenient reading of JSON objects: fields are taken one by one, whatever their types.

use std::collections::BTreeMap;

use linkloom_schema::time::Timestamp;
use serde_json::value::RawValue;

use super::super::notes::{NoteKind, head};
use super::super::sink::{Object, Sink};

/// The fields of a JSON object, taken one by one; what is left at the end is noted.
pub(super) struct Fields<'a>(pub(super) BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn of(json: &'a RawValue) -> Option<Self> {
        serde_json::from_str(json.get()).ok().map(Self)
    }

    pub(super) fn raw(&mut self, key: &str) -> Option<&'a RawValue> {
        self.0.remove(key).filter(|value| value.get() != "null")
    }

    /// A text or number as text; empty ones count as absent.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        scalar(self.raw(key)?.get()).filter(|text| !text.is_empty())
    }

    pub(super) fn number(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|number| number as i64))
    }

    /// Milliseconds since the epoch; 0 is Conductor's "not yet".
    pub(super) fn time(&mut self, key: &str) -> Option<Timestamp> {
        self.number(key).filter(|millis| *millis > 0).map(|millis| Timestamp(millis.saturating_mul(1000)))
    }

    /// An object or array on one line; empty ones count as absent.
    pub(super) fn payload(&mut self, key: &str, sink: &mut Sink<'_>, place: &str) -> String {
        let json = self.raw(key).map(|json| one_line(json.get())).unwrap_or_default();
        if json == "{}" || json == "[]" {
            return String::new();
        }
        sink.payload(json, key, || place.to_owned())
    }
}

/// A JSON scalar as text; `None` for objects, arrays and `null`.
pub(super) fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

/// JSON without the whitespace outside its strings.
pub(super) fn one_line(json: &str) -> String {
    let mut line = Vec::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for &byte in json.as_bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            quoted = byte == b'"';
        }
        line.push(byte);
    }
    String::from_utf8(line).expect("only ASCII whitespace was removed")
}

/// The scalars that are left, as an object; they are taken out.
pub(super) fn scalars(fields: &mut Fields<'_>) -> String {
    let mut object = Object::default();
    fields.0.retain(|key, value| match value.get().as_bytes().first() {
        Some(b'{' | b'[') => true,
        _ => {
            if value.get().len() <= 4096 && !matches!(value.get(), "null" | "\"\"") {
                object.json(key, value.get());
                return false;
            }
            value.get().len() > 4096
        }
    });
    object.finish()
}

/// Notes the fields nothing was made of; empty ones say nothing and are not told.
pub(super) fn drop_rest(what: &str, fields: Fields<'_>, sink: &mut Sink<'_>, place: &str) {
    for (key, value) in fields.0 {
        if !matches!(one_line(value.get()).as_str(), "null" | "{}" | "[]" | "\"\"" | "0") {
            sink.note(NoteKind::FieldDropped, &format!("{key} of a {what}"), || place.to_owned());
        }
    }
}

/// `{"type": status, "message": reason}`; empty without a reason, unless the status alone tells of a failure.
pub(super) fn exception(status: &str, reason: Option<&str>) -> String {
    let mut object = Object::default();
    if reason.is_some() || !matches!(status, "COMPLETED" | "SKIPPED" | "IN_PROGRESS" | "SCHEDULED") {
        object.text("type", status);
        object.text("message", head(reason.unwrap_or(status), 64 * 1024));
    }
    object.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_in_strings_stays() {
        assert_eq!(one_line("{ \"a b\" : [ 1 ,\n\t\"x \\\" y\" ] }"), "{\"a b\":[1,\"x \\\" y\"]}");
        assert_eq!(one_line(r#"{"a": "\\", "b" : 1}"#), r#"{"a":"\\","b":1}"#);
    }
}
