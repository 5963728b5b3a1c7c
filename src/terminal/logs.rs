//! Business logs: a page of those of a node, or of a whole execution.

use linkloom_query::LogsQuery;
use linkloom_schema::answer::{LogAnswer, LogsAnswer};
use linkloom_schema::ids::MarkRef;
use linkloom_schema::report::Level;

use super::exception::{Exception, write_wrapped};
use super::execution::path;
use super::json;
use super::line::{Line, Style, Tone};
use super::span::{instant, time_of_day};
use super::state::of_level;
use super::table::{next_page, plural};
use super::text::{clip, width};

/// Column the text of a log begins at, or the name of its node where logs of several are listed.
const TEXT_COLUMN: usize = 22;
/// Most columns of the name of a node.
const NODE_COLUMNS_MAX: usize = 24;
/// Lines of one message that are shown.
const MESSAGE_LINES_MAX: usize = 6;

/// A page of the logs of an execution; `query` is what was asked for.
pub fn logs(mark: MarkRef<'_>, answer: &LogsAnswer<'_>, query: &LogsQuery, style: Style) -> String {
    let mut out = String::new();
    let mut line = Line::new();
    path(&mut line, mark.business_id, mark.scene_id, mark.execution_id);
    line.write(style, &mut out);
    out.push('\n');
    section(&answer.logs, query, answer.next_cursor.is_some(), style, &mut out);
    next_page(answer.next_cursor.as_deref(), style, &mut out);
    out
}

/// How many logs there are and of which kind, then each of them; `more`: it is not the last page.
pub(super) fn section(logs: &[LogAnswer<'_>], query: &LogsQuery, more: bool, style: Style, out: &mut String) {
    let mut title = Line::new();
    let count = match logs.len() {
        0 if query.cursor.is_some() => "no more logs".to_owned(),
        0 => "no logs".to_owned(),
        count => plural(count as u64, "log"),
    };
    title.push(Tone::Plain, "  ").push(Tone::Strong, &count);
    if let Some(level) = &query.level {
        title.push(Tone::Plain, " of level ").push(Tone::Plain, &level.to_uppercase());
    }
    if let Some(text) = &query.text {
        title.push(Tone::Plain, " with ").push(Tone::Plain, &format!("{text:?}"));
    }
    if query.without_node {
        title.push(Tone::Plain, " without a node");
    }
    if more {
        title.push(Tone::Plain, ", and more");
    }
    title.write(style, out);

    let names = logs.iter().filter_map(|log| log.node_name.as_deref());
    let widest = names.map(|name| width(&super::plain(name))).max().unwrap_or(0).min(NODE_COLUMNS_MAX);
    let column = if widest == 0 { TEXT_COLUMN } else { TEXT_COLUMN + widest + 2 };
    // The day once, the time of day on each line.
    let mut day = String::new();
    for log in logs {
        let today = log.time.map(|time| instant(time).chars().take(10).collect::<String>());
        if let Some(today) = today.filter(|today| *today != day) {
            let mut line = Line::new();
            line.push(Tone::Faint, &format!("  {today} UTC"));
            line.write(style, out);
            day = today;
        }
        one(log, column, style, out);
    }
}

/// One log, its message from `column` on.
fn one(log: &LogAnswer<'_>, column: usize, style: Style, out: &mut String) {
    let time = log.time.map_or_else(|| "no time".to_owned(), time_of_day);
    let mut level = Line::new();
    level.push(of_level(Level::of(log.level.as_deref())), log.level.as_deref().unwrap_or("-")).clip(5);
    let mut first = Line::new();
    first.push(Tone::Faint, &format!("  {time}")).pad_to(TEXT_COLUMN - 6).append(&level).pad_to(TEXT_COLUMN);
    if let Some(name) = &log.node_name {
        first.push(Tone::Strong, &clip(&super::plain(name), NODE_COLUMNS_MAX));
    }
    if column > TEXT_COLUMN {
        first.pad_to(column);
    }
    let mut message = String::new();
    let narrow = Style { color: false, columns: style.columns.saturating_sub(column), clip: true };
    let text = log.message.as_deref().unwrap_or_default();
    write_wrapped(&mut message, narrow, 0, Tone::Plain, text, MESSAGE_LINES_MAX);
    let mut texts = message.lines();
    first.push(Tone::Plain, texts.next().unwrap_or_default());
    first.write(style, out);
    for text in texts {
        let mut line = Line::new();
        line.pad_to(column).push(Tone::Plain, text);
        line.write(style, out);
    }
    if let Some(data) = &log.data {
        json::write(out, style, column, "data", &data.0, log.data_cut_from);
    }
    if let Some(attributes) = &log.attributes {
        json::write(out, style, column, "also", &attributes.0, None);
    }
    if let Some(exception) = &log.exception {
        Exception::read(&exception.0).write(out, style, column);
    }
}
