//! Reported JSON on a terminal: on one line where it fits, else indented, and cut when it is long.
//!
//! It works on the text, so numbers and the order of keys stay as they were reported.

use super::line::{Line, Style, Tone};
use super::text::{clip, plain, width};

/// Lines of one payload that are shown.
const LINES_MAX: usize = 24;
/// Bytes of one payload that are looked at.
const BYTES_MAX: usize = 64 * 1024;

/// Writes `label` and a payload; `cut_from` is its full length in bytes if it was cut when it was taken in.
pub(super) fn write(
    out: &mut String,
    style: Style,
    indent: usize,
    label: &str,
    json: &str,
    cut_from: Option<u64>,
) {
    let labelled = indent + width(label) + 2;
    let mut lines = layout(json, style.columns.saturating_sub(labelled));
    let further = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    for (at, text) in lines.iter().enumerate() {
        let mut line = Line::new();
        line.pad_to(indent);
        if at == 0 {
            line.push(Tone::Faint, label);
        }
        line.pad_to(labelled).push(Tone::Plain, text);
        line.write(style, out);
    }
    let mut notes = Vec::new();
    if json.len() > BYTES_MAX {
        notes.push("… and more".to_owned());
    } else if further > 0 {
        notes.push(format!("… {further} more {}", if further == 1 { "line" } else { "lines" }));
    }
    if let Some(bytes) = cut_from {
        notes.push(format!("cut, it was {bytes} bytes long"));
    }
    if !notes.is_empty() {
        let mut line = Line::new();
        line.pad_to(labelled).push(Tone::Faint, &notes.join("; "));
        line.write(style, out);
    }
}

/// The lines of a JSON text; those that are too long are clipped.
fn layout(json: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(16);
    let mut end = json.len().min(BYTES_MAX);
    while !json.is_char_boundary(end) {
        end -= 1;
    }
    let json = &json[..end];
    let spaced = spaced(json);
    if width(&spaced) <= columns {
        return vec![spaced];
    }
    indented(json).into_iter().map(|line| clip(&line, columns).into_owned()).collect()
}

/// Parts of a JSON text: strings, and the characters between them.
fn tokens(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first == '"' {
            let mut escaped = false;
            let close = rest.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                closes
            });
            close.map_or(rest.len(), |(at, _)| at + 1)
        } else {
            first.len_utf8()
        };
        let (token, tail) = rest.split_at(end);
        rest = tail;
        Some(token)
    })
}

/// One line, with a space after colons and commas.
fn spaced(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    for token in tokens(json) {
        out.push_str(&plain(token));
        if matches!(token, ":" | ",") {
            out.push(' ');
        }
    }
    out
}

/// A line a member, two spaces a level.
fn indented(json: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut depth = 0usize;
    let mut tokens = tokens(json).peekable();
    while let Some(token) = tokens.next() {
        let line = lines.last_mut().map_or_else(String::new, std::mem::take);
        let mut line = line + &plain(token);
        match token {
            "{" | "[" => {
                let close = if token == "{" { "}" } else { "]" };
                if tokens.peek() == Some(&close) {
                    line.push_str(close);
                    tokens.next();
                } else {
                    depth += 1;
                    replace_last(&mut lines, line);
                    lines.push("  ".repeat(depth.min(16)));
                    continue;
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                // The bracket opened a line of its own further out.
                let before = line[..line.len() - 1].to_owned();
                if before.trim().is_empty() {
                    line = "  ".repeat(depth.min(16)) + token;
                } else {
                    replace_last(&mut lines, before);
                    lines.push("  ".repeat(depth.min(16)) + token);
                    continue;
                }
            }
            "," => {
                replace_last(&mut lines, line);
                lines.push("  ".repeat(depth.min(16)));
                continue;
            }
            ":" => line.push(' '),
            _ => {}
        }
        replace_last(&mut lines, line);
    }
    lines
}

fn replace_last(lines: &mut [String], line: String) {
    if let Some(last) = lines.last_mut() {
        *last = line;
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stays_on_one_line() {
        let json = r#"{"contentId":42,"big":12345678901234567890123,"tiny":1e-400,"e":[],"s":"a:b, c\"}"}"#;
        assert_eq!(
            layout(json, 120),
            [
                r#"{"contentId": 42, "big": 12345678901234567890123, "tiny": 1e-400, "e": [], "s": "a:b, c\"}"}"#
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_indented_and_cut() {
        let json = format!(
            r#"{{"a":{{"b":[1,2,{{}}],"c":"{}"}},"empty":[],"evil":"\u001b[31m{}"}}"#,
            "x".repeat(50),
            '\u{202e}'
        );
        let mut out = String::new();
        write(&mut out, Style { color: false, columns: 50, clip: true }, 4, "input", &json, Some(1_234));
        expect![[r#"
            run #1
                input  {
                         "a": {
                           "b": [
                             1,
                             2,
                             {}
                           ],
                           "c": "xxxxxxxxxxxxxxxxxxxxxxxxxxxx…
                         },
                         "empty": [],
                         "evil": "\u001b[31m\u{202e}"
                       }
                       cut, it was 1234 bytes long
        "#]]
        .assert_eq(&format!("run #1\n{out}"));
        let many = format!("[{}]", vec!["\"some text\""; 100].join(","));
        let mut out = String::new();
        write(&mut out, Style { color: false, columns: 50, clip: true }, 0, "data", &many, None);
        assert_eq!(out.lines().count(), LINES_MAX + 1);
        assert_eq!(out.lines().last(), Some("      … 78 more lines"));
    }

    proptest! {
        #[test]
        fn any_text_is_laid_out(json in "[\\[\\]{}\",:a1\\\\ é]{0,120}", columns in 0usize..60) {
            for line in layout(&json, columns) {
                prop_assert!(width(&line) <= columns.max(16));
            }
        }
    }
}
