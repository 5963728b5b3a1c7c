//! Tables with a header: one row an activity with start and end, or one row an event with one time.

use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder};
use linkloom_schema::ids::{ID_BYTES_MAX, MarkRef, NAME_BYTES_MAX};
use linkloom_schema::time::Timestamp;
use xxhash_rust::xxh3::Xxh3Default;

use super::ConvertError;
use super::guard::{Guarded, Meter};
use super::lifecycle::{Activity, Lifecycles};
use super::notes::NoteKind;
use super::sink::{Object, Sink};
use super::table::{self, Roles, TableMapping};
use super::time_text::TimeReader;

/// Most columns of a table.
const COLUMNS_MAX: usize = 4096;

/// Converts a table read from `input`.
pub(super) fn convert(
    mut input: impl BufRead,
    mapping: &TableMapping,
    sink: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let delimiter = match mapping.delimiter {
        Some(delimiter) => delimiter,
        None => told_delimiter(&mut input, sink)?,
    };
    let meter = Meter::default();
    let guarded = Guarded { inner: input, meter: meter.clone() };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(guarded);
    let mut row = ByteRecord::new();
    if !read(&mut reader, &mut row, sink)? {
        return Err(
            sink.malformed("line 1".to_owned(), "the table is empty, a header with column names is needed")
        );
    }
    let columns = columns(&row);
    if columns.len() > COLUMNS_MAX {
        let why = format!("the header has {} columns, at most {COLUMNS_MAX} are allowed", columns.len());
        return Err(sink.malformed("line 1".to_owned(), why));
    }
    let roles = Roles::find(&sink.input, &columns, mapping)?;
    for (role, column) in &roles.guessed {
        sink.note(NoteKind::Guessed, &format!("{role} is column {:?}", columns[*column]), || {
            "line 1".to_owned()
        });
    }
    let keyed = |list: &[usize]| list.iter().map(|column| (*column, columns[*column].clone())).collect();
    let mut table = Table {
        scene: sink
            .fit(&table::scene(&sink.input, mapping), ID_BYTES_MAX, "scene id", || "the input".to_owned()),
        input: keyed(&roles.input),
        output: keyed(&roles.output),
        meta: facts(&columns, &roles.meta),
        columns,
        roles,
        times: TimeReader::new(mapping.time_format.as_deref(), mapping.utc_offset_secs),
        lifecycles: Lifecycles::default(),
        rows: 0,
    };
    meter.reset();
    while read(&mut reader, &mut row, sink)? {
        meter.reset();
        table.row(&row, sink)?;
    }
    table.lifecycles.close(sink, || "the end of the table".to_owned());
    Ok(())
}

fn read<R: std::io::Read>(
    reader: &mut csv::Reader<R>,
    row: &mut ByteRecord,
    sink: &Sink<'_>,
) -> Result<bool, ConvertError> {
    reader.read_byte_record(row).map_err(|error| {
        let place = format!("line {}", reader.position().line());
        match error.into_kind() {
            csv::ErrorKind::Io(source) if source.kind() != std::io::ErrorKind::InvalidData => {
                ConvertError::Read { input: sink.input.clone(), source }
            }
            csv::ErrorKind::Io(source) => sink.malformed(place, source.to_string()),
            other => sink.malformed(place, format!("{other:?}")),
        }
    })
}

/// The one of `,` `;` tab `|` that stands most often in the beginning of the header; `,` if none does.
fn told_delimiter(input: &mut impl BufRead, sink: &mut Sink<'_>) -> Result<u8, ConvertError> {
    let head = input.fill_buf().map_err(|source| ConvertError::Read { input: sink.input.clone(), source })?;
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let best = [b'|', b'\t', b';', b','].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',');
    if best != b',' {
        let subject = format!("fields are separated by {:?}", char::from(best));
        sink.note(NoteKind::Guessed, &subject, || "line 1".to_owned());
    }
    Ok(best)
}

/// Column names: trimmed; an empty one is named by its number, a repeated one gets its number added.
fn columns(header: &ByteRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    let mut seen = std::collections::HashSet::new();
    for (number, field) in header.iter().enumerate() {
        let name = String::from_utf8_lossy(field);
        let name = name.trim_start_matches('\u{feff}').trim();
        let name = if name.is_empty() { format!("column {}", number + 1) } else { name.to_owned() };
        let name = if seen.insert(name.clone()) { name } else { format!("{name} #{}", number + 1) };
        names.push(name);
    }
    names
}

