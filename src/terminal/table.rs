//! Tables of lines, and numbers for people.

use super::line::{Line, Style, Tone};

/// Writes rows of cells below titles, two spaces in; a column nobody fills is left out.
pub(super) fn write(titles: &[&str], rows: &[Vec<Line>], style: Style, out: &mut String) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(Line::width).max().unwrap_or(0);
        if cells == 0 { 0 } else { cells.max(titles[column].chars().count()) }
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let titles = titles.iter().map(|title| cell(Tone::Faint, title)).collect::<Vec<_>>();
    for row in std::iter::once(&titles).chain(rows) {
        let mut line = Line::new();
        let mut at = 2;
        for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            line.pad_to(at).append(cell);
            at += width + 2;
        }
        line.write(style, out);
    }
}

/// One text in one tone.
pub(super) fn cell(tone: Tone, text: &str) -> Line {
    let mut line = Line::new();
    line.push(tone, text);
    line
}

/// The last line of a page that is not the last one.
pub(super) fn next_page(cursor: Option<&str>, style: Style, out: &mut String) {
    if let Some(cursor) = cursor {
        out.push('\n');
        let mut line = Line::new();
        line.push(Tone::Faint, "  next page: --cursor ").push(Tone::Plain, cursor);
        line.write(Style { clip: false, ..style }, out);
    }
}

/// `count` with its noun: `1 node`, `2 nodes`.
pub fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A number with a comma between each three digits: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!((plural(1, "node"), plural(0, "node")), ("1 node".to_owned(), "0 nodes".to_owned()));
    }
}
