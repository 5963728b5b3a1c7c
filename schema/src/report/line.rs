//! Reading one JSON line, reported or stored, field by field.
//!
//! What is a matter of the format is settled here: types, limits of ids and names, type and status, unknown fields.
//! What is a matter of where the line came from is left to the callers: marks in one string, substituted times, cut
//! payloads (`linkloom_ingest::decode`), the row's mark (`super::stored`).

use std::borrow::Cow;

use super::decimal::Decimal;
use super::json::{Cursor, Fault, Kind, RawValue, push_string};
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

/// Reads a line as an application sent it. Errors: a [`Refusal`] that names the field or the byte.
pub fn read(text: &str) -> Result<Line<'_>, Refusal> {
    read_form(text, Form::Reported).map_err(|fault| *fault)
}

/// Whether `text` is one complete JSON object: a last line without a line feed is whole, not half.
pub fn is_complete_object(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut cursor = Cursor::new(text);
    cursor.skip_whitespace();
    cursor.peek() == Some(b'{') && cursor.value(0).is_ok() && cursor.end().is_ok()
}

pub(super) fn read_form(text: &str, form: Form) -> Result<Line<'_>, Fault> {
    let mut cursor = Cursor::new(text);
    cursor.skip_whitespace();
    if !cursor.eat(b'{') {
        return Err(not_an_object(cursor));
    }
    let mut reader =
        Reader { form, seen: 0, line: Line::default(), kind: None, status: None, extra: Vec::new() };
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
    match cursor.value(0).and_then(|_| cursor.end()) {
        Ok(()) => refuse(Reason::NotAnObject, format!("a report is a JSON object, found {}", found.name())),
        Err(refusal) => refusal,
    }
}

