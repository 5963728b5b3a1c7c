//! Report lines, field by field in their fixed order.

use std::cell::Cell;

use crate::context::{Place, push_attribute, push_text};
use crate::json;
use crate::mark::{TEXT_BYTES_MAX, is_name};
use crate::reporter::Inner;
use crate::time::push_time;

/// Buffers of a thread, used again and again.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The line itself.
    pub(crate) line: Vec<u8>,
    /// Parts of a log that come in any order: the message as a JSON string, the members of `data`, `exception`.
    pub(crate) message: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) exception: Vec<u8>,
    /// A text before it is masked.
    pub(crate) text: String,
}

/// A buffer that grew beyond this is given back.
const KEPT_MAX: usize = 64 << 10;

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// Lends the buffers of the thread, empty. What is reported within, by code that is asked for its text, gets other ones.
#[inline]
pub(crate) fn with_buffers<T>(work: impl FnOnce(&mut Buffers) -> T) -> T {
    let mut buffers = BUFFERS.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let Buffers { line, message, data, exception, text } = &mut *buffers;
    for part in [line, message, data, exception] {
        part.clear();
    }
    text.clear();
    let made = work(&mut buffers);
    let held = [&buffers.line, &buffers.message, &buffers.data, &buffers.exception].map(Vec::capacity);
    if held.iter().sum::<usize>() + buffers.text.capacity() <= KEPT_MAX {
        let _ = BUFFERS.try_with(|kept| kept.set(Some(buffers)));
    }
    made
}

/// What a process writes into each of its reports.
pub(crate) struct Origin {
    /// `,"id":"instance/boot/`
    id: Vec<u8>,
    /// Members `service`, `instance`, `host`.
    tail: Vec<u8>,
    /// `,"boot":boot`
    boot: Vec<u8>,
    /// `boot-`, in base 36.
    pub(crate) run: String,
}

/// Longest service, instance and host.
const ORIGIN_BYTES_MAX: usize = 200;

impl Origin {
    pub(crate) fn new(service: &str, instance: &str, host: &str, boot: u64) -> Origin {
        let mut origin =
            Origin { id: Vec::new(), tail: Vec::new(), boot: Vec::new(), run: base36(boot) + "-" };
        let instance = json::beginning(instance, ORIGIN_BYTES_MAX);
        origin.id.extend_from_slice(b",\"id\":\"");
        json::push_escaped(&mut origin.id, instance);
        origin.id.push(b'/');
        json::push_number(&mut origin.id, boot);
        origin.id.push(b'/');
        for (name, text) in [("service", service), ("instance", instance), ("host", host)] {
            if !text.is_empty() {
                push_text(&mut origin.tail, name, json::beginning(text, ORIGIN_BYTES_MAX));
            }
        }
        origin.boot.extend_from_slice(b",\"boot\":");
        json::push_number(&mut origin.boot, boot);
        origin
    }
}

pub(crate) fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break digits.iter().rev().map(|&digit| char::from(digit)).collect();
        }
    }
}

#[inline]
fn head(out: &mut Vec<u8>, inner: &Inner, kind: &[u8], place: Option<&Place>, seq: u64) {
    out.extend_from_slice(b"{\"v\":1,\"type\":\"");
    out.extend_from_slice(kind);
    out.push(b'"');
    if let Some(place) = place {
        out.extend_from_slice(&place.head);
    }
    out.extend_from_slice(&inner.origin.id);
    json::push_number(out, seq);
    out.push(b'"');
    if let Some(place) = place {
        out.extend_from_slice(&place.node_member);
    }
}

#[inline]
fn push_time_member(out: &mut Vec<u8>, micros: i64) {
    out.extend_from_slice(b",\"time\":\"");
    push_time(out, micros);
    out.push(b'"');
}

