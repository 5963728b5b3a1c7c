//! Problems of a definition file: all of them, each with its place, what was found and what is allowed.

use std::ops::Range;

use serde::Serialize;

use super::text::{excerpt, visible};

/// Most problems listed for one file; one more entry says how many were left out.
pub const PROBLEMS_MAX: usize = 1_000;

/// One thing that is wrong with a definition file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON path (`$.nodes[2].nodeName`) or XML path (`/definition/fork[1]/@nodeName`).
    pub path: String,
    /// What is wrong: lower case, one line.
    pub message: String,
    /// What the file says there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// How to mend it, where there is a good guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The place in bytes of the text after a byte order mark.
    #[serde(skip)]
    pub span: Range<usize>,
}

impl std::fmt::Display for Problem {
    /// `file:line:column: message (path): found X, allowed Y; help`, on one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Problem { file, line, column, path, message, found, allowed, .. } = self;
        write!(f, "{}:{line}:{column}: {message} ({path}): found {found}, allowed {allowed}", visible(file))?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// A problem before its place is known as line and column.
pub(super) struct Found {
    pub(super) span: Range<usize>,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) found: String,
    pub(super) allowed: String,
    pub(super) help: Option<String>,
    /// Where the other half of a conflict stands, in bytes; told in the help text.
    pub(super) first: Option<usize>,
}

/// Gathers the problems of one file.
pub(super) struct Collector<'t> {
    text: &'t str,
    list: Vec<Found>,
    left_out: usize,
}

impl<'t> Collector<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new(), left_out: 0 }
    }

    /// Whether another problem would still be listed; callers skip costly hints when not.
    pub(super) fn has_room(&self) -> bool {
        self.list.len() < PROBLEMS_MAX
    }

    /// Whether nothing was found so far.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn add(&mut self, found: Found) {
        if self.has_room() {
            self.list.push(found);
        } else {
            self.left_out += 1;
        }
    }

    /// A piece of the text, cut for a message.
    pub(super) fn excerpt(&self, span: Range<usize>) -> String {
        let floor = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        excerpt(&self.text[start..floor(span.end).max(start)], 60)
    }

    /// The problems in the order of the file. One pass over the text, however many there are.
    pub(super) fn finish(self, file: &str) -> Vec<Problem> {
        let Collector { text, mut list, left_out } = self;
        list.sort_by(|a, b| (a.span.start, &a.path, &a.message).cmp(&(b.span.start, &b.path, &b.message)));
        let mut wanted: Vec<usize> =
            list.iter().flat_map(|p| [Some(p.span.start), p.first]).flatten().collect();
        wanted.sort_unstable();
        let places = Places::new(text, wanted);
        let mut problems: Vec<Problem> = list
            .into_iter()
            .map(|p| {
                let (line, column) = places.of(p.span.start);
                let help = match (p.help, p.first.map(|offset| places.of(offset))) {
                    (help, None) => help,
                    (None, Some((line, column))) => Some(format!("first at {line}:{column}")),
                    (Some(help), Some((line, column))) => Some(format!("{help}; first at {line}:{column}")),
                };
                Problem {
                    file: file.to_owned(),
                    line,
                    column,
                    path: p.path,
                    message: p.message,
                    found: p.found,
                    allowed: p.allowed,
                    help,
                    span: p.span,
                }
            })
            .collect();
        if let (true, Some(last)) = (left_out > 0, problems.last().cloned()) {
            problems.push(Problem {
                message: format!("{left_out} more problems are not listed"),
                found: format!("{} problems", problems.len() + left_out),
                allowed: format!("at most {PROBLEMS_MAX} are listed, mend those first"),
                help: None,
                path: String::new(),
                ..last
            });
        }
        problems
    }
}

/// Lines and columns of some byte offsets, counted in one pass.
struct Places(Vec<(usize, usize, usize)>);

impl Places {
    /// `wanted` is sorted.
    fn new(text: &str, wanted: Vec<usize>) -> Self {
        let mut places = Vec::with_capacity(wanted.len());
        let (mut line, mut column, mut at) = (1, 1, 0);
        for offset in wanted {
            let mut offset = offset.min(text.len());
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            let piece = &text.as_bytes()[at.min(offset)..offset];
            let lines = piece.iter().filter(|b| **b == b'\n').count();
            if lines > 0 {
                line += lines;
                column = 1;
            }
            let tail = piece.rsplit(|b| *b == b'\n').next().unwrap_or_default();
            column += tail.iter().filter(|b| (**b & 0xc0) != 0x80).count();
            at = offset;
            places.push((offset, line, column));
        }
        Self(places)
    }

    fn of(&self, offset: usize) -> (usize, usize) {
        let i = self.0.partition_point(|place| place.0 < offset).min(self.0.len().saturating_sub(1));
        self.0.get(i).map_or((1, 1), |place| (place.1, place.2))
    }
}
