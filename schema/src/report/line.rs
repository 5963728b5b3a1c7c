//! Reading one JSON line, reported or stored, field by field.
//!
//! What is a matter of the format is settled here: types, limits of ids and names, type and status, unknown fields.
//! What is a matter of where the line came from is left to the callers: marks in one string, substituted times, cut
//! payloads (`linkloom_ingest::decode`), the row's mark (`super::stored`).

use std::borrow::Cow;

use super::decimal::Decimal;
use super::json::{Cursor, Fault, Kind, RawString, RawValue};
use super::json_text::push_string;
use super::refusal::{Reason, Refusal, quoted};
use super::{Identity, Payload, Report, ReportKind, Status};
use crate::ids::{BadId, ID_BYTES_MAX, NAME_BYTES_MAX, check_id};
use crate::time::Timestamp;

/// The version of the report format this build reads and the only one there is.
pub const VERSION: u64 = 1;

/// What one line says, before its source has had its word.
///
/// `report` lacks its mark, identity and time, and its payloads are whole.
#[derive(Clone, Debug, Default)]
pub struct Line<'a> {
    /// Everything else.
    pub report: Report<'a>,
    /// `businessId`.
    pub business_id: Option<Cow<'a, str>>,
    /// `sceneId`.
    pub scene_id: Option<Cow<'a, str>>,
    /// `executionId`.
    pub execution_id: Option<Cow<'a, str>>,
    /// `linkMark`: the three ids in one string, not cut yet.
    pub link_mark: Option<Cow<'a, str>>,
    /// The report's own time, also when it is absurd.
    pub own_time: Option<Timestamp>,
    /// Stored lines only: the identity that cannot be computed from them.
    pub(super) identity: Option<Identity>,
}

/// Which fields a line may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As applications send it; unknown fields become attributes.
    Reported,
    /// As [`super::encode_stored`] writes it; there are no unknown fields.
    Stored,
}

/// Reads a line as an application sent it into a fresh `line`.
///
/// Errors: a [`Refusal`] that names the field or the byte; `line` is then of no use.
pub fn read<'a>(text: &'a str, line: &mut Line<'a>) -> Result<(), Refusal> {
    read_form(text, Form::Reported, line).map_err(|fault| *fault)
}

/// Whether `text` is one complete JSON object: a last line without a line feed is whole, not half.
pub fn is_complete_object(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut cursor = Cursor::new(text);
    cursor.skip_whitespace();
    cursor.peek() == Some(b'{') && cursor.value(0).is_ok() && cursor.end().is_ok()
}

pub(super) fn read_form<'a>(text: &'a str, form: Form, line: &mut Line<'a>) -> Result<(), Fault> {
    let mut cursor = Cursor::new(text);
    cursor.skip_whitespace();
    if !cursor.eat(b'{') {
        return Err(not_an_object(cursor));
    }
    let mut reader = Reader { form, seen: 0, line, kind: None, status: None, extra: Vec::new() };
    cursor.skip_whitespace();
    if !cursor.eat(b'}') {
        loop {
            reader.member(&mut cursor)?;
            if !cursor.next_member()? {
                break;
            }
        }
    }
    cursor.end()?;
    reader.finish()
}

#[cold]
fn not_an_object(mut cursor: Cursor<'_>) -> Fault {
    let found = match cursor.kind() {
        Ok(kind) => kind,
        Err(_) => return cursor.malformed("'{'"),
    };
    // A line of a plain log begins like a number or a word of JSON at most by chance: what is wrong is its beginning.
    let by_chance = matches!(found, Kind::Null | Kind::Bool | Kind::Number).then(|| cursor.malformed("'{'"));
    match cursor.value(0).and_then(|_| cursor.end()) {
        Ok(()) => refuse(Reason::NotAnObject, format!("a report is a JSON object, found {}", found.name())),
        Err(refusal) => by_chance.unwrap_or(refusal),
    }
}

macro_rules! fields {
    ($($name:ident $key:literal)*) => {
        /// A field of the format; its number is its bit in the set of seen fields.
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Field { $($name),* }

        impl Field {
            fn name(self) -> &'static str {
                match self { $(Field::$name => str::from_utf8($key).unwrap_or_default(),)* }
            }

            #[inline]
            fn from_key(key: &[u8]) -> Option<Field> {
                // A decision tree over the length and then the bytes.
                match key { $($key => Some(Field::$name),)* _ => None }
            }
        }
    };
}

