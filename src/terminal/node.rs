//! One node of an execution: its runs with what went in and out, and a page of its business logs.

use linkloom_schema::answer::{LogAnswer, NodeAnswer, RunAnswer};
use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::Level;

use super::exception::{Exception, write_wrapped};
use super::execution::path;
use super::json;
use super::line::{Line, Style, Tone};
use super::span::{duration, instant, time_of_day};
use super::state::{of_level, of_node, of_run, word};
use super::table::plural;

/// Column the text of a log begins at.
const MESSAGE_COLUMN: usize = 22;
/// Lines of one message that are shown.
const MESSAGE_LINES_MAX: usize = 6;

/// A node's page.
pub fn node(mark: MarkRef<'_>, answer: &NodeAnswer<'_>, style: Style) -> String {
    let mut out = String::new();
    let (sign, tone) = of_node(answer.state);
    let mut line = Line::new();
    line.push(tone, sign).push(tone, " ").push(tone, word(answer.state)).push(Tone::Plain, "  ");
    path(&mut line, mark.business_id, mark.scene_id, mark.execution_id);
    line.push(Tone::Faint, " › ").push(Tone::Strong, &answer.node_name);
    line.write(style, &mut out);

    for run in &answer.runs {
        out.push('\n');
        self::run(run, style, &mut out);
    }
    if !answer.logs.is_empty() {
        out.push('\n');
        logs(&answer.logs, style, &mut out);
    }
    if answer.runs.is_empty() && answer.logs.is_empty() {
        let mut line = Line::new();
        line.push(Tone::Faint, "  it has neither runs nor logs here");
        out.push('\n');
        line.write(style, &mut out);
    }
    if let Some(cursor) = &answer.next_cursor {
        out.push('\n');
        let mut line = Line::new();
        line.push(Tone::Faint, "  next page: --cursor ").push(Tone::Plain, cursor);
        line.write(Style { clip: false, ..style }, &mut out);
    }
    out
}

fn run(run: &RunAnswer<'_>, style: Style, out: &mut String) {
    let (sign, tone) = of_run(&run.status);
    let mut line = Line::new();
    line.push(tone, "  ").push(tone, sign).push(Tone::Plain, " run ").push(Tone::Strong, &run.run_id);
    line.push(Tone::Plain, "  ").push(tone, &run.status.to_lowercase());
    if let Some(micros) = run.duration_micros {
        line.push(Tone::Plain, " after ").push(Tone::Plain, &duration(micros));
    }
    match (run.start_time, run.end_time) {
        (Some(start), _) => line.push(Tone::Faint, &format!("  started {} UTC", instant(start))),
        (None, Some(end)) => {
            line.push(Tone::Faint, &format!("  ended {} UTC, start not reported", instant(end)))
        }
        (None, None) => line.push(Tone::Faint, "  time not reported"),
    };
    line.write(style, out);

    let mut facts = Vec::new();
    let place = match (&run.service, &run.instance) {
        (Some(service), Some(instance)) => Some(format!("{service} at {instance}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    };
    facts.extend(place);
    facts.extend(run.host.as_ref().map(|host| format!("host {host}")));
    facts.extend(run.case.as_ref().map(|case| format!("case {case}")));
    facts.extend(run.iteration.map(|round| format!("round {round}")));
    facts.extend(run.sub_execution_id.as_ref().map(|id| format!("↗ {id}")));
    if run.shared {
        facts.push("shared with other executions of its trace".to_owned());
    }
    if run.time_substituted {
        facts.push("time of the source".to_owned());
    }
    if !facts.is_empty() {
        let mut line = Line::new();
        line.push(Tone::Faint, "    ").push(Tone::Faint, &facts.join(", "));
        line.write(style, out);
    }
    if let Some(input) = &run.input {
        json::write(out, style, 4, "input ", &input.0, run.input_cut_from);
    }
    if let Some(output) = &run.output {
        json::write(out, style, 4, "output", &output.0, run.output_cut_from);
    }
    if let Some(exception) = &run.exception {
        Exception::read(&exception.0).write(out, style, 4);
    }
}

fn logs(logs: &[LogAnswer<'_>], style: Style, out: &mut String) {
    // The day once, the time of day on each line.
    let mut day = String::new();
    let mut title = Line::new();
    title.push(Tone::Plain, "  ").push(Tone::Strong, &plural(logs.len() as u64, "log"));
    title.write(style, out);
    for log in logs {
        let today = log.time.map(|time| instant(time).chars().take(10).collect::<String>());
        if let Some(today) = today.filter(|today| *today != day) {
            let mut line = Line::new();
            line.push(Tone::Faint, &format!("  {today} UTC"));
            line.write(style, out);
            day = today;
        }
        let time = log.time.map_or_else(|| "no time".to_owned(), time_of_day);
        self::log(log, &time, style, out);
    }
}

fn log(log: &LogAnswer<'_>, time: &str, style: Style, out: &mut String) {
    let level = Level::of(log.level.as_deref());
    let tone = of_level(level);
    let mut level = Line::new();
    level.push(tone, log.level.as_deref().unwrap_or("-")).clip(5);
    let mut first = Line::new();
    first
        .push(Tone::Faint, &format!("  {time}"))
        .pad_to(MESSAGE_COLUMN - 6)
        .append(&level)
        .pad_to(MESSAGE_COLUMN);
    let mut message = String::new();
    let narrow = Style { color: false, columns: style.columns.saturating_sub(MESSAGE_COLUMN), clip: true };
    write_wrapped(
        &mut message,
        narrow,
        0,
        Tone::Plain,
        log.message.as_deref().unwrap_or_default(),
        MESSAGE_LINES_MAX,
    );
    let mut texts = message.lines();
    first.push(Tone::Plain, texts.next().unwrap_or_default());
    first.write(style, out);
    for text in texts {
        let mut line = Line::new();
        line.pad_to(MESSAGE_COLUMN).push(Tone::Plain, text);
        line.write(style, out);
    }
    if let Some(data) = &log.data {
        json::write(out, style, MESSAGE_COLUMN, "data", &data.0, log.data_cut_from);
    }
    if let Some(attributes) = &log.attributes {
        json::write(out, style, MESSAGE_COLUMN, "also", &attributes.0, None);
    }
    if let Some(exception) = &log.exception {
        Exception::read(&exception.0).write(out, style, MESSAGE_COLUMN);
    }
}