macro_rules! fields {
    ($($name:ident $key:literal)*) => {
        /// A field of the format; its number is its bit in the set of seen fields.
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Field { $($name),* }

        impl Field {
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

struct Reader<'a> {
    form: Form,
    /// One bit for each [`Field`] that has come.
    seen: u64,
    line: Line<'a>,
    kind: Option<ReportKind>,
    /// Kept as written: whether it is a status is only known with the type.
    status: Option<RawValue<'a>>,
    /// Unknown fields, in the order they came.
    extra: Vec<(Cow<'a, str>, RawValue<'a>)>,
}

impl<'a> Reader<'a> {
    /// Reads a key, its colon and its value.
    fn member(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        let key = cursor.string()?;
        cursor.colon()?;
        let key = match key.plain() {
            Some(plain) => Cow::Borrowed(plain),
            None => key.decode().ok_or_else(|| lone_surrogate("a field name"))?,
        };
        let field = Field::from_key(key.as_bytes());
        let known = field.filter(|field| match self.form {
            Form::Reported => !field.stored_only(),
            Form::Stored => !field.reported_only(),
        });
        let Some(field) = known else { return self.unknown(cursor, key) };
        let bit = 1_u64 << field as u32;
        if self.seen & bit != 0 {
            return Err(duplicate(&key));
        }
        self.seen |= bit;
        if cursor.eat_null()? {
            return Ok(());
        }
        self.known(cursor, field)
    }

    fn unknown(&mut self, cursor: &mut Cursor<'a>, key: Cow<'a, str>) -> Result<(), Fault> {
        if self.form == Form::Stored {
            let detail = format!("a stored report has no field {}", quoted(&key));
            return Err(refuse(Reason::WrongType, detail));
        }
        let value = cursor.value(1)?;
        self.extra.push((key, value));
        Ok(())
    }

    fn known(&mut self, cursor: &mut Cursor<'a>, field: Field) -> Result<(), Fault> {
        let line = &mut self.line;
        let report = &mut line.report;
        match field {
            Field::V => {
                let version = whole(cursor, "v")?;
                if version != VERSION {
                    let detail = format!("v is {version}, the supported version is {VERSION}");
                    return Err(refuse(Reason::Version, detail));
                }
            }
            Field::Type => {
                let found = text(cursor, "type")?;
                self.kind = Some(match &*found {
                    "node" => ReportKind::Node,
                    "log" => ReportKind::Log,
                    _ => {
                        let detail = format!("type is {}, allowed are node and log", quoted(&found));
                        return Err(refuse(Reason::UnknownType, detail));
                    }
                });
            }
            Field::Status => self.status = Some(cursor.value(1)?),
            Field::BusinessId => line.business_id = Some(id(cursor, "businessId")?),
            Field::SceneId => line.scene_id = Some(id(cursor, "sceneId")?),
            Field::ExecutionId => line.execution_id = Some(id(cursor, "executionId")?),
            Field::LinkMark => line.link_mark = Some(text(cursor, "linkMark")?),
            Field::Id => report.id = Some(id(cursor, "id")?),
            Field::RunId => report.run_id = Some(id(cursor, "runId")?),
            Field::SubExecutionId => report.sub_execution_id = Some(id(cursor, "subExecutionId")?),
            Field::NodeName => report.node_name = Some(checked(cursor, "nodeName", NAME_BYTES_MAX)?),
            Field::TraceId => report.trace_id = maybe(cursor, "traceId", ID_BYTES_MAX)?,
            Field::SpanId => report.span_id = maybe(cursor, "spanId", ID_BYTES_MAX)?,
            Field::ParentSpanId => report.parent_span_id = maybe(cursor, "parentSpanId", ID_BYTES_MAX)?,
            Field::ParentNode => report.parent_node = maybe(cursor, "parentNode", NAME_BYTES_MAX)?,
            Field::Level => report.level = maybe(cursor, "level", NAME_BYTES_MAX)?,
            Field::Service => report.service = maybe(cursor, "service", ID_BYTES_MAX)?,
            Field::Instance => report.instance = maybe(cursor, "instance", ID_BYTES_MAX)?,
            Field::Host => report.host = maybe(cursor, "host", ID_BYTES_MAX)?,
            Field::Tenant => report.tenant = maybe(cursor, "tenant", ID_BYTES_MAX)?,
            Field::Case => report.case = Some(case(cursor)?),
            Field::Message => {
                if cursor.peek() != Some(b'"') {
                    return Err(wrong_type(cursor, "message", "a string is"));
                }
                report.message = Some(cursor.string()?.decode_lossy());
            }
            Field::Iteration => report.iteration = Some(whole(cursor, "iteration")?),
            Field::Seq => report.seq = Some(whole(cursor, "seq")?),
            Field::Boot => report.boot = Some(whole(cursor, "boot")?),
            Field::Input => report.input = Some(payload(cursor.value(1)?)),
            Field::Output => report.output = Some(payload(cursor.value(1)?)),
            Field::Data => report.data = Some(payload(cursor.value(1)?)),
            Field::Exception => {
                if !matches!(cursor.kind()?, Kind::Object | Kind::String) {
                    return Err(wrong_type(cursor, "exception", "an object and a string are"));
                }
                report.exception = Some(payload(cursor.value(1)?));
            }
            Field::Meta => report.meta = Some(object(cursor, self.form, "meta")?),
            Field::Attributes if self.form == Form::Stored => {
                report.attributes = Some(object(cursor, self.form, "attributes")?);
            }
            Field::Attributes => self.attributes(cursor)?,
            Field::Time if self.form == Form::Stored => {
                let micros = whole(cursor, "time")?;
                line.own_time = Some(Timestamp(i64::try_from(micros).unwrap_or(i64::MAX)));
            }
            Field::Time => line.own_time = Some(time(cursor)?),
            Field::Identity => line.identity = Some(identity(cursor)?),
            Field::TimeSubstituted => {
                if cursor.value(1)?.compact() != "true" {
                    let detail = "timeSubstituted of a stored report is true or left out";
                    return Err(refuse(Reason::WrongType, detail));
                }
                report.time_substituted = true;
            }
            Field::Cut => self.cut(cursor)?,
        }
        Ok(())
    }

    /// `attributes` as reported: its members join the unknown fields.
    fn attributes(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        if !cursor.eat(b'{') {
            return Err(wrong_type(cursor, "attributes", "an object is"));
        }
        cursor.skip_whitespace();
        if cursor.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = cursor.string()?;
            cursor.colon()?;
            let key = key.decode().ok_or_else(|| lone_surrogate("a field name"))?;
            let value = cursor.value(2)?;
            self.extra.push((key, value));
            if !cursor.next_member()? {
                return Ok(());
            }
        }
    }

    /// `cut` of a stored line: the full lengths of the payloads that were cut.
    fn cut(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        if !cursor.eat(b'{') {
            return Err(wrong_type(cursor, "cut", "an object is"));
        }
        loop {
            let key = cursor.string()?;
            cursor.colon()?;
            let length = whole(cursor, "cut")?;
            let report = &mut self.line.report;
            let payload = match key.plain().unwrap_or_default() {
                "input" => &mut report.input,
                "output" => &mut report.output,
                "data" => &mut report.data,
                "exception" => &mut report.exception,
                "meta" => &mut report.meta,
                "attributes" => &mut report.attributes,
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
    fn finish(mut self) -> Result<Line<'a>, Fault> {
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
        Ok(self.line)
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

fn payload(value: RawValue<'_>) -> Payload<'_> {
    Payload { json: value.compact(), cut_from: None }
}

/// A payload that is an object; in stored lines also the string it was cut to.
fn object<'a>(cursor: &mut Cursor<'a>, form: Form, field: &'static str) -> Result<Payload<'a>, Fault> {
    let found = cursor.kind()?;
    if found != Kind::Object && !(form == Form::Stored && found == Kind::String) {
        return Err(wrong_type(cursor, field, "an object is"));
    }
    Ok(payload(cursor.value(1)?))
}

/// A string that UTF-8 can hold.
#[inline]
fn text<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Cow<'a, str>, Fault> {
    if cursor.peek() != Some(b'"') {
        return Err(wrong_type(cursor, field, "a string is"));
    }
    cursor.string()?.decode().ok_or_else(|| lone_surrogate(field))
}

/// An id or a name: 1 to `max` bytes.
#[inline]
fn checked<'a>(cursor: &mut Cursor<'a>, field: &'static str, max: usize) -> Result<Cow<'a, str>, Fault> {
    let found = text(cursor, field)?;
    match check_id(field, &found, max) {
        Ok(()) => Ok(found),
        Err(bad) => Err(bad_id(bad)),
    }
}

#[inline]
fn id<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Cow<'a, str>, Fault> {
    checked(cursor, field, ID_BYTES_MAX)
}

/// Like [`checked`], but loggers and tracers write `""` where they mean none.
#[inline]
fn maybe<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    max: usize,
) -> Result<Option<Cow<'a, str>>, Fault> {
    let found = text(cursor, field)?;
    if found.is_empty() {
        return Ok(None);
    }
    match check_id(field, &found, max) {
        Ok(()) => Ok(Some(found)),
        Err(bad) => Err(bad_id(bad)),
    }
}

/// A decision's outcome: may be empty, as a case of the definition may be.
fn case<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Fault> {
    Ok(maybe(cursor, "case", ID_BYTES_MAX)?.unwrap_or_default())
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
fn bad_id(bad: BadId) -> Fault {
    Box::new(bad.into())
}

#[cold]
fn refuse(reason: Reason, detail: impl Into<String>) -> Fault {
    Box::new(Refusal::new(reason, detail))
}

/// A whole number from 0.
fn whole(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u64, Fault> {
    const ALLOWED: &str = "a whole number from 0 to 18446744073709551615 is";
    if let Some(value) = cursor.short_integer() {
        return Ok(value);
    }
    if cursor.kind()? != Kind::Number {
        return Err(wrong_type(cursor, field, ALLOWED));
    }
    let found = cursor.number()?;
    Decimal::parse(found)
        .and_then(Decimal::to_u64)
        .ok_or_else(|| refuse(Reason::WrongType, format!("{field} is {}, {ALLOWED} allowed", quoted(found))))
}

fn time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
    if let Some(number) = cursor.short_integer() {
        return Ok(Timestamp::from_integer(number as i64));
    }
    let found = match cursor.kind()? {
        Kind::Number => Cow::Borrowed(cursor.number()?),
        Kind::String => cursor.string()?.decode_lossy(),
        _ => return Err(wrong_type(cursor, "time", "a string and a number are")),
    };
    Timestamp::parse(&found).map_err(|bad| refuse(Reason::Time, format!("time: {bad}")))
}

fn identity(cursor: &mut Cursor<'_>) -> Result<Identity, Fault> {
    let found = text(cursor, "identity")?;
    found.parse().map_err(|bad| refuse(Reason::WrongType, format!("identity: {bad}")))
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
        return wrong_type(&mut cursor, "status", "a string is");
    }
    let text = cursor.string().ok().map(super::json::RawString::decode_lossy).unwrap_or_default();
    let allowed = "allowed are RUNNING, COMPLETED, FAILED and SKIPPED";
    refuse(Reason::UnknownStatus, format!("status is {}, {allowed}", quoted(&text)))
}

#[cold]
fn wrong_type(cursor: &mut Cursor<'_>, field: &'static str, allowed: &str) -> Fault {
    match cursor.kind().and_then(|kind| Ok((kind, cursor.value(1)?))) {
        Ok((kind, value)) => {
            let found = match kind {
                Kind::Number | Kind::Bool => format!("{} ({})", kind.name(), value.compact()),
                _ => kind.name().to_owned(),
            };
            refuse(Reason::WrongType, format!("{field} is {found}, {allowed} allowed"))
        }
        Err(malformed) => malformed,
    }
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
