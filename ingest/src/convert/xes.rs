//! XES event logs (IEEE 1849): traces of events with typed, nested attributes, read as a stream.

use std::collections::HashSet;
use std::io::BufRead;

use linkloom_schema::ids::{ID_BYTES_MAX, MarkRef, NAME_BYTES_MAX};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::ConvertError;
use super::guard::{Guarded, Meter};
use super::lifecycle::{Activity, Lifecycles, Transition};
use super::notes::NoteKind;
use super::sink::{Object, Sink, fold, push_json_string};
use super::table::{self, TableMapping};
use super::time_text::TimeReader;

/// Deepest nesting of elements.
const DEPTH_MAX: usize = 64;
/// Most bytes of attributes kept for one trace or one event; further attributes are left out.
const ATTRIBUTES_BYTES_MAX: usize = 1 << 20;

/// Converts an event log read from `input`.
pub(super) fn convert(
    input: impl BufRead,
    mapping: &TableMapping,
    sink: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let meter = Meter::default();
    let mut reader = Reader::from_reader(Guarded { inner: input, meter: meter.clone() });
    let mut log = Log::new(mapping, sink);
    let mut buf = Vec::new();
    let mut seen_root = false;
    loop {
        buf.clear();
        meter.reset();
        let at = reader.buffer_position();
        let place = || format!("byte {at}");
        let event = match reader.read_event_into(&mut buf) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(source)) if source.kind() != std::io::ErrorKind::InvalidData => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                return Err(ConvertError::Read { input: sink.input.clone(), source });
            }
            Err(error) => {
                return Err(sink.malformed(format!("byte {}", reader.error_position()), error.to_string()));
            }
        };
        match event {
            Event::Start(element) => {
                seen_root = true;
                log.open(&element, at, sink)?;
            }
            Event::Empty(element) => {
                seen_root = true;
                log.open(&element, at, sink)?;
                log.close(at, sink)?;
            }
            Event::End(_) => log.close(at, sink)?,
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                sink.note(NoteKind::FieldDropped, "text between elements", place);
            }
            Event::CData(_) | Event::GeneralRef(_) => {
                sink.note(NoteKind::FieldDropped, "text between elements", place);
            }
            Event::Eof if !seen_root || !log.stack.is_empty() => {
                let why = "the file ends before </log>: not a whole XES event log";
                return Err(sink.malformed(place(), why));
            }
            Event::Eof => return Ok(()),
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `string`, `date`, `id`.
    Text,
    /// `int`, `float`.
    Number,
    Boolean,
    /// `list` and `container`: ordered children, keys may repeat.
    List,
    /// `values`, which wraps the children of a list.
    Values,
}

/// One attribute with those nested in it.
struct Attribute {
    key: String,
    kind: Kind,
    value: String,
    children: Vec<Attribute>,
}

/// What an open element is.
enum Frame {
    Log,
    Trace,
    Event,
    Attribute(Attribute),
    /// Of no interest, with all that is in it.
    Skipped,
}

/// Attributes of the open trace or event, within [`ATTRIBUTES_BYTES_MAX`].
#[derive(Default)]
struct Attributes {
    list: Vec<Attribute>,
}

impl Attributes {
    fn value(&self, key: &str) -> Option<&str> {
        self.list.iter().find(|attribute| attribute.key == key).map(|attribute| attribute.value.as_str())
    }
}

struct Log<'m> {
    mapping: &'m TableMapping,
    scene: String,
    times: TimeReader,
    lifecycles: Lifecycles,
    stack: Vec<Frame>,
    trace: Attributes,
    event: Attributes,
    /// Bytes of attributes kept for the open trace and for the open event.
    trace_bytes: usize,
    event_bytes: usize,
    traces: u64,
    events: u64,
    /// Events of the open trace.
    events_in_trace: u64,
    /// The trace's attributes go on its first report.
    meta_written: bool,
}

