//! Strict JSON from a lenient parser: the parser goes on after the usual slips (comments, stray and missing commas,
//! single quotes), and each slip is reported beside whatever else is wrong with the file.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::check::{At, BLOCK_DEPTH_MAX, Checker};
use super::path::Path;

/// Deepest nesting of JSON brackets: a block takes three levels, the file and its leaves six.
const BRACKET_DEPTH_MAX: usize = 3 * BLOCK_DEPTH_MAX + 8;

/// Parses one JSON text. `None` when it is too broken to look at what it says; every slip lands in `checker`.
pub(super) fn parse<'t>(text: &'t str, checker: &mut Checker<'t>) -> Option<Value<'t>> {
    let at = |start: usize, end: usize| At { span: start..end.max(start), path: Path::root() };
    if let Some(offset) = too_deep(text.as_bytes()) {
        checker.add(
            &at(offset, offset + 1),
            format!("brackets nest deeper than {BRACKET_DEPTH_MAX}"),
            format!("a bracket inside {BRACKET_DEPTH_MAX} others"),
            format!(
                "at most {BLOCK_DEPTH_MAX} blocks inside one another, which take {BRACKET_DEPTH_MAX} brackets"
            ),
        );
        return None;
    }
    let collect = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
    match parse_to_ast(text, &collect, &ParseOptions::default()) {
        Ok(parsed) => {
            check_tokens(text, &parsed.tokens.unwrap_or_default(), checker);
            if parsed.value.is_none() {
                let end = text.len();
                checker.add(
                    &at(end, end),
                    "there is no definition in this file",
                    "nothing",
                    "an array of nodes, or an object with nodes",
                );
            }
            parsed.value
        }
        Err(error) => {
            let range = error.range();
            let place = at(range.start, range.end);
            let found = match checker.excerpt(&place) {
                excerpt if excerpt.is_empty() => String::from("the end of the file"),
                excerpt => excerpt,
            };
            let message = error.kind().to_string();
            let mut letters = message.chars();
            let message: String =
                letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
            checker.add(&place, format!("not JSON: {message}"), found, "JSON (RFC 8259)");
            None
        }
    }
}

/// The offset of the first bracket that lies too deep. Brackets in strings and comments do not count.
fn too_deep(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut i = 0;
    while let Some(&byte) = text.get(i) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > BRACKET_DEPTH_MAX {
                    return Some(i);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' | b'\'' => {
                i += 1;
                while text.get(i).is_some_and(|b| *b != byte) {
                    i += if text[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if text.get(i + 1) == Some(&b'/') => {
                while text.get(i).is_some_and(|b| !matches!(b, b'\n' | b'\r')) {
                    i += 1;
                }
            }
            b'/' if text.get(i + 1) == Some(&b'*') => {
                i += 2;
                while i < text.len() && !text[i..].starts_with(b"*/") {
                    i += 1;
                }
            }
            _ => {}
        }
        i += 1;
    }
    None
}

/// Reports what the lenient parser let through.
fn check_tokens<'t>(text: &'t str, tokens: &[TokenAndRange<'t>], checker: &mut Checker<'t>) {
    let bytes = text.as_bytes();
    let mut end = 0;
    let mut last: Option<&TokenAndRange<'t>> = None;
    for token in tokens {
        let range = token.range();
        let here = At { span: range.start..range.end, path: Path::root() };
        check_gap(text, end, range.start, checker);
        end = range.end;
        match &token.token {
            Token::CommentLine(_) | Token::CommentBlock(_) => {
                let found = checker.excerpt(&here);
                checker.add(
                    &here,
                    "JSON has no comments",
                    found,
                    "no comment; a node has description for remarks",
                );
                continue;
            }
            Token::String(_) => check_string(bytes, &here, checker),
            Token::Number(number) if !is_json_number(number) => {
                let found = checker.excerpt(&here);
                checker.add(&here, "not a JSON number", found, "a decimal number such as 0, -12 or 1.5e3");
            }
            Token::Colon => {
                if let Some(key) = last.filter(|key| !matches!(key.token, Token::String(_))) {
                    let at = At { span: key.range.start..key.range.end, path: Path::root() };
                    let found = checker.excerpt(&at);
                    checker.add(&at, "a key without double quotes", found, "a key in double quotes");
                }
            }
            Token::CloseBrace | Token::CloseBracket => {
                if let Some(comma) = last.filter(|last| last.token == Token::Comma) {
                    let at = At { span: comma.range.start..comma.range.end, path: Path::root() };
                    checker.add(
                        &at,
                        "a comma before the closing bracket",
                        "\",\"",
                        "no comma after the last entry",
                    );
                }
            }
            _ => {}
        }
        if starts_value(&token.token) && last.is_some_and(|last| ends_value(&last.token)) {
            let found = checker.excerpt(&here);
            checker.add(&here, "a comma is missing before this", found, "\",\" between two entries");
        }
        last = Some(token);
    }
    check_gap(text, end, text.len(), checker);
}

fn starts_value(token: &Token<'_>) -> bool {
    !matches!(token, Token::Comma | Token::Colon | Token::CloseBrace | Token::CloseBracket)
}

fn ends_value(token: &Token<'_>) -> bool {
    !matches!(token, Token::Comma | Token::Colon | Token::OpenBrace | Token::OpenBracket)
}

/// Between two tokens only the four white-space characters of JSON may stand.
fn check_gap<'t>(text: &'t str, from: usize, to: usize, checker: &mut Checker<'t>) {
    let gap = text.get(from..to).unwrap_or("");
    let odd = gap.char_indices().find(|(_, c)| !matches!(c, ' ' | '\t' | '\r' | '\n'));
    if let Some((offset, odd)) = odd {
        let start = from + offset;
        let at = At { span: start..start + odd.len_utf8(), path: Path::root() };
        let found = format!("U+{:04X}", odd as u32);
        checker.add(
            &at,
            "a space that is none in JSON",
            found,
            "space, tab, line feed and carriage return between tokens",
        );
    }
}

/// A string stands in double quotes, has no raw control characters and only JSON's escapes.
fn check_string<'t>(bytes: &[u8], at: &At<'t>, checker: &mut Checker<'t>) {
    let raw = &bytes[at.span.clone()];
    if raw.first() == Some(&b'\'') {
        let found = checker.excerpt(at);
        checker.add(at, "a text in single quotes", found, "a text in double quotes");
    }
    let place =
        |i: usize, len: usize| At { span: at.span.start + i..at.span.start + i + len, path: Path::root() };
    let mut i = 0;
    while let Some(&byte) = raw.get(i) {
        if byte < 0x20 {
            let found = format!("U+{byte:04X}");
            let allowed = format!("\\u{byte:04x}, or \\n, \\r, \\t");
            checker.add(&place(i, 1), "a control character inside a text", found, allowed);
            return;
        }
        if byte == b'\\' {
            match raw.get(i + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => {}
                next => {
                    let found = next.map_or(String::from("\\"), |next| format!("\\{}", next.escape_ascii()));
                    let allowed = "\\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX";
                    checker.add(&place(i, 1), "an escape JSON does not have", found, allowed);
                    return;
                }
            }
            i += 1;
        }
        i += 1;
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_json_number(number: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = number.strip_prefix('-').unwrap_or(number);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = &fraction[n..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let n = digits(exponent);
        if n == 0 {
            return false;
        }
        rest = &exponent[n..];
    }
    rest.is_empty()
}
