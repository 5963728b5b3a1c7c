//! The mark over the network: W3C `baggage`, and `traceparent` for the trace.

use crate::context::Context;
use crate::mark::{LinkMark, is_name};

/// The header that carries the mark.
pub const BAGGAGE: &str = "baggage";
/// The header that carries the trace. It is read and never made or changed.
pub const TRACEPARENT: &str = "traceparent";

const BUSINESS_ID: &str = "linkloom.business-id";
const SCENE_ID: &str = "linkloom.scene-id";
const EXECUTION_ID: &str = "linkloom.execution-id";
const PARENT_NODE: &str = "linkloom.parent-node";
const KEYS: [&str; 4] = [BUSINESS_ID, SCENE_ID, EXECUTION_ID, PARENT_NODE];

/// Headers to write into: one value a name.
pub trait HeadersMut: Headers {
    /// Sets a header, in place of those of this name.
    fn set(&mut self, name: &'static str, value: String);
}

/// Headers to read from.
pub trait Headers {
    /// Calls `each` with every value of this name that is UTF-8; `name` is lower case, headers of HTTP are of any.
    fn each(&self, name: &str, each: &mut dyn FnMut(&str));
}

fn all(headers: &(impl Headers + ?Sized), name: &str) -> Option<String> {
    let mut joined: Option<String> = None;
    headers.each(name, &mut |value| match &mut joined {
        None => joined = Some(value.to_owned()),
        Some(joined) => {
            joined.push(',');
            joined.push_str(value);
        }
    });
    joined
}

/// Writes the current mark and node into headers; other members of `baggage` stay. Without a valid mark nothing changes.
///
/// ```
/// use linkloom_reporter::{LinkMark, extract, inject};
///
/// let mut headers: Vec<(String, Vec<u8>)> = Vec::new(); // as those of a Kafka record
/// LinkMark::new("content-42", "realtime-input", "5f2c").in_scope(|| inject(&mut headers));
/// assert_eq!(extract(&headers).mark().unwrap().business_id(), "content-42");
/// ```
pub fn inject(headers: &mut (impl HeadersMut + ?Sized)) {
    inject_context(&Context::current(), headers);
}

/// [`inject`] of another context.
pub fn inject_context(context: &Context, headers: &mut (impl HeadersMut + ?Sized)) {
    let existing = all(headers, BAGGAGE);
    if let Some(value) = baggage(context, existing.as_deref()) {
        headers.set(BAGGAGE, value);
    }
}

/// The context that came with headers: mark, parent node, trace. Empty if there is none; what is broken counts as absent.
pub fn extract(headers: &(impl Headers + ?Sized)) -> Context {
    let mut context = Context::default();
    if let Some((mark, parent)) = all(headers, BAGGAGE).as_deref().and_then(parse_baggage) {
        context = context.with_mark(mark);
        if let Some(parent) = parent {
            context = context.with_parent_node(parent);
        }
    }
    let mut traced = None;
    headers.each(TRACEPARENT, &mut |value| {
        if let (None, Some((trace_id, span_id))) = (&traced, parse_traceparent(value)) {
            traced = Some(context.with_trace(trace_id, span_id));
        }
    });
    traced.unwrap_or(context)
}

/// The value of the header `baggage` for a context, given the one that is there; `None` if nothing is to be changed.
pub fn baggage(context: &Context, existing: Option<&str>) -> Option<String> {
    let [business, scene, execution] = context.mark()?.valid()?;
    let mut value = String::new();
    let members = existing.unwrap_or_default().split(',').map(trimmed).filter(|member| !member.is_empty());
    for member in members.filter(|member| !KEYS.contains(&key(member))) {
        separated(&mut value).push_str(member);
    }
    let parent = context.parent_node().filter(|name| is_name(name));
    let ours = [
        (BUSINESS_ID, Some(business)),
        (SCENE_ID, Some(scene)),
        (EXECUTION_ID, Some(execution)),
        (PARENT_NODE, parent),
    ];
    for (name, text) in ours {
        if let Some(text) = text {
            let value = separated(&mut value);
            value.push_str(name);
            value.push('=');
            push_encoded(value, text);
        }
    }
    Some(value)
}

fn separated(value: &mut String) -> &mut String {
    if !value.is_empty() {
        value.push(',');
    }
    value
}

/// Without the spaces and tabs around it.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The key of a member.
fn key(member: &str) -> &str {
    let end = member.find(['=', ';']).unwrap_or(member.len());
    trimmed(&member[..end])
}

/// Mark and parent node in a value of `baggage`; `None` if there is no valid mark.
pub fn parse_baggage(header: &str) -> Option<(LinkMark, Option<String>)> {
    let mut found: [Option<Option<String>>; 4] = [const { None }; 4];
    for member in header.split(',') {
        let Some((name, value)) = member.split_once('=') else { continue };
        let Some(place) = KEYS.iter().position(|known| *known == trimmed(name)) else { continue };
        let value = value.split(';').next().unwrap_or_default();
        found[place].get_or_insert_with(|| decoded(trimmed(value)));
    }
    let [business, scene, execution, parent] = found.map(Option::flatten);
    let mark = LinkMark::new(business?, scene?, execution?);
    mark.is_valid().then(|| (mark, parent.filter(|name| is_name(name))))
}

fn push_encoded(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// `None` for what is no percent-encoded UTF-8.
fn decoded(text: &str) -> Option<String> {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let (high, low) = (hex(bytes.get(at + 1))?, hex(bytes.get(at + 2))?);
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

/// Trace id and span id in a value of `traceparent`.
///
/// Source: W3C Trace Context, "traceparent Header"; versions to come are read as the first.
pub fn parse_traceparent(header: &str) -> Option<(&str, &str)> {
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (version, rest) = header.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, rest) = rest.split_once('-')?;
    let (flags, more) = match rest.split_once('-') {
        Some((flags, more)) => (flags, Some(more)),
        None => (rest, None),
    };
    let lengths = [version, trace, span, flags].map(str::len) == [2, 32, 16, 2];
    let sound = lengths && [version, trace, span, flags].iter().all(|part| hex(part));
    let known = version != "ff" && !(version == "00" && more.is_some());
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    (sound && known && !zero(trace) && !zero(span)).then_some((trace, span))
}

impl<T: AsRef<[u8]>> Headers for Vec<(String, T)> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.as_slice().each(name, each);
    }
}