impl<'m> Log<'m> {
    fn new(mapping: &'m TableMapping, sink: &mut Sink<'_>) -> Self {
        let scene = table::scene(&sink.input, mapping);
        Self {
            mapping,
            scene: sink.fit(&scene, ID_BYTES_MAX, "scene id", || "the input".to_owned()),
            times: TimeReader::new(mapping.time_format.as_deref(), mapping.utc_offset_secs),
            lifecycles: Lifecycles::default(),
            stack: Vec::new(),
            trace: Attributes::default(),
            event: Attributes::default(),
            trace_bytes: 0,
            event_bytes: 0,
            traces: 0,
            events: 0,
            events_in_trace: 0,
            meta_written: false,
        }
    }

    fn open(&mut self, element: &BytesStart<'_>, at: u64, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
        let place = || format!("byte {at}");
        if self.stack.len() >= DEPTH_MAX {
            return Err(sink.malformed(place(), format!("elements nest deeper than {DEPTH_MAX}")));
        }
        let local = element.local_name();
        let name = local.into_inner();
        let frame = match (self.stack.last(), name) {
            (None, "log") => Frame::Log,
            (None, _) => {
                let why = format!("the outermost element is <{name}>, an XES event log begins with <log>");
                return Err(sink.malformed(place(), why));
            }
            (Some(Frame::Log), "trace") => {
                self.traces += 1;
                self.events_in_trace = 0;
                self.meta_written = false;
                self.trace.list.clear();
                self.trace_bytes = 0;
                Frame::Trace
            }
            (Some(Frame::Trace), "event") => {
                self.event.list.clear();
                self.event_bytes = 0;
                Frame::Event
            }
            (Some(Frame::Skipped), _) => Frame::Skipped,
            (Some(_), name) => match kind(name) {
                Some(kind) => Frame::Attribute(attribute(element, kind, at, sink)),
                None => {
                    sink.note(NoteKind::FieldDropped, &format!("element <{name}>"), place);
                    Frame::Skipped
                }
            },
        };
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self, at: u64, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
        match self.stack.pop() {
            Some(Frame::Attribute(attribute)) => {
                self.keep(attribute, at, sink);
                Ok(())
            }
            Some(Frame::Event) => self.end_event(at, sink),
            Some(Frame::Trace) => {
                if self.events_in_trace == 0 {
                    sink.note(
                        NoteKind::FieldDropped,
                        "a trace without events: there is nothing to report",
                        || format!("byte {at}"),
                    );
                }
                let traces = self.traces;
                self.lifecycles.close(sink, || format!("the end of trace {traces}"));
                Ok(())
            }
            Some(Frame::Log | Frame::Skipped) | None => Ok(()),
        }
    }

    /// Puts a closed attribute where it belongs.
    fn keep(&mut self, attribute: Attribute, at: u64, sink: &mut Sink<'_>) {
        let bytes = attribute.key.len() + attribute.value.len() + 16;
        let in_event = self.stack.iter().any(|frame| matches!(frame, Frame::Event));
        let total = if in_event { &mut self.event_bytes } else { &mut self.trace_bytes };
        if *total + bytes > ATTRIBUTES_BYTES_MAX {
            sink.note(NoteKind::Limit, "attributes beyond 1 MiB of a trace or event are left out", || {
                format!("byte {at}")
            });
            return;
        }
        *total += bytes;
        match self.stack.last_mut() {
            Some(Frame::Attribute(list)) if attribute.kind == Kind::Values => {
                list.children.extend(attribute.children)
            }
            Some(Frame::Attribute(parent)) => parent.children.push(attribute),
            Some(Frame::Event) => self.event.list.push(attribute),
            Some(Frame::Trace) => {
                if self.events_in_trace > 0 {
                    sink.note(NoteKind::FieldDropped, "a trace's attribute after its first event", || {
                        format!("byte {at}")
                    });
                } else {
                    self.trace.list.push(attribute);
                }
            }
            // Attributes of the log itself say nothing of an execution.
            _ => {
                self.trace_bytes = 0;
                sink.note(
                    NoteKind::FieldDropped,
                    &format!("attribute {:?} of the log", attribute.key),
                    || format!("byte {at}"),
                );
            }
        }
    }

