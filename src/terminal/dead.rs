//! Dead letters: what was refused, why, and where it came from.

use super::line::{Line, Style, Tone};
use super::span::instant;
use super::table::{next_page, plural};
use crate::pipeline::dead::{DeadEntry, DeadListAnswer};

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
    line.pad_to(2).push(Tone::Bad, letter.reason).push(Tone::Plain, "  ");
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
    let whole = Style { clip: false, ..style };
    for (label, tone, text, style) in [
        ("why", Tone::Plain, &letter.detail, style),
        ("is", Tone::Plain, &letter.start, style),
        ("id", Tone::Faint, &letter.id, whole),
    ] {
        let mut line = Line::new();
        line.pad_to(4).push(Tone::Faint, label).pad_to(9).push(tone, text);
        line.write(style, out);
    }
}