fields! {
    V b"v" Type b"type" BusinessId b"businessId" SceneId b"sceneId" ExecutionId b"executionId" LinkMark b"linkMark"
    TraceId b"traceId" Id b"id" NodeName b"nodeName" Time b"time" Status b"status" RunId b"runId" Case b"case"
    Iteration b"iteration" SubExecutionId b"subExecutionId" ParentNode b"parentNode" Level b"level"
    Message b"message" SpanId b"spanId" ParentSpanId b"parentSpanId" Service b"service" Instance b"instance"
    Host b"host" Tenant b"tenant" Seq b"seq" Boot b"boot" Input b"input" Output b"output" Data b"data"
    Exception b"exception" Meta b"meta" Attributes b"attributes"
    Identity b"identity" TimeSubstituted b"timeSubstituted" Cut b"cut"
}

impl Field {
    fn stored_only(self) -> bool {
        matches!(self, Field::Identity | Field::TimeSubstituted | Field::Cut)
    }

    fn reported_only(self) -> bool {
        use Field::{BusinessId, ExecutionId, LinkMark, SceneId, Type, V};
        matches!(self, V | Type | BusinessId | SceneId | ExecutionId | LinkMark)
    }
}

struct Reader<'a, 'l> {
    form: Form,
    /// One bit for each [`Field`] that has come.
    seen: u64,
    line: &'l mut Line<'a>,
    kind: Option<ReportKind>,
    /// Kept as written: whether it is a status is only known with the type.
    status: Option<RawValue<'a>>,
    /// Unknown fields, in the order they came.
    extra: Vec<(Cow<'a, str>, RawValue<'a>)>,
}

