//! A strict JSON scanner for report lines: one pass, borrowed strings, payloads checked but not built.
//!
//! General parsers were measured beside it (`ingest/benches/decode.rs`). This one is here because a report needs what
//! they do not give together: payloads checked to the last escape and told to be free of insignificant whitespace in the
//! same pass, a nesting limit without recursion, duplicate fields, and messages that name the byte.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::json_text::{compact, hex_unit, specials, unescape};
use super::refusal::{Reason, Refusal};

/// Deepest nesting of a report, itself being level 1. Answers embed payloads some levels deeper, and common parsers
/// stop at 128.
pub const DEPTH_MAX: u32 = 100;

/// A refusal on its way out; boxed, because every step of the scanner returns one or a value.
pub(super) type Fault = Box<Refusal>;

/// A place in a line.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Which 64 bytes `specials` is about: their offset, or `usize::MAX` for none.
    block: usize,
    /// Where in the block quotes, backslashes and control characters are, a bit each.
    specials: u64,
}

/// A string as written. Nothing is sliced before it is known what for.
#[derive(Clone, Copy)]
pub(super) struct RawString<'a> {
    line: &'a str,
    /// Offsets of what is between the quotes.
    start: usize,
    end: usize,
    escaped: bool,
    lone_surrogate: bool,
}

/// A value as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawValue<'a> {
    text: &'a str,
    /// It has whitespace between tokens, or a lone surrogate: [`RawValue::compact`] copies.
    dirty: bool,
}