/// Columns of the meta with their keys: without `case:`, where that leaves the keys different.
fn facts(columns: &[String], meta: &[usize]) -> Vec<(usize, String)> {
    let short = |column: usize| {
        columns[column].strip_prefix("case:").filter(|name| !name.is_empty()).unwrap_or(&columns[column])
    };
    let key = |column: usize| {
        let taken = meta.iter().filter(|other| short(**other) == short(column)).count() > 1;
        if taken { columns[column].clone() } else { short(column).to_owned() }
    };
    meta.iter().map(|column| (*column, key(*column))).collect()
}

struct Table {
    scene: String,
    columns: Vec<String>,
    roles: Roles,
    /// Columns of the payloads, with their keys.
    input: Vec<(usize, String)>,
    output: Vec<(usize, String)>,
    meta: Vec<(usize, String)>,
    times: TimeReader,
    lifecycles: Lifecycles,
    rows: u64,
}

impl Table {
    fn row(&mut self, row: &ByteRecord, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
        self.rows += 1;
        sink.counts.records += 1;
        let number = self.rows;
        let line = row.position().map_or(0, csv::Position::line);
        let place = || format!("line {line}");
        if row.len() != self.columns.len() {
            sink.note(NoteKind::Unreadable, "a row with another number of fields than the header", place);
            if row.len() > self.columns.len() {
                sink.note(NoteKind::FieldDropped, "fields beyond the header", place);
            }
        }
        let fields: Vec<std::borrow::Cow<'_, str>> = row.iter().map(String::from_utf8_lossy).collect();
        if row.iter().any(|field| std::str::from_utf8(field).is_err()) {
            sink.note(
                NoteKind::Unreadable,
                "text that is not UTF-8: what cannot be read became U+FFFD",
                place,
            );
        }
        let at = |column: usize| fields.get(column).map_or("", |field| field.as_ref());
        let (case, activity) = (at(self.roles.case), at(self.roles.activity));
        for (what, text) in [("case", case), ("activity", activity)] {
            if text.trim().is_empty() {
                sink.refuse(&format!("a row without a value in the {what} column"), place);
                return Ok(());
            }
        }
        let (business, execution) = (at(self.roles.business), at(self.roles.execution));
        if business.is_empty() || execution.is_empty() {
            sink.refuse("a row without a business id or execution id", place);
            return Ok(());
        }
        if activity.trim() != activity {
            sink.note(NoteKind::Renamed, "space around an activity name removed", place);
        }
        let node = sink.fit(activity.trim(), NAME_BYTES_MAX, "activity", place);
        let business = sink.fit(business, ID_BYTES_MAX, "business id", place);
        let execution = sink.fit(execution, ID_BYTES_MAX, "execution id", place);
        let mark = MarkRef { business_id: &business, scene_id: &self.scene, execution_id: &execution };
        let start = self.time(self.roles.start, &at, sink, &place);
        let time = self.time(self.roles.time, &at, sink, &place);
        let object = |columns: &[(usize, String)]| {
            let mut object = Object::default();
            for (column, key) in columns.iter().filter(|(column, _)| !at(*column).is_empty()) {
                object.text(key, at(*column));
            }
            object.finish()
        };
        let input = sink.payload(object(&self.input), "the other columns of a row", place);
        let output = sink.payload(object(&self.output), "the output columns of a row", place);
        let meta = sink.object(object(&self.meta), "the meta columns of a row", place);
        let mut hasher = Xxh3Default::new();
        for field in row {
            hasher.update(field);
            hasher.update(&[0xff]);
        }
        let activity = Activity {
            mark,
            node: &node,
            lifecycle: self.roles.lifecycle.map_or("", at),
            interval: self.roles.start.is_some(),
            start,
            time,
            resource: self.roles.resource.map(at),
            instance: None,
            input: &input,
            output: &output,
            meta: &meta,
            what: "row",
            number,
            hash: hasher.digest(),
        };
        self.lifecycles.record(sink, &activity)
    }

    fn time<'f>(
        &self,
        column: Option<usize>,
        at: &impl Fn(usize) -> &'f str,
        sink: &mut Sink<'_>,
        place: &impl Fn() -> String,
    ) -> Option<Timestamp> {
        let column = column?;
        let text = at(column);
        let time = self.times.read(text);
        if time.is_none() && !text.is_empty() {
            sink.note(NoteKind::Unreadable, &format!("a time in column {:?}", self.columns[column]), place);
        }
        time
    }
}
