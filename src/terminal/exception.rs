//! Exceptions as reported: one line for trees, the top of the stack for pages.

use serde_json::Value;

use super::line::{Line, Style, Tone};
use super::text::{plain, wrap};

/// Frames of a stack that are shown before the first cause.
const FRAMES_MAX: usize = 5;
/// Causes that are shown.
const CAUSES_MAX: usize = 4;

/// An exception: JSON object `{type, message, stack}` or a JSON string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exception {
    /// `java.io.IOException`.
    kind: Option<String>,
    /// What it says.
    message: Option<String>,
    /// Lines of the stack.
    stack: Vec<String>,
    /// What caused it, outermost first, as objects inside the object say it.
    causes: Vec<String>,
}

impl Exception {
    /// Reads what was reported; whatever it is, something of it is shown.
    pub(super) fn read(json: &str) -> Exception {
        let Ok(value) = serde_json::from_str::<Value>(json) else {
            return Exception { message: Some(json.to_owned()), ..Exception::default() };
        };
        let Value::Object(_) = &value else {
            // A text may hold a whole trace, or be the beginning of an object that was cut.
            let text = text_of(&value);
            let mut lines = text.lines().map(str::to_owned);
            let message = lines.next();
            return Exception { message, stack: lines.collect(), ..Exception::default() };
        };
        let field = |value: &Value, names: &[&str]| {
            let found = names.iter().find_map(|name| value.get(name).filter(|found| !found.is_null()));
            found.map(text_of).filter(|text| !text.is_empty())
        };
        let mut causes = Vec::new();
        let mut inner = value.get("cause");
        while let Some(cause) = inner.filter(|cause| !cause.is_null() && causes.len() < CAUSES_MAX) {
            let kind = field(cause, &["type", "class"]);
            let message = if cause.is_object() { field(cause, &["message"]) } else { Some(text_of(cause)) };
            causes.push(headline(kind.as_deref(), message.as_deref()));
            inner = cause.get("cause");
        }
        let stack = match value.get("stack").or_else(|| value.get("stackTrace")) {
            Some(Value::Array(lines)) => lines.iter().map(text_of).collect(),
            Some(Value::String(text)) => text.lines().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let message = field(&value, &["message"]);
        let kind = field(&value, &["type", "class"]);
        match (&kind, &message) {
            (None, None) if stack.is_empty() => {
                Exception { message: Some(json.to_owned()), ..Exception::default() }
            }
            _ => Exception { kind, message, stack, causes },
        }
    }

    /// `type: message`.
    pub(super) fn headline(&self) -> String {
        headline(self.kind.as_deref(), self.message.as_deref())
    }

    /// Writes the headline, the first frames, and what caused it.
    pub(super) fn write(&self, out: &mut String, style: Style, indent: usize) {
        write_wrapped(out, style, indent, Tone::Bad, &self.headline(), 4);
        let is_cause = |line: &&String| line.trim_start().starts_with("Caused by:");
        let head = self.headline();
        let frames: Vec<&String> = self.stack.iter().take_while(|line| !is_cause(line)).collect();
        // Stacks mostly begin with the headline once more.
        let repeats = |line: &&&String| line.trim() == head || line.trim().is_empty();
        let frames: Vec<&String> = frames.iter().filter(|line| !repeats(line)).copied().collect();
        let row = |out: &mut String, tone: Tone, extra: usize, text: &str| {
            let mut line = Line::new();
            line.pad_to(indent + extra).push(tone, text.trim());
            line.write(style, out);
        };
        for frame in frames.iter().take(FRAMES_MAX) {
            row(out, Tone::Faint, 2, frame);
        }
        if frames.len() > FRAMES_MAX {
            row(out, Tone::Faint, 2, &format!("… {} more", frames.len() - FRAMES_MAX));
        }
        let said = self.stack.iter().filter(is_cause).map(|line| line.trim_start()[10..].trim().to_owned());
        for cause in self.causes.iter().cloned().chain(said).take(CAUSES_MAX) {
            let mut line = Line::new();
            line.pad_to(indent).push(Tone::Faint, "caused by ").push(Tone::Bad, &cause);
            line.write(style, out);
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn headline(kind: Option<&str>, message: Option<&str>) -> String {
    match (kind, message) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => "exception without type and message".to_owned(),
    }
}

/// Writes a text over several lines from column `indent` on.
pub(super) fn write_wrapped(
    out: &mut String,
    style: Style,
    indent: usize,
    tone: Tone,
    text: &str,
    lines_max: usize,
) {
    for text in wrap(&plain(text), style.columns.saturating_sub(indent), lines_max) {
        let mut line = Line::new();
        line.pad_to(indent).push(tone, &text);
        line.write(style, out);
    }
}