/// The kind of the value that comes next, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Bool => "a boolean",
            Kind::Null => "null",
        }
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0, block: usize::MAX, specials: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `byte` if it comes next.
    #[inline(always)]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.at += 1;
            return true;
        }
        false
    }

    /// Steps to the next quote, backslash or control character, or to the end.
    ///
    /// The text is looked at in blocks of 64 bytes, each once: the many short strings of a report then cost a shift and
    /// a count instead of a loop that is mispredicted at each end.
    #[inline]
    fn seek_special(&mut self) {
        loop {
            let block = self.at & !63;
            if block != self.block {
                self.block = block;
                self.specials = specials(self.text.as_bytes(), block);
            }
            let ahead = self.specials >> (self.at & 63);
            if ahead != 0 {
                self.at += ahead.trailing_zeros() as usize;
                return;
            }
            self.at = block + 64;
            if self.at >= self.text.len() {
                self.at = self.text.len();
                return;
            }
        }
    }

    /// Skips whitespace; says whether there was any.
    pub(super) fn skip_whitespace(&mut self) -> bool {
        let start = self.at;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.at != start
    }

    #[cold]
    pub(super) fn malformed(&self, expected: &str) -> Fault {
        let mut detail = format!("expected {expected} at byte {}, found ", self.at);
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => detail.push_str("the end of the report"),
            Some(found) if found.is_control() => {
                let _ = write!(detail, "U+{:04X}", u32::from(found));
            }
            Some(found) => {
                let _ = write!(detail, "'{found}'");
            }
        }
        Box::new(Refusal::new(Reason::Malformed, detail))
    }

    #[cold]
    fn too_deep(&self) -> Fault {
        let detail = format!("nested deeper than {DEPTH_MAX} levels at byte {}", self.at);
        Box::new(Refusal::new(Reason::TooDeep, detail))
    }

    /// The kind of the value that starts here.
    pub(super) fn kind(&self) -> Result<Kind, Fault> {
        Ok(match self.peek() {
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => return Err(self.malformed("a value")),
        })
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Fault> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.malformed(word))
        }
    }

    /// Steps over `null`.
    pub(super) fn null(&mut self) -> Result<(), Fault> {
        self.literal("null")
    }

    /// A string; the cursor stands on its opening quote or the string is refused.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<RawString<'a>, Fault> {
        let mut lone_surrogate = false;
        let start = self.at + 1;
        let escaped = self.skip_string(&mut lone_surrogate)?;
        Ok(RawString { line: self.text, start, end: self.at - 1, escaped, lone_surrogate })
    }

    /// Skips a string; says whether it has escapes.
    #[inline(always)]
    fn skip_string(&mut self, lone_surrogate: &mut bool) -> Result<bool, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.malformed("a string"));
        }
        self.at += 1;
        self.seek_special();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.skip_escaped(lone_surrogate)?;
        Ok(true)
    }

    /// The rest of a string from its first escape on.
    #[inline(never)]
    fn skip_escaped(&mut self, lone_surrogate: &mut bool) -> Result<(), Fault> {
        while !self.eat(b'"') {
            if self.peek() != Some(b'\\') {
                return Err(self.malformed("'\"', or control characters written as \\u escapes,"));
            }
            self.skip_escape(lone_surrogate)?;
            self.seek_special();
        }
        Ok(())
    }

    fn skip_escape(&mut self, lone_surrogate: &mut bool) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let unit = self.unit()?;
                if (0xD800..0xDC00).contains(&unit) {
                    let low = self.text.as_bytes()[self.at..].strip_prefix(b"\\u").and_then(hex_unit);
                    if low.is_some_and(|low| (0xDC00..0xE000).contains(&low)) {
                        self.at += 6;
                    } else {
                        *lone_surrogate = true;
                    }
                } else if (0xDC00..0xE000).contains(&unit) {
                    *lone_surrogate = true;
                }
                Ok(())
            }
            _ => Err(self.malformed("one of \" \\ / b f n r t u after a backslash")),
        }
    }

    /// The code unit of a `\u` escape; the cursor stands on the `u`.
    fn unit(&mut self) -> Result<u16, Fault> {
        self.at += 1;
        match hex_unit(&self.text.as_bytes()[self.at..]) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => Err(self.malformed("four hex digits")),
        }
    }

    /// A number of at most 18 digits and nothing else, the usual one; `None`: the cursor stays, try [`Cursor::number`].
    #[inline]
    pub(super) fn short_integer(&mut self) -> Option<u64> {
        let bytes = self.text.as_bytes();
        let mut value = 0;
        let mut at = self.at;
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            value = value * 10 + u64::from(digit - b'0');
            at += 1;
            if at - self.at > 18 {
                return None;
            }
        }
        let zeros = bytes.get(self.at) == Some(&b'0') && at - self.at > 1;
        if at == self.at || zeros || matches!(bytes.get(at), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at = at;
        Some(value)
    }

    /// A number, as written.
    pub(super) fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        self.eat(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.malformed("a digit")),
        }
        if self.eat(b'.') {
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed("a digit"));
        }
        self.digits();
        Ok(())
    }

    /// Any value, checked to its end; the cursor stands on its first byte. `depth` is the level the value is on.
    ///
    /// Iterative: the open brackets are one bit each.
    pub(super) fn value(&mut self, depth: u32) -> Result<RawValue<'a>, Fault> {
        let start = self.at;
        let mut dirty = false;
        let mut open = 0_u32;
        let mut objects = 0_u128;
        loop {
            // A value comes next.
            let close = match self.kind()? {
                Kind::String => {
                    self.skip_string(&mut dirty)?;
                    None
                }
                Kind::Number => {
                    self.number()?;
                    None
                }
                Kind::Bool => {
                    self.literal(if self.peek() == Some(b't') { "true" } else { "false" })?;
                    None
                }
                Kind::Null => {
                    self.literal("null")?;
                    None
                }
                Kind::Object => Some(b'}'),
                Kind::Array => Some(b']'),
            };
            if let Some(close) = close {
                if depth + open >= DEPTH_MAX {
                    return Err(self.too_deep());
                }
                self.at += 1;
                dirty |= self.skip_whitespace();
                if !self.eat(close) {
                    open += 1;
                    objects = objects << 1 | u128::from(close == b'}');
                    if close == b'}' {
                        self.key(&mut dirty)?;
                    }
                    continue;
                }
            }
            // A value has ended.
            loop {
                if open == 0 {
                    return Ok(RawValue { text: &self.text[start..self.at], dirty });
                }
                dirty |= self.skip_whitespace();
                let in_object = objects & 1 == 1;
                if self.eat(b',') {
                    dirty |= self.skip_whitespace();
                    if in_object {
                        self.key(&mut dirty)?;
                    }
                    break;
                }
                if !self.eat(if in_object { b'}' } else { b']' }) {
                    return Err(self.malformed(if in_object { "',' or '}'" } else { "',' or ']'" }));
                }
                open -= 1;
                objects >>= 1;
            }
        }
    }

    /// Skips a key inside a payload and its colon.
    fn key(&mut self, dirty: &mut bool) -> Result<(), Fault> {
        self.skip_string(dirty)?;
        *dirty |= self.colon()?;
        Ok(())
    }

    /// Skips a colon and the whitespace around it; says whether there was any.
    #[inline(always)]
    pub(super) fn colon(&mut self) -> Result<bool, Fault> {
        if self.peek() == Some(b':') && self.text.as_bytes().get(self.at + 1).is_some_and(|&next| next > b' ')
        {
            self.at += 1;
            return Ok(false);
        }
        self.spaced_colon()
    }

    #[inline(never)]
    fn spaced_colon(&mut self) -> Result<bool, Fault> {
        let before = self.skip_whitespace();
        if !self.eat(b':') {
            return Err(self.malformed("':'"));
        }
        Ok(self.skip_whitespace() | before)
    }

    /// After a member of an object: steps to the next key (`true`) or past the closing brace (`false`).
    #[inline(always)]
    pub(super) fn next_member(&mut self) -> Result<bool, Fault> {
        if let [b',', b'"'] = self.text.as_bytes()[self.at..].first_chunk::<2>().unwrap_or(&[0; 2]) {
            self.at += 1;
            return Ok(true);
        }
        self.skip_whitespace();
        if self.eat(b',') {
            self.skip_whitespace();
            Ok(true)
        } else if self.eat(b'}') {
            Ok(false)
        } else {
            Err(self.malformed("',' or '}'"))
        }
    }

    /// Checks that only whitespace is left.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.skip_whitespace();
        if self.at == self.text.len() { Ok(()) } else { Err(self.malformed("the end of the report")) }
    }
}

