//! Making foreign text safe to show: names and file excerpts may hold anything.

use std::fmt::Write;

/// Whether a character could change how the text around it is shown: controls, line and paragraph separators,
/// zero-width and direction-changing characters.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` on one line with every character that could disturb a terminal or a drawing written as `\n`, `\t` or
/// `\u{1b}`.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_hostile(c) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", c as u32);
            }
            c => shown.push(c),
        }
    }
    shown
}

/// As [`visible`], but tabs stay: for lines of a file.
pub(super) fn visible_with_tabs(text: &str) -> String {
    text.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

/// At most `chars` characters of `text`, made [`visible`]; a longer text ends in `…`.
pub(super) fn excerpt(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => visible(text),
        Some((end, _)) => format!("{}…", visible(&text[..end])),
    }
}

/// `text` in double quotes, cut for a message.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text, 60))
}
