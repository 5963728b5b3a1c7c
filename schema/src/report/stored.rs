//! The stored line: a report as packs keep it, compact JSON in fixed field order (`docs/report-format.md`).

use super::json::push_string;
use super::line::{Form, read_form};
use super::refusal::{Reason, Refusal};
use super::{Identity, Mark, Payload, Report};
use crate::ids::MarkRef;
use std::borrow::Cow;

/// Appends the stored line of `report`, without a line feed.
///
/// The mark is left out: it is the row's key. The identity is left out when it follows from the line, which is nearly
/// always: a hash is 16 bytes no compressor can shrink. Equal reports give equal bytes.
///
/// `report.identity` must be the one the decoder gave it (see [`Identity::of`]); debug builds check.
pub fn encode_stored(report: &Report<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(time) = report.time {
        push_number(out, "time", time.micros().unsigned_abs());
    }
    push_text(out, "id", report.id.as_deref());
    push_text(out, "status", report.status.map(super::Status::as_str));
    push_text(out, "level", report.level.as_deref());
    push_text(out, "nodeName", report.node_name.as_deref());
    push_text(out, "message", report.message.as_deref());
    push_text(out, "runId", report.run_id.as_deref());
    push_text(out, "case", report.case.as_deref());
    push_optional_number(out, "iteration", report.iteration);
    push_text(out, "subExecutionId", report.sub_execution_id.as_deref());
    push_text(out, "parentNode", report.parent_node.as_deref());
    push_text(out, "traceId", report.trace_id.as_deref());
    push_text(out, "spanId", report.span_id.as_deref());
    push_text(out, "parentSpanId", report.parent_span_id.as_deref());
    push_text(out, "service", report.service.as_deref());
    push_text(out, "instance", report.instance.as_deref());
    push_text(out, "host", report.host.as_deref());
    push_text(out, "tenant", report.tenant.as_deref());
    push_optional_number(out, "boot", report.boot);
    push_optional_number(out, "seq", report.seq);
    for (name, payload) in payloads(report) {
        if let Some(payload) = payload {
            push_key(out, name);
            out.extend_from_slice(payload.json.as_bytes());
        }
    }
    if report.time_substituted {
        push_key(out, "timeSubstituted");
        out.extend_from_slice(b"true");
    }
    push_cuts(report, out);
    if !identity_follows(report) {
        push_key(out, "identity");
        push_string(out, &report.identity.to_string());
    }
    out.push(b'}');
}

/// Reads a stored line back. `mark` is that of the row it was in, `None` in the table of unlinked reports.
///
/// Errors: the line was not written by [`encode_stored`].
pub fn decode_stored<'a>(line: &'a [u8], mark: Option<MarkRef<'a>>) -> Result<Report<'a>, Refusal> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Refusal::new(Reason::NotUtf8, format!("invalid UTF-8: {error}")))?;
    let line = read_form(text, Form::Stored)?;
    let mut report = line.report;
    report.mark = mark.map(|mark| Mark {
        business_id: Cow::Borrowed(mark.business_id),
        scene_id: Cow::Borrowed(mark.scene_id),
        execution_id: Cow::Borrowed(mark.execution_id),
    });
    report.time = line.own_time;
    report.identity = line.identity.unwrap_or_else(|| computed(&report));
    Ok(report)
}

/// The identity as far as a stored line tells: a substituted time counts as none.
fn computed(report: &Report<'_>) -> Identity {
    let own_time = report.time.filter(|_| !report.time_substituted);
    let mut scratch = Vec::with_capacity(1024);
    Identity::of(report, own_time, &mut scratch)
}

/// Whether [`decode_stored`] can compute the identity.
fn identity_follows(report: &Report<'_>) -> bool {
    let plain = report.id.is_some() || !(report.time_substituted || is_cut(report));
    debug_assert!(!plain || computed(report) == report.identity, "the identity of {report:?} is not its own");
    plain || computed(report) == report.identity
}

fn is_cut(report: &Report<'_>) -> bool {
    payloads(report).iter().any(|(_, payload)| payload.is_some_and(|payload| payload.cut_from.is_some()))
}

/// The payloads in the order they are stored in.
fn payloads<'r, 'a>(report: &'r Report<'a>) -> [(&'static str, Option<&'r Payload<'a>>); 6] {
    [
        ("input", report.input.as_ref()),
        ("output", report.output.as_ref()),
        ("data", report.data.as_ref()),
        ("exception", report.exception.as_ref()),
        ("meta", report.meta.as_ref()),
        ("attributes", report.attributes.as_ref()),
    ]
}

fn push_cuts(report: &Report<'_>, out: &mut Vec<u8>) {
    if !is_cut(report) {
        return;
    }
    push_key(out, "cut");
    out.push(b'{');
    for (name, payload) in payloads(report) {
        if let Some(length) = payload.and_then(|payload| payload.cut_from) {
            push_number(out, name, length);
        }
    }
    out.push(b'}');
}

#[inline]
fn push_key(out: &mut Vec<u8>, name: &'static str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

#[inline]
fn push_text(out: &mut Vec<u8>, name: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        push_key(out, name);
        push_string(out, text);
    }
}

fn push_optional_number(out: &mut Vec<u8>, name: &'static str, number: Option<u64>) {
    if let Some(number) = number {
        push_number(out, name, number);
    }
}

fn push_number(out: &mut Vec<u8>, name: &'static str, mut number: u64) {
    push_key(out, name);
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}