impl<'a> Reader<'a, '_> {
    /// Reads a key, its colon and its value.
    #[inline(always)]
    fn member(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        let key = cursor.string()?;
        cursor.colon()?;
        let field = match key.plain() {
            Some(plain) => Field::from_key(plain),
            None => Field::from_key(decode_key(key)?.as_bytes()),
        };
        let known = field.filter(|field| match self.form {
            Form::Reported => !field.stored_only(),
            Form::Stored => !field.reported_only(),
        });
        let Some(field) = known else { return self.unknown(cursor, key) };
        let bit = 1_u64 << field as u32;
        if self.seen & bit != 0 {
            return Err(duplicate(&decode_key(key)?));
        }
        self.seen |= bit;
        match cursor.peek() {
            Some(b'"') => {
                let value = cursor.string()?;
                self.text(field, value)
            }
            Some(b'n') => cursor.null(),
            _ => self.other(cursor, field),
        }
    }

    #[inline(never)]
    fn unknown(&mut self, cursor: &mut Cursor<'a>, key: RawString<'a>) -> Result<(), Fault> {
        let key = decode_key(key)?;
        if self.form == Form::Stored {
            let detail = format!("a stored report has no field {}", quoted(&key));
            return Err(refuse(Reason::WrongType, detail));
        }
        let value = cursor.value(1)?;
        self.extra.push((key, value));
        Ok(())
    }

    /// A known field whose value is a string.
    #[inline(always)]
    fn text(&mut self, field: Field, value: RawString<'a>) -> Result<(), Fault> {
        use Empty::{Absent, Kept, Refused};
        const ID: usize = ID_BYTES_MAX;
        const NAME: usize = NAME_BYTES_MAX;
        let stored = self.form == Form::Stored;
        let line = &mut *self.line;
        let report = &mut line.report;
        let (slot, name, max, empty) = match field {
            Field::BusinessId => (&mut line.business_id, "businessId", ID, Refused),
            Field::SceneId => (&mut line.scene_id, "sceneId", ID, Refused),
            Field::ExecutionId => (&mut line.execution_id, "executionId", ID, Refused),
            Field::LinkMark => (&mut line.link_mark, "linkMark", usize::MAX, Absent),
            Field::Id => (&mut report.id, "id", ID, Refused),
            Field::NodeName => (&mut report.node_name, "nodeName", NAME, Refused),
            Field::RunId => (&mut report.run_id, "runId", ID, Refused),
            Field::SubExecutionId => (&mut report.sub_execution_id, "subExecutionId", ID, Refused),
            Field::Case => (&mut report.case, "case", ID, Kept),
            // Loggers and tracers write "" where they mean none.
            Field::ParentNode => (&mut report.parent_node, "parentNode", NAME, Absent),
            Field::Level => (&mut report.level, "level", NAME, Absent),
            Field::TraceId => (&mut report.trace_id, "traceId", ID, Absent),
            Field::SpanId => (&mut report.span_id, "spanId", ID, Absent),
            Field::ParentSpanId => (&mut report.parent_span_id, "parentSpanId", ID, Absent),
            Field::Service => (&mut report.service, "service", ID, Absent),
            Field::Instance => (&mut report.instance, "instance", ID, Absent),
            Field::Host => (&mut report.host, "host", ID, Absent),
            Field::Tenant => (&mut report.tenant, "tenant", ID, Absent),
            Field::Message => {
                report.message = Some(value.decode_lossy());
                return Ok(());
            }
            Field::Type => return self.kind(value),
            Field::Status => {
                self.status = Some(value.value());
                return Ok(());
            }
            Field::Input => return set(&mut report.input, value.value()),
            Field::Output => return set(&mut report.output, value.value()),
            Field::Data => return set(&mut report.data, value.value()),
            Field::Exception => return set(&mut report.exception, value.value()),
            // What a payload was cut to.
            Field::Meta if stored => return set(&mut report.meta, value.value()),
            Field::Attributes if stored => return set(&mut report.attributes, value.value()),
            Field::Time if !stored => {
                let time = Timestamp::parse(&value.decode_lossy());
                line.own_time = Some(time.map_err(|bad| refuse(Reason::Time, format!("time: {bad}")))?);
                return Ok(());
            }
            Field::Identity => {
                let identity = value.decode_lossy().parse();
                line.identity =
                    Some(identity.map_err(|bad| refuse(Reason::WrongType, format!("identity: {bad}")))?);
                return Ok(());
            }
            Field::Meta | Field::Attributes | Field::Cut => return Err(no_string(field, "an object is")),
            Field::TimeSubstituted => return Err(no_string(field, "true is")),
            Field::V | Field::Iteration | Field::Seq | Field::Boot | Field::Time => {
                return Err(no_string(field, WHOLE));
            }
        };
        let Some(text) = value.decode() else { return Err(lone_surrogate(name)) };
        if text.len().wrapping_sub(1) >= max {
            match empty {
                Absent if text.is_empty() => return Ok(()),
                Kept if text.is_empty() => {}
                _ => return check_id(name, &text, max).map_err(|bad| Box::new(bad.into())),
            }
        }
        *slot = Some(text);
        Ok(())
    }

    /// A known field whose value is no string and not null.
    fn other(&mut self, cursor: &mut Cursor<'a>, field: Field) -> Result<(), Fault> {
        let stored = self.form == Form::Stored;
        let line = &mut *self.line;
        let report = &mut line.report;
        let object = cursor.peek() == Some(b'{');
        match field {
            Field::Time if stored => {
                let micros = whole(cursor, field)?;
                line.own_time = Some(Timestamp(i64::try_from(micros).unwrap_or(i64::MAX)));
            }
            Field::Time => line.own_time = Some(time(cursor)?),
            Field::Input => return set(&mut report.input, cursor.value(1)?),
            Field::Output => return set(&mut report.output, cursor.value(1)?),
            Field::Data => return set(&mut report.data, cursor.value(1)?),
            Field::Exception if object => return set(&mut report.exception, cursor.value(1)?),
            Field::Meta if object => return set(&mut report.meta, cursor.value(1)?),
            Field::Attributes if object && stored => return set(&mut report.attributes, cursor.value(1)?),
            Field::Attributes if object => return self.attributes(cursor),
            Field::Cut if object => return self.cut(cursor),
            Field::Status => self.status = Some(cursor.value(1)?),
            Field::Iteration => report.iteration = Some(whole(cursor, field)?),
            Field::Seq => report.seq = Some(whole(cursor, field)?),
            Field::Boot => report.boot = Some(whole(cursor, field)?),
            Field::V => {
                let version = whole(cursor, field)?;
                if version != VERSION {
                    let detail = format!("v is {version}, the supported version is {VERSION}");
                    return Err(refuse(Reason::Version, detail));
                }
            }
            Field::TimeSubstituted => {
                if cursor.value(1)?.compact() != "true" {
                    let detail = "timeSubstituted of a stored report is true or left out";
                    return Err(refuse(Reason::WrongType, detail));
                }
                report.time_substituted = true;
            }
            Field::Exception => return Err(wrong_type(cursor, field, "an object and a string are")),
            Field::Meta | Field::Attributes | Field::Cut => {
                return Err(wrong_type(cursor, field, "an object is"));
            }
            _ => return Err(wrong_type(cursor, field, "a string is")),
        }
        Ok(())
    }

    fn kind(&mut self, found: RawString<'a>) -> Result<(), Fault> {
        self.kind = Some(match found.plain() {
            Some(b"node") => ReportKind::Node,
            Some(b"log") => ReportKind::Log,
            _ => match &*found.decode_lossy() {
                "node" => ReportKind::Node,
                "log" => ReportKind::Log,
                other => {
                    let detail = format!("type is {}, allowed are node and log", quoted(other));
                    return Err(refuse(Reason::UnknownType, detail));
                }
            },
        });
        Ok(())
    }

    /// `attributes` as reported: its members join the unknown fields.
    fn attributes(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        cursor.eat(b'{');
        cursor.skip_whitespace();
        if cursor.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = cursor.string()?;
            cursor.colon()?;
            let value = cursor.value(2)?;
            self.extra.push((decode_key(key)?, value));
            if !cursor.next_member()? {
                return Ok(());
            }
        }
    }

    /// `cut` of a stored line: the full lengths of the payloads that were cut.
    fn cut(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        cursor.eat(b'{');
        loop {
            let key = cursor.string()?;
            cursor.colon()?;
            let length = whole(cursor, Field::Cut)?;
            let report = &mut self.line.report;
            let payload = match key.plain().unwrap_or_default() {
                b"input" => &mut report.input,
                b"output" => &mut report.output,
                b"data" => &mut report.data,
                b"exception" => &mut report.exception,
                b"meta" => &mut report.meta,
                b"attributes" => &mut report.attributes,
                _ => &mut None,
            };
            match payload {
                Some(payload) => payload.cut_from = Some(length),
                None => {
                    let detail = "cut names something that is no payload before it";
                    return Err(refuse(Reason::WrongType, detail));
                }
            }
            if !cursor.next_member()? {
                return Ok(());
            }
        }
    }

    /// Settles what depends on several fields: type, status, required fields, attributes.
    fn finish(mut self) -> Result<(), Fault> {
        let status = self.status.filter(|status| !status.is_null());
        let kind = self.kind.unwrap_or(if status.is_some() { ReportKind::Node } else { ReportKind::Log });
        self.line.report.kind = kind;
        match (kind, status) {
            (ReportKind::Node, None) => {
                return Err(missing("status", "RUNNING, COMPLETED, FAILED or SKIPPED"));
            }
            (ReportKind::Node, Some(found)) => self.line.report.status = Some(read_status(found)?),
            (ReportKind::Log, None) => {}
            // A log with a status of its own, e.g. of a HTTP call.
            (ReportKind::Log, Some(found)) => self.extra.push((Cow::Borrowed("status"), found)),
        }
        if kind == ReportKind::Node && self.line.report.node_name.is_none() {
            return Err(missing("nodeName", "the name of the node"));
        }
        if !self.extra.is_empty() {
            self.line.report.attributes = join_attributes(self.extra)?;
        }
        Ok(())
    }
}

