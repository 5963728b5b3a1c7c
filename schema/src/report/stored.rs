//! The stored line: a report as packs keep it, compact JSON in fixed field order (`docs/report-format.md`).

use super::json_text::push_string;
use super::line::{Form, Line, read_form};
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
    // Every field is written with a comma before it; the first comma then becomes the opening brace.
    let start = out.len();
    macro_rules! key {
        ($name:literal) => {
            out.extend_from_slice(concat!(",\"", $name, "\":").as_bytes())
        };
    }
    macro_rules! text {
        ($name:literal, $text:expr) => {
            if let Some(text) = $text {
                key!($name);
                push_string(out, text);
            }
        };
    }
    macro_rules! number {
        ($name:literal, $number:expr) => {
            if let Some(number) = $number {
                key!($name);
                push_number(out, number);
            }
        };
    }
    macro_rules! payload {
        ($name:literal, $payload:expr) => {
            if let Some(payload) = &$payload {
                key!($name);
                out.extend_from_slice(payload.json.as_bytes());
            }
        };
    }
    number!("time", report.time.map(|time| time.micros().max(0) as u64));
    text!("id", report.id.as_deref());
    text!("status", report.status.map(super::Status::as_str));
    text!("level", report.level.as_deref());
    text!("nodeName", report.node_name.as_deref());
    text!("message", report.message.as_deref());
    text!("runId", report.run_id.as_deref());
    text!("case", report.case.as_deref());
    number!("iteration", report.iteration);
    text!("subExecutionId", report.sub_execution_id.as_deref());
    text!("parentNode", report.parent_node.as_deref());
    text!("traceId", report.trace_id.as_deref());
    text!("spanId", report.span_id.as_deref());
    text!("parentSpanId", report.parent_span_id.as_deref());
    text!("service", report.service.as_deref());
    text!("instance", report.instance.as_deref());
    text!("host", report.host.as_deref());
    text!("tenant", report.tenant.as_deref());
    number!("boot", report.boot);
    number!("seq", report.seq);
    payload!("input", report.input);
    payload!("output", report.output);
    payload!("data", report.data);
    payload!("exception", report.exception);
    payload!("meta", report.meta);
    payload!("attributes", report.attributes);
    if report.time_substituted {
        out.extend_from_slice(br#","timeSubstituted":true"#);
    }
    push_cuts(report, out);
    if !identity_follows(report) {
        key!("identity");
        push_string(out, &report.identity.to_string());
    }
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// Reads a stored line back. `mark` is that of the row it was in, `None` in the table of unlinked reports.
///
/// Errors: the line was not written by [`encode_stored`].
pub fn decode_stored<'a>(line: &'a [u8], mark: Option<MarkRef<'a>>) -> Result<Report<'a>, Refusal> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Refusal::new(Reason::NotUtf8, format!("invalid UTF-8: {error}")))?;
    let mut line = Line::default();
    read_form(text, Form::Stored, &mut line).map_err(|fault| *fault)?;
    let mut report = line.report;
    report.mark = mark.map(|mark| Mark {
        business_id: Cow::Borrowed(mark.business_id),
        scene_id: Cow::Borrowed(mark.scene_id),
        execution_id: Cow::Borrowed(mark.execution_id),
    });
    report.time = line.own_time;
    report.identity = match line.identity {
        Some(_) if is_plain(&report) => {
            let detail = "identity of a stored report is left out where it follows from the other fields";
            return Err(Refusal::new(Reason::WrongType, detail));
        }
        Some(identity) => identity,
        None => computed(&report),
    };
    Ok(report)
}

/// What two stored lines of one report have in common if only the times differ that were put in for one it lacks: the same
/// report came twice, at two moments.
pub fn without_substituted_time<'l>(line: &'l str, report: &Report<'_>) -> &'l str {
    if !report.time_substituted {
        return line;
    }
    // The time comes first where there is one.
    let rest =
        line.strip_prefix("{\"time\":").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.unwrap_or(line).trim_start_matches(['{', ','])
}

/// The identity as far as a stored line tells: a substituted time counts as none.
fn computed(report: &Report<'_>) -> Identity {
    let own_time = report.time.filter(|_| !report.time_substituted);
    let mut scratch = Vec::with_capacity(1024);
    Identity::of(report, own_time, &mut scratch)
}

/// Whether [`decode_stored`] can compute the identity.
fn identity_follows(report: &Report<'_>) -> bool {
    let plain = is_plain(report);
    debug_assert!(!plain || computed(report) == report.identity, "the identity of {report:?} is not its own");
    plain || computed(report) == report.identity
}

/// Whether everything the identity is the hash of is in the stored line.
fn is_plain(report: &Report<'_>) -> bool {
    report.id.is_some() || !(report.time_substituted || is_cut(report))
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
    out.extend_from_slice(br#","cut":"#);
    let mut before = b'{';
    for (name, payload) in payloads(report) {
        if let Some(length) = payload.and_then(|payload| payload.cut_from) {
            out.push(before);
            push_string(out, name);
            out.push(b':');
            push_number(out, length);
            before = b',';
        }
    }
    out.push(b'}');
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
