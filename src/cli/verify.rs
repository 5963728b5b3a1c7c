//! `linkloom verify`: every record of files, or of a topic, is in the store.

use std::io::{self, IsTerminal, Write as _};

use linkloom_ingest::source::kafka::{Bound, KafkaRange, RangeSettings};
use linkloom_ingest::source::{Input, InputOptions, Inputs, Source};
use serde::Serialize;

use super::args::{OutputFormat, RangeArgs, VerifyArgs};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::service;
use crate::terminal::{grouped, plain, plural};
use crate::verify::{MISSING_NAMED_MAX, Verified, VerifySettings, verify};

/// The answer for programs.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    verified: &'a Verified,
    incomplete: Vec<String>,
}

pub(super) fn run(args: &VerifyArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let ranged = args.range.from.is_some() || args.range.to.is_some();
    anyhow::ensure!(
        args.topic.is_some() || !ranged,
        "--from and --to are for a topic; files are verified whole"
    );
    let open = store::existing(&args.store, config)?;
    let settings = VerifySettings {
        limits: service::limits(config),
        dead_letter_bytes_max: config.ingest.dead_letter_bytes_max,
        ..VerifySettings::default()
    };
    let options = InputOptions { line_bytes_max: service::line_bytes_max(config), ..InputOptions::default() };
    let inputs = args.files.iter().map(|file| match file.as_os_str() == "-" {
        true => Input::Stdin,
        false => Input::File(file.clone()),
    });
    let mut source: Box<dyn Source> = match &args.topic {
        None => Box::new(Inputs::new(inputs, options, Box::new(|_| Ok(Vec::new())))),
        Some(topic) => {
            let kafka = service::kafka_settings(config, args.kafka.brokers.as_deref())?;
            Box::new(KafkaRange::open(&kafka, &range(topic, &args.range))?)
        }
    };
    let live = io::stderr().is_terminal();
    let mut progress = |read: u64| {
        if live {
            // The next line goes over it; what cannot be written is no loss.
            let _ = write!(io::stderr(), "\r{} verified", plural(read, "record"));
        }
    };
    let (verified, notes) = verify(&*open.store, &mut *source, &settings, &mut progress)?;
    if live {
        let _ = write!(io::stderr(), "\r\u{1b}[K");
    }
    match args.output {
        OutputFormat::Json => {
            let incomplete = notes.incomplete.iter().map(ToString::to_string).collect();
            out.json(&Answer { verified: &verified, incomplete })?;
        }
        OutputFormat::Table => {
            for incomplete in &notes.incomplete {
                writeln!(io::stderr(), "{}", plain(&incomplete.to_string()))?;
            }
            if verified.read > 0 || notes.failed.is_empty() {
                out.text(&text(&verified))?;
            }
        }
    }
    if !notes.failed.is_empty() {
        let reasons: Vec<String> = notes.failed.iter().map(ToString::to_string).collect();
        anyhow::bail!("{}", reasons.join("; "));
    }
    Ok(if verified.missing == 0 { Outcome::Done } else { Outcome::NotFound })
}

/// The stretch of a topic that the command line names.
pub(super) fn range(topic: &str, of: &RangeArgs) -> RangeSettings {
    RangeSettings {
        topic: topic.to_owned(),
        from: of.from.unwrap_or(Bound::Start),
        to: of.to.unwrap_or(Bound::End),
        read_before: Default::default(),
    }
}

fn text(verified: &Verified) -> String {
    let mut text = String::new();
    let mut count = |name: &str, count: u64, further: &str| {
        text.push_str(&format!("{name:<12}{:>15}{further}\n", grouped(count)));
    };
    let at_least = if verified.duplicates_at_least { " at least" } else { "" };
    count("read", verified.read, "");
    count("stored", verified.stored, "");
    count("duplicates", verified.duplicates, at_least);
    count("dead letters", verified.dead, "");
    count("expired", verified.expired, "");
    count("missing", verified.missing, "");
    for missing in &verified.first_missing {
        text.push_str(&format!("missing: {}: {}\n", plain(&missing.origin), plain(&missing.what)));
    }
    let named = verified.first_missing.len() as u64;
    if verified.missing > named {
        let further = verified.missing - named;
        let are = if further == 1 { "is" } else { "are" };
        text.push_str(&format!(
            "{} more {are} missing; the first {MISSING_NAMED_MAX} are named\n",
            grouped(further)
        ));
    }
    text
}
