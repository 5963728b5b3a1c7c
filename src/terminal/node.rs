//! One node of an execution: its runs with what went in and out, and a page of its business logs.

use linkloom_query::LogsQuery;
use linkloom_schema::answer::{NodeAnswer, RunAnswer};
use linkloom_schema::ids::MarkRef;

use super::exception::Exception;
use super::execution::path;
use super::line::{Line, Style, Tone};
use super::span::{duration, instant};
use super::state::{of_node, of_run, word};
use super::table::next_page;
use super::{json, logs};

/// A node's page; `query` is what was asked for of its logs.
pub fn node(mark: MarkRef<'_>, answer: &NodeAnswer<'_>, query: &LogsQuery, style: Style) -> String {
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
    let of_some = query.level.is_some() || query.text.is_some() || query.cursor.is_some();
    if !answer.logs.is_empty() || of_some {
        out.push('\n');
        logs::section(&answer.logs, query, answer.next_cursor.is_some(), style, &mut out);
    } else if answer.runs.is_empty() {
        let mut line = Line::new();
        line.push(Tone::Faint, "  it has neither runs nor logs here");
        out.push('\n');
        line.write(style, &mut out);
    }
    next_page(answer.next_cursor.as_deref(), style, &mut out);
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
