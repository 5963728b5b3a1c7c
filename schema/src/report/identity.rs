//! The name of a report: what is hashed, byte by byte (`docs/report-format.md`, "Identity").

use std::fmt;
use std::str::FromStr;

use super::{Identity, Mark, Payload, Report, ReportKind};
use crate::time::Timestamp;

/// Numbers of the fields in the hashed bytes. They are part of the format: never changed, never reused.
mod tag {
    pub(super) const TYPE: u8 = 1;
    pub(super) const BUSINESS_ID: u8 = 2;
    pub(super) const SCENE_ID: u8 = 3;
    pub(super) const EXECUTION_ID: u8 = 4;
    pub(super) const TRACE_ID: u8 = 5;
    pub(super) const ID: u8 = 6;
    pub(super) const NODE_NAME: u8 = 7;
    pub(super) const TIME: u8 = 8;
    pub(super) const STATUS: u8 = 9;
    pub(super) const RUN_ID: u8 = 10;
    pub(super) const CASE: u8 = 11;
    pub(super) const ITERATION: u8 = 12;
    pub(super) const SUB_EXECUTION_ID: u8 = 13;
    pub(super) const PARENT_NODE: u8 = 14;
    pub(super) const LEVEL: u8 = 15;
    pub(super) const MESSAGE: u8 = 16;
    pub(super) const SPAN_ID: u8 = 17;
    pub(super) const PARENT_SPAN_ID: u8 = 18;
    pub(super) const SERVICE: u8 = 19;
    pub(super) const INSTANCE: u8 = 20;
    pub(super) const HOST: u8 = 21;
    pub(super) const TENANT: u8 = 22;
    pub(super) const SEQ: u8 = 23;
    pub(super) const BOOT: u8 = 24;
    pub(super) const INPUT: u8 = 25;
    pub(super) const OUTPUT: u8 = 26;
    pub(super) const DATA: u8 = 27;
    pub(super) const EXCEPTION: u8 = 28;
    pub(super) const META: u8 = 29;
    pub(super) const ATTRIBUTES: u8 = 30;
}

/// Appends one field: its number, the length of its bytes (32 bits, little-endian), its bytes.
#[inline]
fn push(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    let [a, b, c, d] = (bytes.len() as u32).to_le_bytes();
    out.extend_from_slice(&[tag, a, b, c, d]);
    out.extend_from_slice(bytes);
}

#[inline]
fn push_text(out: &mut Vec<u8>, tag: u8, text: Option<&(impl AsRef<str> + ?Sized)>) {
    if let Some(text) = text {
        push(out, tag, text.as_ref().as_bytes());
    }
}

#[inline]
fn push_number(out: &mut Vec<u8>, tag: u8, number: Option<u64>) {
    if let Some(number) = number {
        push(out, tag, &number.to_le_bytes());
    }
}

#[inline]
fn push_payload(out: &mut Vec<u8>, tag: u8, payload: Option<&Payload<'_>>) {
    if let Some(payload) = payload {
        push(out, tag, payload.json.as_bytes());
    }
}

fn push_mark(out: &mut Vec<u8>, mark: &Mark<'_>) {
    push(out, tag::BUSINESS_ID, mark.business_id.as_bytes());
    push(out, tag::SCENE_ID, mark.scene_id.as_bytes());
    push(out, tag::EXECUTION_ID, mark.execution_id.as_bytes());
}

/// Appends the bytes an identity is the hash of. `own_time` is the time before substitution; the payloads must be whole.
pub fn push_identity_bytes(out: &mut Vec<u8>, report: &Report<'_>, own_time: Option<Timestamp>) {
    let kind = match report.kind {
        ReportKind::Node => "node",
        ReportKind::Log => "log",
    };
    push(out, tag::TYPE, kind.as_bytes());
    if let Some(mark) = &report.mark {
        push_mark(out, mark);
    }
    if let Some(id) = &report.id {
        if report.mark.is_none() {
            push_text(out, tag::TRACE_ID, report.trace_id.as_ref());
        }
        push(out, tag::ID, id.as_bytes());
        if report.mark.is_none() && report.trace_id.is_none() {
            push_text(out, tag::SERVICE, report.service.as_ref());
            push_text(out, tag::INSTANCE, report.instance.as_ref());
        }
        return;
    }
    push_text(out, tag::TRACE_ID, report.trace_id.as_ref());
    push_text(out, tag::NODE_NAME, report.node_name.as_ref());
    push_number(out, tag::TIME, own_time.map(|time| time.micros() as u64));
    push_text(out, tag::STATUS, report.status.map(super::Status::as_str));
    push_text(out, tag::RUN_ID, report.run_id.as_ref());
    push_text(out, tag::CASE, report.case.as_ref());
    push_number(out, tag::ITERATION, report.iteration);
    push_text(out, tag::SUB_EXECUTION_ID, report.sub_execution_id.as_ref());
    push_text(out, tag::PARENT_NODE, report.parent_node.as_ref());
    push_text(out, tag::LEVEL, report.level.as_ref());
    push_text(out, tag::MESSAGE, report.message.as_ref());
    push_text(out, tag::SPAN_ID, report.span_id.as_ref());
    push_text(out, tag::PARENT_SPAN_ID, report.parent_span_id.as_ref());
    push_text(out, tag::SERVICE, report.service.as_ref());
    push_text(out, tag::INSTANCE, report.instance.as_ref());
    push_text(out, tag::HOST, report.host.as_ref());
    push_text(out, tag::TENANT, report.tenant.as_ref());
    push_number(out, tag::SEQ, report.seq);
    push_number(out, tag::BOOT, report.boot);
    push_payload(out, tag::INPUT, report.input.as_ref());
    push_payload(out, tag::OUTPUT, report.output.as_ref());
    push_payload(out, tag::DATA, report.data.as_ref());
    push_payload(out, tag::EXCEPTION, report.exception.as_ref());
    push_payload(out, tag::META, report.meta.as_ref());
    push_payload(out, tag::ATTRIBUTES, report.attributes.as_ref());
}

impl Identity {
    /// The identity of `report`; its own `identity` is not looked at.
    ///
    /// Shape: `own_time` is the report's own time, also when absurd, and `None` when it had none; payloads must be whole.
    /// `scratch` is only there to be used again.
    pub fn of(report: &Report<'_>, own_time: Option<Timestamp>, scratch: &mut Vec<u8>) -> Identity {
        scratch.clear();
        push_identity_bytes(scratch, report, own_time);
        Identity(xxhash_rust::xxh3::xxh3_128(scratch))
    }
}

impl fmt::Display for Identity {
    /// 32 lower-case hex digits, as `xxhsum -H2` prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identity is 32 lower-case hex digits")]
pub struct BadIdentity;

impl FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Identity, BadIdentity> {
        let well_formed =
            text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(raw) if well_formed => Ok(Identity(raw)),
            _ => Err(BadIdentity),
        }
    }
}
