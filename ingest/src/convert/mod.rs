//! Recorded executions of others as report lines: Conductor workflow executions, tables, XES event logs.
//!
//! Each source is read as a stream where its format allows it and written as report lines (format version 1,
//! `docs/report-format.md`). What the source says and a report cannot is told to the caller as [`Note`]s with counts:
//! nothing is simplified or left out in silence. How each source maps, with examples: `docs/convert.md`.

mod conductor;
mod csv_table;
mod guard;
mod lifecycle;
mod notes;
mod sink;
mod table;
mod time_text;
mod xes;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::str::FromStr;

pub use notes::{Note, NoteKind, Notes};
pub use sink::Counts;
pub use table::TableMapping;

/// What kind of record is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Recorded Netflix Conductor workflow executions (JSON: one, an array of them, or one after another).
    Conductor,
    /// A table with a header: one row an activity (start and end columns) or one row an event (lifecycle column).
    Csv,
    /// An XES event log (XML).
    Xes,
}

impl Format {
    /// The formats by name.
    pub const ALL: [(&'static str, Format); 3] =
        [("conductor", Format::Conductor), ("csv", Format::Csv), ("xes", Format::Xes)];
}

impl FromStr for Format {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self, ConvertError> {
        let found = Format::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| *format).ok_or_else(|| ConvertError::UnknownFormat(text.to_owned()))
    }
}

/// What a conversion did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// How much was read and written.
    pub counts: Counts,
    /// What was simplified, left out or guessed.
    pub notes: Notes,
}

/// Why a conversion stopped. Lines written before are whole and stand.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The name of no format.
    #[error("unknown format {0:?}: allowed are conductor, csv, xes")]
    UnknownFormat(String),
    /// The input cannot be read.
    #[error("{input} cannot be read: {source}")]
    Read {
        /// Name of the input.
        input: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The output takes no more.
    #[error("report lines cannot be written: {0}")]
    Write(#[source] std::io::Error),
    /// The input is not what it should be.
    #[error("{input}, {place}: {why}")]
    Malformed {
        /// Name of the input.
        input: String,
        /// Where, e.g. `line 7` or `byte 1234`.
        place: String,
        /// What is wrong, and what is allowed.
        why: String,
    },
    /// A column a table needs is neither named nor known by a usual name.
    #[error(
        "{input} has no {role} column: name one with {flag}, or call it {usual}; the columns are {}",
        found.join(", ")
    )]
    NoColumn {
        /// Name of the input.
        input: String,
        /// What the column is for.
        role: &'static str,
        /// The flag that names it.
        flag: &'static str,
        /// The usual names.
        usual: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// A column was named that the table does not have.
    #[error("{input} has no column {name:?} ({flag}): the columns are {}", found.join(", "))]
    UnknownColumn {
        /// Name of the input.
        input: String,
        /// The flag that named it.
        flag: &'static str,
        /// The name given.
        name: String,
        /// The columns there are.
        found: Vec<String>,
    },
}

/// Converts one input to report lines.
///
/// Shape: one JSON object a line on `out`, in the order of the source; gzip is told by its magic number and unpacked.
/// `input_name` is used in messages and, without `mapping.scene`, for the scene id of tables and event logs (its file
/// stem). `mapping` counts for tables and event logs only.
/// Errors: input that is not of this format at all, unreadable input, unwritable output. Single records that cannot be
/// converted are counted as refused and noted instead.
pub fn convert(
    format: Format,
    input_name: &str,
    input: impl Read,
    mapping: &TableMapping,
    out: &mut dyn Write,
) -> Result<Conversion, ConvertError> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let magic =
        input.fill_buf().map_err(|source| ConvertError::Read { input: input_name.to_owned(), source })?;
    let mut sink = sink::Sink::new(input_name, out);
    if magic.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(64 * 1024, flate2::bufread::MultiGzDecoder::new(input));
        convert_plain(format, unpacked, mapping, &mut sink)?;
    } else {
        convert_plain(format, input, mapping, &mut sink)?;
    }
    sink.finish()
}

/// Converts one file; see [`convert`]. The file's name is the input name.
pub fn convert_file(
    format: Format,
    path: &Path,
    mapping: &TableMapping,
    out: &mut dyn Write,
) -> Result<Conversion, ConvertError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| ConvertError::Read { input: name.clone(), source })?;
    convert(format, &name, file, mapping, out)
}

fn convert_plain(
    format: Format,
    input: impl BufRead,
    mapping: &TableMapping,
    sink: &mut sink::Sink<'_>,
) -> Result<(), ConvertError> {
    match format {
        Format::Conductor => conductor::convert(input, sink),
        Format::Csv => csv_table::convert(input, mapping, sink),
        Format::Xes => xes::convert(input, mapping, sink),
    }
}
