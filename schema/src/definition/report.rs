//! The pretty form of problems: the line of the file with the place underlined, for a terminal or a log.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::Problem;
use super::text::visible;

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
    let (line, under) = source_line(problem, text);
    let file = visible(&problem.file);
    let origin = Origin::path(file).line(problem.line).char_column(problem.column);
    let snippet = Snippet::source(line)
        .line_start(problem.line)
        .annotation(AnnotationKind::Primary.span(under).label(format!("allowed: {}", problem.allowed)));
    let mut group = Level::ERROR
        .primary_title(&problem.message)
        .element(origin)
        .element(snippet)
        .element(Level::NOTE.with_name("path").message(&problem.path))
        .element(Level::NOTE.with_name("found").message(&problem.found));
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help));
    }
    group
}

/// The piece of the problem's line around its place, and the place within that piece.
fn source_line(problem: &Problem, text: &str) -> (String, std::ops::Range<usize>) {
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
    line.push_str(&visible(before));
    let from = line.len();
    line.push_str(&visible(&after[..marked]));
    let to = line.len();
    line.push_str(&visible(&after[marked..]));
    if cut_after {
        line.push('…');
    }
    (line, from..to)
}
