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

/// Columns assumed where there is no terminal to ask.
const COLUMNS: usize = 120;

/// How answers for people look on stdout.
pub fn stdout_style(choice: ColorChoice) -> Style {
    let terminal = io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style {
        color: colored(choice, terminal),
        clip: terminal,
        columns: columns.or_else(|| if terminal { size() } else { None }).unwrap_or(COLUMNS),
    }
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
