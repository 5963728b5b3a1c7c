//! Text that others wrote, made safe to show, and how much room it takes.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a character could steer the terminal, or change how the text around it reads: control characters (so also
/// the beginning of every ANSI code), line separators, marks for the direction of writing, invisible format characters.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` on one line without anything that could steer a terminal: such characters are written as `\n`, `\u{1b}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Columns a text takes. Shape: `text` is [`plain`].
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Most bytes shown in so many columns: marks that take no column must not make a line endless.
pub(super) fn bytes_max(columns: usize) -> usize {
    columns.saturating_mul(32).max(64)
}

/// `text` if it takes at most `columns`, else its beginning and `…`.
pub(super) fn clip(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max(columns) && width(text) <= columns {
        return Cow::Borrowed(text);
    }
    match columns.checked_sub(1) {
        Some(columns) => Cow::Owned(format!("{}…", cut(text, columns))),
        None => Cow::Borrowed(""),
    }
}

/// The beginning of `text` that takes at most `columns`.
pub(super) fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let over = text.char_indices().find(|(at, c)| {
        used += c.width().unwrap_or(0);
        used > columns || at + c.len_utf8() > bytes_max(columns)
    });
    over.map_or(text, |(at, _)| &text[..at])
}

/// `text` over at most `lines_max` lines of `columns`, broken at spaces where there are some; the last one is clipped.
pub(super) fn wrap(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if lines.len() + 1 >= lines_max {
            lines.push(clip(rest, columns).into_owned());
            break;
        }
        let mut used = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > columns
        });
        let Some((over, _)) = fits else {
            lines.push(rest.to_owned());
            break;
        };
        // At least one character a line, or this would not end.
        let over = over.max(rest.chars().next().map_or(1, char::len_utf8));
        let cut = rest[..over].rfind(' ').filter(|at| *at > over / 2).unwrap_or(over);
        lines.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_written_out() {
        assert_eq!(plain("Prüfung 图片 ok"), "Prüfung 图片 ok");
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m"), "\\u{1b}[31mred\\u{1b}[0m");
        assert_eq!(plain("a\r\n\tb\0\u{7f}\u{9b}1m"), "a\\r\\n\\tb\\u{0}\\u{7f}\\u{9b}1m");
        assert_eq!(plain("user\u{202e}gnp.exe\u{2066}"), "user\\u{202e}gnp.exe\\u{2066}");
        assert_eq!(plain("a\u{200b}b\u{feff}\u{2028}"), "a\\u{200b}b\\u{feff}\\u{2028}");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("图片"), 4);
        assert_eq!(clip("图片处理", 5), "图片…");
        assert_eq!(clip("图片", 4), "图片");
        assert_eq!(clip("abc", 0), "");
    }

    #[test]
    fn marks_without_width_do_not_make_a_line_endless() {
        let flood = format!("a{}", "\u{301}".repeat(100_000));
        assert!(clip(&flood, 80).len() < 4_000);
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("the quick brown fox jumps", 10, 9), ["the quick", "brown fox", "jumps"]);
        assert_eq!(wrap("abcdefghijklmnop", 10, 9), ["abcdefghij", "klmnop"]);
        assert_eq!(wrap("the quick brown fox jumps", 10, 2), ["the quick", "brown fox…"]);
        assert_eq!(wrap("", 10, 2), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_fits_and_is_harmless(text in "(\\PC|[\\x00-\\x1f\u{202e}\u{301}图 ]){0,200}", columns in 0usize..60) {
            let text = plain(&text).into_owned();
            prop_assert!(!text.chars().any(is_hostile));
            prop_assert!(clip(&text, columns).chars().filter_map(UnicodeWidthChar::width).sum::<usize>() <= columns);
            for line in wrap(&text, columns, 5) {
                prop_assert!(line.chars().filter_map(UnicodeWidthChar::width).sum::<usize>() <= columns.max(8));
            }
        }
    }
}