    fn end_event(&mut self, at: u64, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
        let place = || format!("byte {at}");
        self.events += 1;
        self.events_in_trace += 1;
        sink.counts.records += 1;
        let names = Names::of(self.mapping, &self.event);
        let node = self.event.value(names.activity).unwrap_or("").trim();
        if node.is_empty() {
            sink.refuse(&format!("an event without a value for {:?}", names.activity), place);
            return Ok(());
        }
        let node = sink.fit(node, NAME_BYTES_MAX, "activity", place);
        let case = match self.id(names.case) {
            Some(case) => sink.fit(case, ID_BYTES_MAX, "case", place),
            None => {
                sink.note(NoteKind::Guessed, "a trace without a name is called by its number", place);
                format!("trace-{}", self.traces)
            }
        };
        let mut other = |name: Option<&str>, what: &str| match name.map(|name| self.id(name)) {
            None => Some(case.clone()),
            Some(Some(id)) => Some(sink.fit(id, ID_BYTES_MAX, what, place)),
            Some(None) => None,
        };
        let business = other(self.mapping.business.as_deref(), "business id");
        let execution = other(self.mapping.execution.as_deref(), "execution id");
        let (Some(business), Some(execution)) = (business, execution) else {
            sink.refuse("an event without a business id or execution id", place);
            return Ok(());
        };
        let value = |key: &str| self.event.value(key).unwrap_or("");
        let mut time_of = |key: &str| {
            let text = value(key);
            let time = self.times.read(text);
            if time.is_none() && !text.is_empty() {
                sink.note(NoteKind::Unreadable, &format!("a time in attribute {key:?}"), place);
            }
            time
        };
        let (start, time) = (names.start.and_then(&mut time_of), time_of(names.time));
        let lifecycle = value(names.lifecycle);
        let mut parts = Parts::default();
        let opens = start.is_some() || Transition::of(lifecycle) == Transition::Start;
        for attribute in &self.event.list {
            let key = attribute.key.as_str();
            if names.has(key) {
                continue;
            }
            if self.mapping.meta.iter().any(|name| name == key) {
                parts.meta.push(attribute, sink, place);
            } else if !opens || self.mapping.output.iter().any(|name| name == key) {
                parts.output.push(attribute, sink, place);
            } else {
                parts.input.push(attribute, sink, place);
            }
        }
        if !self.meta_written {
            for attribute in self.trace.list.iter().filter(|attribute| attribute.key != names.case) {
                parts.meta.push(attribute, sink, place);
            }
        }
        let input = sink.payload(parts.input.object.finish(), "attributes of an event", place);
        let output = sink.payload(parts.output.object.finish(), "attributes of an event", place);
        let meta = sink.object(parts.meta.object.finish(), "attributes of a trace", place);
        let activity = Activity {
            mark: MarkRef { business_id: &business, scene_id: &self.scene, execution_id: &execution },
            node: &node,
            lifecycle,
            interval: names.start.is_some_and(|key| !value(key).is_empty()),
            start,
            time,
            resource: self.event.value(names.resource),
            instance: self
                .event
                .value(names.instance)
                .filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX),
            input: &input,
            output: &output,
            meta: &meta,
            what: "event",
            number: self.events,
            hash: fold(&[&node, lifecycle, value(names.time), value(names.resource), &input, &output], 0),
        };
        self.meta_written = true;
        self.lifecycles.record(sink, &activity)
    }

    /// A value of the trace, else of the event; empty ones do not count.
    fn id(&self, key: &str) -> Option<&str> {
        let found = self.trace.value(key).filter(|id| !id.is_empty());
        // `concept:name` of an event is its activity, never its case.
        let own = || self.event.value(key).filter(|id| !id.is_empty() && key != "concept:name");
        found.or_else(own)
    }
}

/// Which attribute plays which role.
struct Names<'a> {
    case: &'a str,
    activity: &'a str,
    lifecycle: &'a str,
    start: Option<&'a str>,
    time: &'a str,
    resource: &'a str,
    instance: &'a str,
}

impl<'a> Names<'a> {
    fn of(mapping: &'a TableMapping, event: &Attributes) -> Self {
        let usual_start = || {
            let of_event = |name: &&&str| event.list.iter().any(|attribute| attribute.key == **name);
            ["start_timestamp", "start_time", "time:start"].iter().find(of_event).copied()
        };
        let time = mapping.end.as_deref().or(mapping.time.as_deref());
        Names {
            case: mapping.case.as_deref().unwrap_or("concept:name"),
            activity: mapping.activity.as_deref().unwrap_or("concept:name"),
            lifecycle: mapping.lifecycle.as_deref().unwrap_or("lifecycle:transition"),
            start: mapping.start.as_deref().or_else(usual_start),
            time: time.unwrap_or("time:timestamp"),
            resource: mapping.resource.as_deref().unwrap_or("org:resource"),
            instance: "concept:instance",
        }
    }