/// The unknown fields as one object, keys sorted, nulls left out.
fn join_attributes<'a>(mut extra: Vec<(Cow<'a, str>, RawValue<'a>)>) -> Result<Option<Payload<'a>>, Fault> {
    extra.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = extra.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(duplicate(&pair[0].0));
    }
    let mut json = Vec::new();
    for (key, value) in extra {
        if value.is_null() {
            continue;
        }
        json.push(if json.is_empty() { b'{' } else { b',' });
        push_string(&mut json, &key);
        json.push(b':');
        json.extend_from_slice(value.compact().as_bytes());
    }
    if json.is_empty() {
        return Ok(None);
    }
    json.push(b'}');
    let json = String::from_utf8(json).expect("keys and values are UTF-8");
    Ok(Some(Payload { json: Cow::Owned(json), cut_from: None }))
}

/// What becomes of an empty text.
enum Empty {
    Refused,
    Absent,
    Kept,
}

fn set<'a>(slot: &mut Option<Payload<'a>>, value: RawValue<'a>) -> Result<(), Fault> {
    *slot = Some(Payload { json: value.compact(), cut_from: None });
    Ok(())
}

#[inline]
fn decode_key(key: RawString<'_>) -> Result<Cow<'_, str>, Fault> {
    key.decode().ok_or_else(|| lone_surrogate("a field name"))
}

impl From<BadId> for Refusal {
    #[cold]
    fn from(bad: BadId) -> Refusal {
        let reason = match bad {
            BadId::Empty { .. } => Reason::EmptyId,
            BadId::TooLong { .. } => Reason::IdTooLong,
        };
        Refusal::new(reason, bad.to_string())
    }
}

#[cold]
fn refuse(reason: Reason, detail: impl Into<String>) -> Fault {
    Box::new(Refusal::new(reason, detail))
}

const WHOLE: &str = "a whole number from 0 to 18446744073709551615 is";

/// A whole number from 0.
#[inline]
fn whole(cursor: &mut Cursor<'_>, field: Field) -> Result<u64, Fault> {
    match cursor.short_integer() {
        Some(value) => Ok(value),
        None => other_number(cursor, field),
    }
}

#[cold]
fn other_number(cursor: &mut Cursor<'_>, field: Field) -> Result<u64, Fault> {
    if cursor.kind()? != Kind::Number {
        return Err(wrong_type(cursor, field, WHOLE));
    }
    let found = cursor.number()?;
    Decimal::parse(found).and_then(Decimal::to_u64).ok_or_else(|| {
        let name = field.name();
        refuse(Reason::WrongType, format!("{name} is {}, {WHOLE} allowed", quoted(found)))
    })
}

#[inline]
fn time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
    if let Some(number) = cursor.short_integer() {
        return Ok(Timestamp::from_integer(number as i64));
    }
    if cursor.kind()? != Kind::Number {
        return Err(wrong_type(cursor, Field::Time, "a string and a number are"));
    }
    Timestamp::parse(cursor.number()?).map_err(|bad| refuse(Reason::Time, format!("time: {bad}")))
}