#[inline]
fn tail(out: &mut Vec<u8>, inner: &Inner, place: Option<&Place>, meta: &[u8], seq: u64, attributes: &[u8]) {
    if let Some(place) = place {
        out.extend_from_slice(&place.span_member);
    }
    out.extend_from_slice(&inner.origin.tail);
    push_part(out, b",\"meta\":", meta);
    out.extend_from_slice(b",\"seq\":");
    json::push_number(out, seq);
    out.extend_from_slice(&inner.origin.boot);
    let shared = place.map_or(&[][..], |place| &place.attributes);
    if !shared.is_empty() || !attributes.is_empty() {
        out.extend_from_slice(b",\"attributes\":{");
        out.extend_from_slice(shared);
        if !shared.is_empty() && !attributes.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(attributes);
        out.push(b'}');
    }
    out.extend_from_slice(b"}\n");
}

/// Writes a member that is JSON already, if there is one.
#[inline]
fn push_part(out: &mut Vec<u8>, name: &[u8], json: &[u8]) {
    if !json.is_empty() {
        out.extend_from_slice(name);
        out.extend_from_slice(json);
    }
}

/// A business log; parts that are empty are absent, others are JSON.
pub(crate) struct LogLine<'a> {
    pub(crate) place: Option<&'a Place>,
    pub(crate) time: i64,
    pub(crate) level: Option<crate::Level>,
    pub(crate) message: &'a [u8],
    pub(crate) data: &'a [u8],
    pub(crate) exception: &'a [u8],
    pub(crate) meta: &'a [u8],
}

impl LogLine<'_> {
    /// Writes the line with its line feed.
    pub(crate) fn write(&self, out: &mut Vec<u8>, inner: &Inner, seq: u64) {
        head(out, inner, b"log", self.place, seq);
        push_time_member(out, self.time);
        if let Some(level) = self.level {
            out.extend_from_slice(b",\"level\":\"");
            out.extend_from_slice(level.as_str().as_bytes());
            out.push(b'"');
        }
        push_part(out, b",\"message\":", self.message);
        push_part(out, b",\"data\":", self.data);
        push_part(out, b",\"exception\":", self.exception);
        tail(out, inner, self.place, self.meta, seq, b"");
    }
}

/// A node report; parts that are empty are absent, others are JSON.
pub(crate) struct NodeLine<'a> {
    /// The place within the node.
    pub(crate) place: Option<&'a Place>,
    pub(crate) status: &'static str,
    pub(crate) time: i64,
    pub(crate) run: u64,
    pub(crate) case: Option<&'a str>,
    pub(crate) iteration: Option<u64>,
    pub(crate) sub_execution: Option<&'a str>,
    pub(crate) parent: Option<&'a str>,
    pub(crate) input: &'a [u8],
    pub(crate) output: &'a [u8],
    pub(crate) exception: &'a [u8],
    pub(crate) meta: &'a [u8],
}

impl NodeLine<'_> {
    /// Writes the line with its line feed.
    pub(crate) fn write(&self, out: &mut Vec<u8>, inner: &Inner, seq: u64) {
        let mut attributes = Vec::new();
        head(out, inner, b"node", self.place, seq);
        out.extend_from_slice(b",\"status\":\"");
        out.extend_from_slice(self.status.as_bytes());
        out.push(b'"');
        push_time_member(out, self.time);
        out.extend_from_slice(b",\"runId\":\"");
        out.extend_from_slice(inner.origin.run.as_bytes());
        out.extend_from_slice(base36(self.run).as_bytes());
        out.push(b'"');
        match self.case {
            Some(case) if case.len() > TEXT_BYTES_MAX => push_attribute(&mut attributes, "invalidCase", case),
            Some(case) => push_text(out, "case", case),
            None => {}
        }
        if let Some(iteration) = self.iteration {
            out.extend_from_slice(b",\"iteration\":");
            json::push_number(out, iteration);
        }
        match self.sub_execution {
            Some("") | None => {}
            Some(id) if id.len() > TEXT_BYTES_MAX => {
                push_attribute(&mut attributes, "invalidSubExecutionId", id)
            }
            Some(id) => push_text(out, "subExecutionId", id),
        }
        if let Some(parent) = self.parent.filter(|name| is_name(name)) {
            push_text(out, "parentNode", parent);
        }
        push_part(out, b",\"input\":", self.input);
        push_part(out, b",\"output\":", self.output);
        push_part(out, b",\"exception\":", self.exception);
        tail(out, inner, self.place, self.meta, seq, &attributes);
    }
}