    fn has(&self, key: &str) -> bool {
        let names = [self.activity, self.lifecycle, self.time, self.resource, self.instance];
        names.contains(&key) || self.start == Some(key)
    }
}

fn kind(element: &str) -> Option<Kind> {
    Some(match element {
        "string" | "date" | "id" => Kind::Text,
        "int" | "float" => Kind::Number,
        "boolean" => Kind::Boolean,
        "list" | "container" => Kind::List,
        "values" => Kind::Values,
        _ => return None,
    })
}

fn attribute(element: &BytesStart<'_>, kind: Kind, at: u64, sink: &mut Sink<'_>) -> Attribute {
    let place = || format!("byte {at}");
    let mut found = Attribute { key: String::new(), kind, value: String::new(), children: Vec::new() };
    let mut attributes = element.attributes();
    for attribute in attributes.with_checks(false) {
        let Ok(attribute) = attribute else {
            sink.note(NoteKind::Unreadable, "an XML attribute", place);
            break;
        };
        let text = match attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0) {
            Ok(text) => text,
            Err(_) => {
                sink.note(NoteKind::Unreadable, "a character reference: the text was kept as written", place);
                attribute.value.clone()
            }
        };
        match attribute.key.into_inner() {
            "key" => found.key = text.into_owned(),
            "value" => found.value = text.into_owned(),
            _ => {}
        }
    }
    found
}

/// The three objects attributes go to.
#[derive(Default)]
struct Parts {
    input: Keyed,
    output: Keyed,
    meta: Keyed,
}

/// An object whose keys are made different.
#[derive(Default)]
struct Keyed {
    object: Object,
    keys: HashSet<String>,
}

impl Keyed {
    fn push(&mut self, attribute: &Attribute, sink: &mut Sink<'_>, place: impl Fn() -> String) {
        let mut key = attribute.key.clone();
        if !self.keys.insert(key.clone()) {
            sink.note(NoteKind::Renamed, "an attribute whose key repeats: its number was added", place);
            key = format!("{key} #{}", self.keys.len() + 1);
            self.keys.insert(key.clone());
        }
        let mut json = Vec::new();
        push_attribute(&mut json, attribute);
        self.object.json(&key, &String::from_utf8(json).expect("built from strings"));
    }
}

/// The JSON of one attribute: a scalar; a list or container as an array of one-key objects; a scalar with
/// nested attributes as `{"value": ..., "attributes": [...]}`.
fn push_attribute(json: &mut Vec<u8>, attribute: &Attribute) {
    match attribute.kind {
        Kind::List | Kind::Values => push_children(json, &attribute.children),
        _ if attribute.children.is_empty() => push_scalar(json, attribute),
        _ => {
            json.extend_from_slice(b"{\"value\":");
            push_scalar(json, attribute);
            json.extend_from_slice(b",\"attributes\":");
            push_children(json, &attribute.children);
            json.push(b'}');
        }
    }
}

fn push_children(json: &mut Vec<u8>, children: &[Attribute]) {
    json.push(b'[');
    for (number, child) in children.iter().enumerate() {
        if number > 0 {
            json.push(b',');
        }
        json.push(b'{');
        push_json_string(json, &child.key);
        json.push(b':');
        push_attribute(json, child);
        json.push(b'}');
    }
    json.push(b']');
}

fn push_scalar(json: &mut Vec<u8>, attribute: &Attribute) {
    let text = attribute.value.as_str();
    match attribute.kind {
        Kind::Number if is_json_number(text) => json.extend_from_slice(text.as_bytes()),
        Kind::Boolean if text == "true" || text == "false" => json.extend_from_slice(text.as_bytes()),
        _ => push_json_string(json, text),
    }
}

/// Whether `text` is a JSON number that every reader can hold: `1e999` is one by the grammar, and few take it.
fn is_json_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}