fn read_status(found: RawValue<'_>) -> Result<Status, Fault> {
    let found = found.compact();
    Ok(match &*found {
        r#""RUNNING""# => Status::Running,
        r#""COMPLETED""# => Status::Completed,
        r#""FAILED""# => Status::Failed,
        r#""SKIPPED""# => Status::Skipped,
        _ => return Err(bad_status(&found)),
    })
}

#[cold]
fn bad_status(found: &str) -> Fault {
    let mut cursor = Cursor::new(found);
    if !found.starts_with('"') {
        return wrong_type(&mut cursor, Field::Status, "a string is");
    }
    let text = cursor.string().ok().map(RawString::decode_lossy).unwrap_or_default();
    let allowed = "allowed are RUNNING, COMPLETED, FAILED and SKIPPED";
    refuse(Reason::UnknownStatus, format!("status is {}, {allowed}", quoted(&text)))
}

#[cold]
fn wrong_type(cursor: &mut Cursor<'_>, field: Field, allowed: &str) -> Fault {
    match cursor.kind().and_then(|kind| Ok((kind, cursor.value(1)?))) {
        Ok((kind, value)) => {
            let found = match kind {
                Kind::Number | Kind::Bool => format!("{} ({})", kind.name(), value.compact()),
                _ => kind.name().to_owned(),
            };
            refuse(Reason::WrongType, format!("{} is {found}, {allowed} allowed", field.name()))
        }
        Err(malformed) => malformed,
    }
}

#[cold]
fn no_string(field: Field, allowed: &str) -> Fault {
    refuse(Reason::WrongType, format!("{} is a string, {allowed} allowed", field.name()))
}

#[cold]
fn duplicate(key: &str) -> Fault {
    refuse(Reason::Duplicate, format!("field {} is given twice", quoted(key)))
}

#[cold]
fn missing(field: &str, what: &str) -> Fault {
    refuse(Reason::Missing, format!("a node report has no {field}; it needs {what}"))
}

#[cold]
fn lone_surrogate(what: &str) -> Fault {
    let detail =
        format!("{what} holds half a surrogate pair (\\ud800 to \\udfff alone), which is no character");
    refuse(Reason::Malformed, detail)
}
