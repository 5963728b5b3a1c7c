//! Dead letters: what was refused, why, and where it came from.

use super::line::{Line, Style, Tone};
use super::span::instant;
use super::table::{next_page, plural};
use super::text::{plain, wrap};
use crate::pipeline::dead::{DeadEntry, DeadListAnswer};

/// Lines of a refused record that are shown.
const START_LINES_MAX: usize = 3;

/// A page of dead letters, each as a block with the id to go on with.
pub fn dead_letters(answer: &DeadListAnswer, style: Style) -> String {
    let mut out = String::new();
    let mut head = Line::new();
    match answer.dead_letters.len() {
        0 => head.push(Tone::Plain, "no dead letters"),
        count => head.push(Tone::Plain, &plural(count as u64, "dead letter")),
    };
    if answer.next_cursor.is_some() {
        head.push(Tone::Plain, ", and more");
    }
    head.write(style, &mut out);
    for letter in &answer.dead_letters {
        out.push('\n');
        block(letter, style, &mut out);
    }
    next_page(answer.next_cursor.as_deref(), style, &mut out);
    out
}

fn block(letter: &DeadEntry, style: Style, out: &mut String) {
    let mut line = Line::new();
    line.pad_to(2).push(Tone::Bad, &letter.reason).push(Tone::Plain, "  ");
    match letter.line {
        Some(number) => line.push(Tone::Strong, &format!("{}:{number}", letter.source)),
        None => {
            line.push(Tone::Strong, &format!("{}[{}]@{}", letter.source, letter.partition, letter.position))
        }
    };
    if let Some(time) = letter.time {
        line.push(Tone::Faint, &format!("  {}", instant(time)));
    }
    line.push(Tone::Faint, &format!("  {}", plural(letter.full_length, "byte")));
    if !letter.whole {
        line.push(Tone::Warn, "  not kept whole");
    }
    if letter.replayed {
        line.push(Tone::Good, "  replayed");
    }
    line.write(style, out);
    let row = |label: &str, tone: Tone, text: &str, style: Style, out: &mut String| {
        let mut line = Line::new();
        line.pad_to(4).push(Tone::Faint, label).pad_to(9).push(tone, text);
        line.write(style, out);
    };
    row("why", Tone::Plain, &letter.detail, style, out);
    // The beginning is for people to know it again; all that is kept of it is in the JSON.
    for (at, text) in
        wrap(&plain(&letter.start), style.columns.saturating_sub(9), START_LINES_MAX).iter().enumerate()
    {
        row(if at == 0 { "is" } else { "" }, Tone::Plain, text, style, out);
    }
    row("id", Tone::Faint, &quoted(&letter.id), Style { clip: false, ..style }, out);
}

/// A text a shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