impl<T: AsRef<[u8]>> Headers for [(String, T)] {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for (_, value) in self.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)) {
            if let Ok(value) = std::str::from_utf8(value.as_ref()) {
                each(value);
            }
        }
    }
}

/// Headers in a list, as those of Kafka records.
impl<T: AsRef<[u8]> + From<String>> HeadersMut for Vec<(String, T)> {
    fn set(&mut self, name: &'static str, value: String) {
        self.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self.push((name.to_owned(), value.into()));
    }
}

macro_rules! maps {
    ($($map:ident)*) => {
        $(
            impl Headers for std::collections::$map<String, String> {
                fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
                    for (_, value) in self.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)) {
                        each(value);
                    }
                }
            }

            impl HeadersMut for std::collections::$map<String, String> {
                fn set(&mut self, name: &'static str, value: String) {
                    self.retain(|found, _| !found.eq_ignore_ascii_case(name));
                    self.insert(name.to_owned(), value);
                }
            }
        )*
    };
}

maps! { HashMap BTreeMap }

#[cfg(feature = "http")]
impl Headers for http::HeaderMap {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for value in self.get_all(name) {
            if let Ok(value) = std::str::from_utf8(value.as_bytes()) {
                each(value);
            }
        }
    }
}

#[cfg(feature = "http")]
impl HeadersMut for http::HeaderMap {
    fn set(&mut self, name: &'static str, value: String) {
        // Other members that were there are bytes of a header already, ours are plain ASCII.
        if let Ok(value) = http::HeaderValue::try_from(value) {
            self.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_valid_mark_arrives(
            ids in prop::array::uniform3(any::<String>()),
            parent in any::<String>(),
            existing in "[ -~]{0,40}",
        ) {
            let mark = LinkMark::new(&ids[0], &ids[1], &ids[2]);
            let context = Context::of_mark(mark.clone()).with_parent_node(&parent);
            match baggage(&context, Some(&existing)) {
                None => prop_assert!(!mark.is_valid()),
                Some(header) => {
                    let (found, found_parent) = parse_baggage(&header).unwrap();
                    prop_assert_eq!(found, mark);
                    prop_assert_eq!(found_parent, Some(parent).filter(|name| is_name(name)));
                }
            }
        }

        #[test]
        fn any_header_is_read_without_a_panic(header in any::<String>()) {
            parse_baggage(&header);
            parse_traceparent(&header);
        }
    }
}
