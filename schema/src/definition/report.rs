//! The pretty form of problems: the line of the file with the place underlined, for a terminal or a log.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::Problem;
use super::text::{visible, visible_with_tabs};

/// Longest piece of a source line that is shown, in bytes, on either side of the place.
const CONTEXT_BYTES: usize = 90;

/// The problems of one file as text for people, each with its source line; `source` is the file they were found in.
///
/// `colour` adds ANSI colours and nothing else. Control characters of the file are made visible, so a hostile file
/// cannot play with the terminal. The text ends with a newline unless there is no problem.
pub fn render_problems(problems: &[Problem], source: &[u8], colour: bool) -> String {
    let source = String::from_utf8_lossy(source);
    let text = source.strip_prefix('\u{feff}').unwrap_or(&source);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut shown = String::new();
    for problem in problems {
        if !shown.is_empty() {
            shown.push('\n');
        }
        shown.push_str(&renderer.render(&[group(problem, text)]));
        shown.push('\n');
    }
    shown
}

fn group<'a>(problem: &'a Problem, text: &'a str) -> Group<'a> {
    let SourceLine { line, under, true_to_file } = source_line(problem, text);
    let file = visible(&problem.file);
    let mark = AnnotationKind::Primary.span(under).label(problem.help.as_deref());
    let snippet = Snippet::source(line).line_start(problem.line).annotation(mark);
    let mut group = Group::with_title(Level::ERROR.primary_title(&problem.message));
    group = if true_to_file {
        group.element(snippet.path(file))
    } else {
        // The line is shown changed, so its columns are not those of the file: the place is given on its own.
        group.element(Origin::path(file).line(problem.line).char_column(problem.column)).element(snippet)
    };
    group
        .element(Level::NOTE.with_name("found").message(&problem.found))
        .element(Level::NOTE.with_name("allowed").message(&problem.allowed))
        .element(Level::NOTE.with_name("path").message(&problem.path))
}

/// A source line as it is shown.
struct SourceLine {
    line: String,
    /// The place within the line, in bytes.
    under: std::ops::Range<usize>,
    /// Whether the columns before the place are those of the file.
    true_to_file: bool,
}

/// The piece of the problem's line around its place, and the place within that piece.
fn source_line(problem: &Problem, text: &str) -> SourceLine {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(problem.span.start);
    let before = &text[floor(start.saturating_sub(CONTEXT_BYTES))..start];
    let before = before.rsplit('\n').next().unwrap_or("");
    let after = &text[start..floor(start.saturating_add(CONTEXT_BYTES))];
    let after = after.split(['\n', '\r']).next().unwrap_or("");
    let marked = floor(problem.span.end.max(start)).saturating_sub(start).min(after.len());
    let cut_before = start > before.len() && !text[..start - before.len()].ends_with('\n');
    let cut_after = !matches!(text[start + after.len()..].bytes().next(), None | Some(b'\n' | b'\r'));
    let mut line = String::from(if cut_before { "…" } else { "" });
    let shown_before = visible_with_tabs(before);
    let true_to_file = !cut_before && shown_before.len() == before.len();
    line.push_str(&shown_before);
    let from = line.len();
    line.push_str(&visible_with_tabs(&after[..marked]));
    let to = line.len();
    line.push_str(&visible_with_tabs(&after[marked..]));
    if cut_after {
        line.push('…');
    }
    SourceLine { line, under: from..to, true_to_file }
}
