//! `linkloom convert`: recorded executions of others as report lines.

use std::io::{self, Write as _};

use linkloom_ingest::convert::{ConvertError, Counts, Format, TableMapping, convert, convert_file};

use super::args::{ColumnArgs, ConvertArgs, ConvertFormat};
use super::{Outcome, Output};
use crate::terminal::{plain, plural};

pub(super) fn run(args: &ConvertArgs, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let format = match args.from {
        ConvertFormat::Conductor => Format::Conductor,
        ConvertFormat::Csv => Format::Csv,
        ConvertFormat::Xes => Format::Xes,
    };
    let mapping = mapping(&args.columns);
    let mut failed = Vec::new();
    for path in &args.files {
        let stdin = path.as_os_str() == "-";
        let converted = if stdin {
            convert(format, "stdin", io::stdin().lock(), &mapping, out.out)
        } else {
            convert_file(format, path, &mapping, out.out)
        };
        let name = if stdin { "stdin".into() } else { path.to_string_lossy() };
        match converted {
            Ok(done) => {
                let mut notes = io::stderr().lock();
                let name = plain(&name);
                for note in done.notes.iter() {
                    writeln!(notes, "{name}: {}", plain(&note.to_string()))?;
                }
                if done.notes.further > 0 {
                    writeln!(notes, "{name}: {} are not listed", plural(done.notes.further, "further note"))?;
                }
                writeln!(notes, "{name}: {}", summary(&done.counts))?;
            }
            // Nobody takes what comes next either.
            Err(error @ ConvertError::Write(_)) => return Err(error.into()),
            Err(error) => failed.push(plain(&error.to_string()).into_owned()),
        }
    }
    if failed.is_empty() { Ok(Outcome::Done) } else { anyhow::bail!("{}", failed.join("; ")) }
}

/// One line: what was read and written.
fn summary(counts: &Counts) -> String {
    let mut text = format!(
        "{} read, {} written: {}, {}, {}",
        plural(counts.records, "record"),
        plural(counts.lines, "report"),
        plural(counts.executions, "execution"),
        plural(counts.runs, "run"),
        plural(counts.logs, "log")
    );
    if counts.refused > 0 {
        text.push_str(&format!("; {} refused", counts.refused));
    }
    text
}

fn mapping(columns: &ColumnArgs) -> TableMapping {
    let ColumnArgs {
        scene,
        case,
        activity,
        lifecycle,
        time,
        start,
        end,
        resource,
        business,
        execution,
        meta,
        out_column,
        time_format,
        utc_offset,
        delimiter,
    } = columns.clone();
    TableMapping {
        case,
        activity,
        lifecycle,
        time,
        start,
        end,
        resource,
        scene,
        business,
        execution,
        meta,
        output: out_column,
        time_format,
        utc_offset_secs: utc_offset,
        delimiter,
    }
}
