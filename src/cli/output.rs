//! Where answers go: stdout with what is known of the terminal behind it.

use std::io::{self, IsTerminal, Write};

use super::args::ColorChoice;
use crate::terminal::Style;

/// The receiver of a command's answer.
pub struct Output<'a> {
    /// Where it is written.
    pub out: &'a mut dyn Write,
    /// How people's answers look there.
    pub style: Style,
}

impl Output<'_> {
    /// Writes a text as it is.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Writes an answer for programs: JSON on one line.
    pub fn json(&mut self, answer: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, answer)?;
        self.text("\n")
    }
}

/// Columns answers are laid out for where there is no terminal; longer lines stay whole there.
const COLUMNS: usize = 120;
/// Columns of a terminal that does not say how many it has.
const COLUMNS_OF_TERMINAL: usize = 80;

/// How answers for people look on stdout.
pub fn stdout_style(choice: ColorChoice) -> Style {
    let terminal = io::stdout().is_terminal();
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style {
        color: colored(choice, terminal),
        clip: terminal,
        columns: columns(said, terminal.then_some(size)),
    }
}

/// How many columns there are: as the environment says, else as the terminal says, if it is one.
fn columns(said: Option<usize>, terminal: Option<Option<usize>>) -> usize {
    let of_terminal = terminal.map(|size| size.unwrap_or(COLUMNS_OF_TERMINAL));
    said.filter(|columns| *columns > 0).or(of_terminal).unwrap_or(COLUMNS)
}

/// Whether to colour what goes to stderr.
pub(super) fn stderr_color(choice: ColorChoice) -> bool {
    colored(choice, io::stderr().is_terminal())
}

/// Whether to colour what goes to a stream.
///
/// `auto` colours a terminal, unless `NO_COLOR` is set to anything or the terminal is `dumb`.
pub(super) fn colored(choice: ColorChoice, terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree that is laid out for more columns than there are wraps, and its rails break.
    #[test]
    fn a_terminal_is_never_taken_to_be_wider_than_it_says() {
        assert_eq!(columns(None, Some(Some(66))), 66);
        assert_eq!(columns(Some(50), Some(Some(66))), 50);
        assert_eq!(columns(None, Some(None)), 80, "a pseudo-terminal nobody gave a size");
        assert_eq!(columns(Some(0), Some(None)), 80);
        assert_eq!(columns(None, None), 120);
        assert_eq!(columns(Some(200), None), 200);
    }
}
