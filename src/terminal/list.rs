//! The executions of a business id as a table.

use std::collections::BTreeSet;

use linkloom_query::ListQuery;
use linkloom_schema::answer::{ListAnswer, ListEntry};
use linkloom_schema::panorama::NodeState;

use super::execution::meta_text;
use super::line::{Line, Style, Tone};
use super::span::{duration, instant_short};
use super::state::{of_execution, of_node};
use super::table::{grouped, plural};
use crate::similar::nearest;

/// Titles of the columns.
const TITLES: [&str; 8] =
    ["STATUS", "STARTED (UTC)", "TOOK", "SCENE", "EXECUTION", "NODES", "ERRORS", "META"];
/// Columns left out where there is no room, the first one first; the ids stay, they are needed to go on.
const LEFT_OUT: [usize; 4] = [7, 2, 6, 5];

/// A page of executions, newest first.
pub fn list(business_id: &str, answer: &ListAnswer, style: Style) -> String {
    let mut out = String::new();
    if answer.executions.is_empty() {
        let mut line = Line::new();
        line.push(Tone::Strong, business_id).push(Tone::Plain, ": no executions");
        line.write(style, &mut out);
        return out;
    }
    let mut line = Line::new();
    line.push(Tone::Strong, business_id).push(Tone::Plain, ": ");
    line.push(Tone::Plain, &plural(answer.executions.len() as u64, "execution"));
    if answer.next_cursor.is_some() {
        line.push(Tone::Plain, ", and more");
    }
    line.write(style, &mut out);
    out.push('\n');

    let mut table: Vec<Vec<Line>> = vec![TITLES.map(title).to_vec()];
    table.extend(answer.executions.iter().map(cells));
    let widths: Vec<usize> = (0..TITLES.len())
        .map(|column| table.iter().map(|row| row[column].width()).max().unwrap_or(0))
        .collect();
    // A column nobody fills is left out.
    let mut shown: Vec<usize> =
        (0..TITLES.len()).filter(|column| table[1..].iter().any(|row| !row[*column].is_empty())).collect();
    for column in LEFT_OUT {
        let all: usize = shown.iter().map(|column| widths[*column] + 2).sum();
        if style.clip && all > style.columns {
            shown.retain(|kept| *kept != column);
        }
    }
    let whole = Style { clip: false, ..style };
    for row in &table {
        let mut line = Line::new();
        let mut at = 2;
        for column in &shown {
            line.pad_to(at).append(&row[*column]);
            at += widths[*column] + 2;
        }
        line.write(whole, &mut out);
    }
    if let Some(cursor) = &answer.next_cursor {
        out.push('\n');
        let mut line = Line::new();
        line.push(Tone::Faint, "  next page: --cursor ").push(Tone::Plain, cursor);
        line.write(whole, &mut out);
    }
    out
}

/// What is said when a business id has executions (the beginning of them is `there`), but none that match `query`.
pub fn list_without_match(business_id: &str, query: &ListQuery, there: &ListAnswer, style: Style) -> String {
    let mut out = String::new();
    let mut line = Line::new();
    line.push(Tone::Strong, business_id);
    if there.executions.is_empty() {
        line.push(Tone::Plain, ": no executions");
        line.write(style, &mut out);
        return out;
    }
    let count = there.executions.len() as u64;
    let more = if there.next_cursor.is_some() { " and more" } else { "" };
    let scenes: BTreeSet<&str> = there.executions.iter().map(|entry| &*entry.scene_id).collect();
    match query.scene.as_deref().filter(|scene| !scenes.contains(scene)) {
        Some(scene) => {
            line.push(Tone::Plain, &format!(": no executions of scene {scene}"));
            if let Some(meant) = nearest(scene, scenes.iter().copied()) {
                line.push(Tone::Plain, "; did you mean ").push(Tone::Strong, meant).push(Tone::Plain, "?");
            }
            line.write(style, &mut out);
            let mut line = Line::new();
            let scenes = scenes.into_iter().collect::<Vec<_>>().join(", ");
            line.push(Tone::Plain, &format!("  there are {}{more} of: {scenes}", plural(count, "execution")));
            line.write(style, &mut out);
        }
        None => {
            let none =
                if query.cursor.is_some() { ": no more executions" } else { ": no executions that match" };
            line.push(Tone::Plain, none);
            line.push(Tone::Plain, &format!("; without filters there are {}{more}", grouped(count)));
            line.write(style, &mut out);
        }
    }
    out
}

fn title(text: &str) -> Line {
    let mut line = Line::new();
    line.push(Tone::Faint, text);
    line
}

fn cells(entry: &ListEntry) -> Vec<Line> {
    let cell = |tone: Tone, text: &str| {
        let mut line = Line::new();
        line.push(tone, text);
        line
    };
    let (sign, tone) = of_execution(entry.status);
    let mut nodes = Line::new();
    for (state, count) in entry.node_counts.iter() {
        if !nodes.is_empty() {
            nodes.push(Tone::Plain, " ");
        }
        let (sign, tone) = of_node(state);
        let tone = if state == NodeState::Completed { Tone::Plain } else { tone };
        nodes.push(tone, &format!("{count}{sign}"));
    }
    vec![
        cell(tone, &format!("{sign} {}", entry.status.as_str())),
        cell(Tone::Plain, &entry.start_time.map_or_else(|| "not reported".to_owned(), instant_short)),
        cell(Tone::Plain, &entry.duration_micros.map(duration).unwrap_or_default()),
        cell(Tone::Plain, &entry.scene_id),
        cell(Tone::Plain, &entry.execution_id),
        nodes,
        match entry.error_count {
            0 => Line::new(),
            errors => cell(Tone::Bad, &errors.to_string()),
        },
        cell(Tone::Faint, &meta_text(&entry.meta)),
    ]
}
