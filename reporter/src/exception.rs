//! What went wrong: type, message, and a stack with the causes.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::json::{self, ELLIPSIS};
use crate::payload::Bounds;

/// Bytes of the type, as written.
const TYPE_MAX: usize = 1_024;
/// Most causes that are followed: a cause may be its own.
const CAUSES_MAX: usize = 32;
/// Most bytes of one text that are taken over.
const TEXT_MAX: usize = 1 << 20;

/// What a report says about a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    type_name: Option<String>,
    message: Option<String>,
    stack: Option<String>,
}

impl Exception {
    /// One of this type and message. What is empty is left out of neither.
    pub fn new(type_name: impl Into<String>, message: impl Into<String>) -> Exception {
        Exception { type_name: Some(type_name.into()), message: Some(message.into()), stack: None }
    }

    /// One of which only the text is known.
    pub fn text(message: impl Into<String>) -> Exception {
        Exception { message: Some(message.into()), ..Exception::default() }
    }

    /// One of which only the text is known, whatever making it does.
    pub(crate) fn displayed(text: &(impl Display + ?Sized)) -> Exception {
        Exception::text(display_text(text))
    }

    /// An error with its causes. The name of its type is a guess from its `Debug` form: `dyn Error` does not know it.
    pub fn of(error: &(dyn Error + 'static)) -> Exception {
        Exception {
            type_name: guessed_type(error),
            message: Some(display_text(error)),
            stack: causes(error.source()),
        }
    }

    /// An error of a known type with its causes.
    pub fn of_type<E: Error>(error: &E) -> Exception {
        let type_name = std::any::type_name::<E>().trim_start_matches('&');
        // A box or a reference to anything says nothing about it.
        let type_name =
            if type_name.contains("dyn ") { guessed_type(error) } else { Some(type_name.to_owned()) };
        Exception { type_name, message: Some(display_text(error)), stack: causes(error.source()) }
    }

    /// The same with another type.
    #[must_use]
    pub fn with_type(self, type_name: impl Into<String>) -> Exception {
        Exception { type_name: Some(type_name.into()), ..self }
    }

    /// The same with frames, before the causes.
    #[must_use]
    pub fn with_stack(mut self, frames: impl Display) -> Exception {
        let frames = display_text(&frames);
        self.stack = Some(match self.stack {
            Some(causes) => format!("{}\n{causes}", frames.trim_end_matches('\n')),
            None => frames,
        });
        self
    }

    /// The same with one more cause, the last.
    #[must_use]
    pub fn with_cause(mut self, type_name: Option<&str>, message: Option<&str>) -> Exception {
        let stack = self.stack.get_or_insert_default();
        if !stack.is_empty() {
            stack.push('\n');
        }
        stack.push_str("Caused by: ");
        stack.push_str(&[type_name, message].into_iter().flatten().collect::<Vec<_>>().join(": "));
        self
    }

    /// Writes it.
    pub(crate) fn push(&self, out: &mut Vec<u8>, bounds: &Bounds) {
        out.push(b'{');
        let start = out.len();
        let name = |out: &mut Vec<u8>, name: &str| {
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(name.as_bytes());
        };
        if let Some(type_name) = &self.type_name {
            name(out, "\"type\":");
            json::push_capped(out, type_name, TYPE_MAX);
        }
        if let Some(message) = &self.message {
            name(out, "\"message\":");
            json::push_capped(out, &bounds.masked(message, bounds.message), bounds.message);
        }
        if let Some(stack) = &self.stack {
            name(out, "\"stack\":");
            json::push_stack(out, &bounds.masked(stack, bounds.stack), bounds.stack);
        }
        out.push(b'}');
    }
}

/// Lines `Caused by: …`.
fn causes(first: Option<&(dyn Error + 'static)>) -> Option<String> {
    let mut stack = String::new();
    let mut next = first;
    for _ in 0..CAUSES_MAX {
        let Some(cause) = next else { break };
        let separator = if stack.is_empty() { "" } else { "\n" };
        let _ = write!(stack, "{separator}Caused by: ");
        if let Some(type_name) = guessed_type(cause) {
            let _ = write!(stack, "{type_name}: ");
        }
        stack.push_str(&display_text(cause));
        next = catch_unwind(AssertUnwindSafe(|| cause.source())).unwrap_or(None);
    }
    (!stack.is_empty()).then_some(stack)
}

/// A text that stops growing.
struct Bounded<'a> {
    text: &'a mut String,
    max: usize,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.max.saturating_sub(self.text.len());
        let kept = json::beginning(more, room);
        self.text.push_str(kept);
        if kept.len() < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Appends what something says about itself to an empty text, at most `max` bytes, whatever it does; `…` if it says nothing.
pub(crate) fn write_bounded(text: &mut String, arguments: fmt::Arguments<'_>, max: usize) {
    // What it said until it panicked, gave up or was cut is kept.
    let said = catch_unwind(AssertUnwindSafe(|| Bounded { text: &mut *text, max }.write_fmt(arguments)));
    if said.is_err() && text.is_empty() {
        text.push_str(ELLIPSIS);
    }
}

/// [`write_bounded`] into a text of its own.
pub(crate) fn bounded_text(arguments: fmt::Arguments<'_>, max: usize) -> String {
    let mut text = String::new();
    write_bounded(&mut text, arguments, max);
    text
}

fn display_text(value: &(impl Display + ?Sized)) -> String {
    bounded_text(format_args!("{value}"), TEXT_MAX)
}

/// The name a `Debug` form begins with, as derived ones do: `ParseIntError { … }`, `NotFound(…)`.
fn guessed_type(error: &(impl Debug + ?Sized)) -> Option<String> {
    let text = bounded_text(format_args!("{error:?}"), 128);
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && !"_:".contains(character));
    let name = text[..end.unwrap_or(text.len())].trim_end_matches(':');
    name.starts_with(|first: char| first.is_ascii_uppercase()).then(|| name.to_owned())
}

impl From<&(dyn Error + 'static)> for Exception {
    fn from(error: &(dyn Error + 'static)) -> Exception {
        Exception::of(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Own;

    impl Display for Own {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("its own cause")
        }
    }

    impl Error for Own {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Own)
        }
    }

    #[derive(Debug)]
    struct Rude;

    impl Display for Rude {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }

    impl Error for Rude {}

    #[test]
    fn causes_end() {
        let exception = Exception::of_type(&Own);
        assert_eq!(exception.stack.unwrap().lines().count(), CAUSES_MAX);
        assert!(exception.type_name.unwrap().ends_with("exception::tests::Own"));
    }

    #[test]
    fn an_error_that_panics_is_an_ellipsis() {
        assert_eq!(Exception::of(&Rude), Exception::new("Rude", "…"));
    }

    #[test]
    fn types_are_guessed_from_derived_forms_only() {
        let parse = "x".parse::<i32>().unwrap_err();
        assert_eq!(guessed_type(&parse).as_deref(), Some("ParseIntError"));
        assert_eq!(guessed_type("a text"), None);
        let io = std::io::Error::from(std::io::ErrorKind::TimedOut);
        assert_eq!(guessed_type(&io).as_deref(), Some("Kind"));
    }
}
