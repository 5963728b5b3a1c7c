//! Personal data is masked before anything leaves the process: by key, and within texts.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};

/// What stands in place of what is masked.
pub const MASKED: &str = "***";

/// One rule. Rules hold in the order they are given; none is there by default.
#[derive(Clone, Debug)]
pub struct MaskRule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Key(Box<str>),
    KeyPattern(Regex),
    TextPattern(Regex),
    Email,
    Phone,
    BankCard,
    IdCard,
}

/// A regular expression that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(String);

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadPattern {}

fn pattern(pattern: &str, any_case: bool) -> Result<Regex, BadPattern> {
    RegexBuilder::new(pattern)
        .case_insensitive(any_case)
        .build()
        .map_err(|error| BadPattern(format!("mask pattern {pattern:?}: {error}")))
}

impl MaskRule {
    /// The value of every key that equals `key` but for the case of ASCII letters, at any level.
    pub fn key(key: impl Into<String>) -> MaskRule {
        MaskRule(Kind::Key(key.into().into()))
    }

    /// The value of every key in which the expression is found, whatever the case.
    ///
    /// Errors: the expression is none of [`regex_lite`]'s.
    pub fn key_pattern(expression: &str) -> Result<MaskRule, BadPattern> {
        Ok(MaskRule(Kind::KeyPattern(pattern(expression, true)?)))
    }

    /// Every match within a text.
    ///
    /// Errors: the expression is none of [`regex_lite`]'s.
    pub fn text_pattern(expression: &str) -> Result<MaskRule, BadPattern> {
        Ok(MaskRule(Kind::TextPattern(pattern(expression, false)?)))
    }

    /// Addresses of e-mail within a text.
    pub fn email() -> MaskRule {
        MaskRule(Kind::Email)
    }

    /// Mobile numbers of mainland China within a text.
    pub fn phone() -> MaskRule {
        MaskRule(Kind::Phone)
    }

    /// Numbers of bank cards within a text: 13 to 19 digits that pass the Luhn check, also in groups.
    pub fn bank_card() -> MaskRule {
        MaskRule(Kind::BankCard)
    }

    /// Numbers of identity cards of mainland China within a text.
    pub fn id_card() -> MaskRule {
        MaskRule(Kind::IdCard)
    }
}

/// All rules of a reporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks {
    keys: Vec<Kind>,
    texts: Vec<Kind>,
}

impl Masks {
    pub(crate) fn new(rules: Vec<MaskRule>) -> Masks {
        let (keys, texts) = rules
            .into_iter()
            .map(|MaskRule(kind)| kind)
            .partition(|kind| matches!(kind, Kind::Key(_) | Kind::KeyPattern(_)));
        Masks { keys, texts }
    }

    /// Whether texts are looked at: if not, they may be written in pieces.
    pub(crate) fn any_text(&self) -> bool {
        !self.texts.is_empty()
    }

    /// Whether the value of this key is masked.
    pub(crate) fn key(&self, key: &str) -> bool {
        self.keys.iter().any(|kind| match kind {
            Kind::Key(masked) => masked.eq_ignore_ascii_case(key),
            Kind::KeyPattern(pattern) => pattern.is_match(key),
            _ => false,
        })
    }

    /// The text with everything masked.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for kind in &self.texts {
            let next = match kind {
                Kind::TextPattern(pattern) => {
                    match pattern.replace_all(&masked, regex_lite::NoExpand(MASKED)) {
                        Cow::Borrowed(_) => None,
                        Cow::Owned(next) => Some(next),
                    }
                }
                Kind::Email => replace(&masked, email),
                Kind::Phone => replace(&masked, phone),
                Kind::BankCard => replace(&masked, bank_card),
                Kind::IdCard => replace(&masked, id_card),
                Kind::Key(_) | Kind::KeyPattern(_) => None,
            };
            if let Some(next) = next {
                masked = Cow::Owned(next);
            }
        }
        masked
    }
}

/// Replaces what `find` finds: given the bytes and an offset, the end of a match that begins there. Matches are ASCII.
fn replace(text: &str, find: fn(&[u8], usize) -> Option<usize>) -> Option<String> {
    let bytes = text.as_bytes();
    let mut made: Option<String> = None;
    let (mut at, mut kept) = (0, 0);
    while at < bytes.len() {
        let Some(end) = find(bytes, at) else {
            at += 1;
            continue;
        };
        let made = made.get_or_insert_with(|| String::with_capacity(text.len()));
        made.push_str(&text[kept..at]);
        made.push_str(MASKED);
        (at, kept) = (end, end);
    }
    made.map(|mut made| {
        made.push_str(&text[kept..]);
        made
    })
}