impl<'a> RawString<'a> {
    /// The bytes as written, if there are no escapes among them.
    #[inline(always)]
    pub(super) fn plain(self) -> Option<&'a [u8]> {
        (!self.escaped).then(|| &self.line.as_bytes()[self.start..self.end])
    }

    fn inner(self) -> &'a str {
        &self.line[self.start..self.end]
    }

    /// The text it stands for; `None` when it holds a lone surrogate, which no UTF-8 text can.
    #[inline(always)]
    pub(super) fn decode(self) -> Option<Cow<'a, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.inner()));
        }
        (!self.lone_surrogate).then(|| Cow::Owned(unescape(self.inner())))
    }

    /// The text it stands for, lone surrogates replaced by U+FFFD.
    #[inline(always)]
    pub(super) fn decode_lossy(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.inner())) } else { Cow::Borrowed(self.inner()) }
    }

    /// The same as a value.
    pub(super) fn value(self) -> RawValue<'a> {
        RawValue { text: &self.line[self.start - 1..=self.end], dirty: self.lone_surrogate }
    }
}

impl<'a> RawValue<'a> {
    /// The value without insignificant whitespace; lone surrogates become `\ufffd`.
    pub(super) fn compact(self) -> Cow<'a, str> {
        if self.dirty { Cow::Owned(compact(self.text)) } else { Cow::Borrowed(self.text) }
    }

    pub(super) fn is_null(self) -> bool {
        self.text == "null"
    }
}
