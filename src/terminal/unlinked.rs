//! Reports without a mark: who has some, and what they say.

use linkloom_query::{UnlinkedAnswer, UnlinkedReport, UnlinkedReportsAnswer};
use linkloom_schema::time::Timestamp;

use super::json;
use super::line::{Line, Style, Tone};
use super::span::instant;
use super::table::{cell, next_page, plural, write};

/// A page of the services and traces that have reports without a mark.
pub fn unlinked(answer: &UnlinkedAnswer, style: Style) -> String {
    let mut out = String::new();
    if answer.unlinked.is_empty() {
        out.push_str("no reports without a mark\n");
        return out;
    }
    let traces = answer.unlinked.iter().filter(|entry| entry.trace_id.is_some()).count();
    let services = answer.unlinked.len() - traces;
    out.push_str("reports without a mark: ");
    out.push_str(&format!("{}, {}", plural(services as u64, "service"), plural(traces as u64, "trace")));
    out.push_str(if answer.next_cursor.is_some() { ", and more\n\n" } else { "\n\n" });
    let time = |time: Option<Timestamp>| cell(Tone::Plain, &time.map_or_else(String::new, instant));
    let rows: Vec<Vec<Line>> = answer
        .unlinked
        .iter()
        .map(|entry| {
            let (kind, name) = match (&entry.trace_id, &entry.service) {
                (Some(trace), _) => ("trace", cell(Tone::Strong, trace)),
                (None, Some(service)) if !service.is_empty() => ("service", cell(Tone::Strong, service)),
                _ => ("service", cell(Tone::Faint, "(none named)")),
            };
            let executions = match entry.executions {
                0 if entry.trace_id.is_some() => cell(Tone::Warn, "none"),
                0 => Line::new(),
                count => cell(Tone::Plain, &count.to_string()),
            };
            let packs = cell(Tone::Plain, &entry.packs.to_string());
            vec![
                cell(Tone::Faint, kind),
                name,
                time(entry.first_time),
                time(entry.last_time),
                packs,
                executions,
            ]
        })
        .collect();
    write(&["OF", "NAME", "FIRST (UTC)", "LAST (UTC)", "PACKS", "SHOWN IN"], &rows, style, &mut out);
    next_page(answer.next_cursor.as_deref(), style, &mut out);
    out
}

/// A page of the reports without a mark of one service or trace.
pub fn unlinked_reports(answer: &UnlinkedReportsAnswer<'_>, style: Style) -> String {
    let mut out = plural(answer.reports.len() as u64, "report");
    out.push_str(if answer.next_cursor.is_some() { ", and more\n\n" } else { "\n\n" });
    for report in &answer.reports {
        one(report, style, &mut out);
    }
    next_page(answer.next_cursor.as_deref(), style, &mut out);
    out
}

fn one(report: &UnlinkedReport<'_>, style: Style, out: &mut String) {
    let mut line = Line::new();
    let time = report.time.map_or_else(|| "without a time".to_owned(), instant);
    line.pad_to(2).push(Tone::Faint, &time).pad_to(27);
    let (word, tone) = match (report.status.as_deref(), report.level.as_deref()) {
        (Some(status), _) => (status, if status == "FAILED" { Tone::Bad } else { Tone::Plain }),
        (None, Some(level)) => {
            (level, if level.eq_ignore_ascii_case("error") { Tone::Bad } else { Tone::Plain })
        }
        (None, None) => ("", Tone::Plain),
    };
    line.push(tone, word).pad_to(38);
    for (tone, text) in [
        (Tone::Strong, report.node_name.as_deref()),
        (Tone::Plain, report.message.as_deref()),
        (Tone::Faint, report.service.as_deref()),
        (Tone::Faint, report.instance.as_deref()),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            line.push(tone, text).push(Tone::Plain, "  ");
        }
    }
    line.write(style, out);
    for (label, payload) in [
        ("input", &report.input),
        ("output", &report.output),
        ("data", &report.data),
        ("exception", &report.exception),
        ("attributes", &report.attributes),
    ] {
        if let Some(payload) = payload {
            json::write(out, style, 4, label, &payload.0, None);
        }
    }
}