fn digit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether a number may begin here: a digit that has none before it.
fn begins(bytes: &[u8], at: usize) -> bool {
    digit(bytes, at) && (at == 0 || !digit(bytes, at - 1))
}

/// `[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}`
fn email(bytes: &[u8], at: usize) -> Option<usize> {
    let local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let label = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take(63)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count()
    };
    let count = bytes[at..].iter().take(64).take_while(|byte| local(byte)).count();
    if count == 0 || bytes.get(at + count) != Some(&b'@') {
        return None;
    }
    let mut end = at + count + 1;
    end += match label(end) {
        0 => return None,
        count => count,
    };
    let mut dots = 0;
    while dots < 8 && bytes.get(end) == Some(&b'.') {
        match label(end + 1) {
            0 => break,
            count => end += 1 + count,
        }
        dots += 1;
    }
    (dots > 0).then_some(end)
}

/// `(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])`
fn phone(bytes: &[u8], at: usize) -> Option<usize> {
    if !begins(bytes, at) {
        return None;
    }
    let count = bytes[at..].iter().take(14).take_while(|byte| byte.is_ascii_digit()).count();
    let number = match count {
        11 => at,
        13 if bytes[at..].starts_with(b"86") => at + 2,
        _ => return None,
    };
    (bytes[number] == b'1' && bytes[number + 1] >= b'3').then_some(at + count)
}

/// `(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])`
fn id_card(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..at + 18)?;
    if !begins(bytes, at) || number[0] == b'0' || !number[..17].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |at: usize| (number[at] - b'0') * 10 + (number[at + 1] - b'0');
    let last = number[17].is_ascii_digit() || matches!(number[17], b'X' | b'x');
    let sound = matches!(two(6), 18..=20) && matches!(two(10), 1..=12) && matches!(two(12), 1..=31);
    (last && sound && !digit(bytes, at + 18)).then_some(at + 18)
}

/// 13 to 19 digits with at most a space or hyphen between two, that pass the Luhn check: the longest such.
fn bank_card(bytes: &[u8], at: usize) -> Option<usize> {
    if !begins(bytes, at) {
        return None;
    }
    let mut digits = [0_u8; 19];
    let (mut count, mut next, mut found) = (0, at, None);
    loop {
        digits[count] = bytes[next] - b'0';
        (count, next) = (count + 1, next + 1);
        if count >= 13 && !digit(bytes, next) && luhn(&digits[..count]) {
            found = Some(next);
        }
        if count == digits.len() {
            return found;
        }
        if matches!(bytes.get(next), Some(b' ' | b'-')) && digit(bytes, next + 1) {
            next += 1;
        } else if !digit(bytes, next) {
            return found;
        }
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match u32::from(digit) * if place % 2 == 1 { 2 } else { 1 } {
            doubled @ 10.. => doubled - 9,
            digit => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bad_pattern_is_an_error_that_names_it() {
        let error = MaskRule::text_pattern("(").unwrap_err().to_string();
        assert!(error.starts_with("mask pattern \"(\": "), "{error}");
    }

    #[test]
    fn dollars_are_no_groups() {
        let masks = Masks::new(vec![MaskRule::text_pattern("a(b)c").unwrap()]);
        assert_eq!(masks.text("x abc y"), "x *** y");
    }

    proptest! {
        #[test]
        fn any_text_is_masked_without_a_panic(text in "[0-9a-z@. 一X-]{0,60}") {
            let rules = vec![MaskRule::email(), MaskRule::phone(), MaskRule::bank_card(), MaskRule::id_card()];
            let masked = Masks::new(rules.clone()).text(&text).into_owned();
            let again = Masks::new(rules).text(&masked).into_owned();
            prop_assert!(again.len() <= masked.len());
        }

        #[test]
        fn no_phone_number_is_left(before in "[^0-9]{0,9}", after in "[^0-9]{0,9}", number in "1[3-9][0-9]{9}") {
            let masks = Masks::new(vec![MaskRule::phone()]);
            let text = format!("{before}{number}{after}");
            prop_assert_eq!(masks.text(&text).into_owned(), format!("{before}***{after}"));
        }
    }
}
