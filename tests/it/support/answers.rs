//! All answers of a store as text, and whether lists and pages agree with each other.

use linkloom::service::OpenStore;
use linkloom_query::{ListQuery, LogsQuery, Reader, Unlinked};
use linkloom_schema::answer::{ExecutionAnswer, ListEntry};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::panorama::NodeCounts;
use linkloom_schema::time::Timestamp;

use super::reports::{LONELY, TRACES};

/// What every question was answered with: (question, bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answers(Vec<(String, String)>);

impl Answers {
    /// Says where two sets of answers differ.
    pub(crate) fn differs(&self, other: &Answers) -> Option<String> {
        let pairs = self.0.iter().zip(&other.0);
        for ((question, answer), (other_question, other_answer)) in pairs {
            if question != other_question {
                return Some(format!("asked {question:?} and {other_question:?}"));
            }
            if answer != other_answer {
                return Some(format!("{question}:\n  {answer}\n  {other_answer}"));
            }
        }
        (self.0.len() != other.0.len()).then(|| "not as many questions".to_owned())
    }
}

/// Asks everything that can be asked about these business ids and executions; panics when lists and pages disagree.
pub(crate) fn ask(
    open: &OpenStore,
    businesses: &[&str],
    marks: &[LinkMark],
    instants: &[Timestamp],
) -> Answers {
    let reader = open.reader();
    let mut answers = Vec::new();
    for (which, &as_of) in instants.iter().enumerate() {
        let mut shown = Vec::new();
        for mark in marks {
            let show = reader.show(mark, as_of, |answer| {
                let json = serde_json::to_string(answer).expect("an answer serialises");
                let nodes: Vec<String> = answer.nodes.iter().map(|node| node.node_name.clone()).collect();
                (as_in_list(answer), json, nodes)
            });
            let show = show.expect("the store answers");
            let Some((entry, json, nodes)) = show else {
                answers.push((format!("show {mark:?} {which}"), "null".to_owned()));
                continue;
            };
            answers.push((format!("show {mark:?} {which}"), json));
            shown.push(entry);
            if which == 0 {
                for node in nodes {
                    let pages = node_pages(&reader, mark, &node, as_of);
                    answers.push((format!("node {mark:?} {node}"), pages));
                }
            }
        }
        if which == 0 {
            for trace in TRACES {
                answers.push((format!("unlinked {trace}"), unlinked_pages(&reader, Unlinked::Trace(trace))));
            }
            answers.push((format!("unlinked {LONELY}"), unlinked_pages(&reader, Unlinked::Service(LONELY))));
        }
        for business in businesses {
            let list = reader.list(business, &ListQuery { limit: 1_000, ..ListQuery::default() }, as_of);
            let list = list.expect("the store answers");
            assert_eq!(list.next_cursor, None, "all fit");
            let mut wanted: Vec<ListEntry> =
                shown.iter().filter(|entry| entry.business_id == *business).cloned().collect();
            wanted.sort_by(ListEntry::cmp_in_list);
            assert_eq!(
                list.executions, wanted,
                "the list of {business} at {as_of:?} does not agree with what is shown"
            );
            assert_eq!(
                in_pages(&reader, business, as_of),
                list.executions,
                "pages of the list of {business}"
            );
            let json = serde_json::to_string(&list).expect("an answer serialises");
            answers.push((format!("list {business} {which}"), json));
        }
    }
    Answers(answers)
}

/// What a list has to say of an execution that is shown like this.
fn as_in_list(answer: &ExecutionAnswer<'_>) -> ListEntry {
    let states = answer.nodes.iter().map(|node| node.state);
    ListEntry {
        business_id: answer.business_id.clone(),
        scene_id: answer.scene_id.clone(),
        execution_id: answer.execution_id.clone(),
        status: answer.status,
        start_time: answer.start_time,
        end_time: answer.end_time,
        duration_micros: answer.duration_micros,
        node_counts: states.collect::<NodeCounts>(),
        error_count: answer.counts.errors,
        meta: answer.meta.clone(),
    }
}

fn in_pages(reader: &Reader, business: &str, as_of: Timestamp) -> Vec<ListEntry> {
    let mut query = ListQuery { limit: 2, ..ListQuery::default() };
    let mut entries = Vec::new();
    loop {
        let page = reader.list(business, &query, as_of).expect("the store answers");
        entries.extend(page.executions);
        if page.next_cursor.is_none() {
            return entries;
        }
        query.cursor = page.next_cursor;
    }
}

/// All pages of the reports without a mark of a trace or service, one after the other.
fn unlinked_pages(reader: &Reader, of: Unlinked<'_>) -> String {
    let mut query = LogsQuery { limit: 4, ..LogsQuery::default() };
    let mut pages = String::new();
    while let Some(page) = reader.unlinked_reports(of, &query).expect("the store answers") {
        pages.push_str(&serde_json::to_string(&page).expect("an answer serialises"));
        pages.push('\n');
        if page.next_cursor.is_none() {
            break;
        }
        query.cursor = page.next_cursor;
    }
    pages
}

/// All pages of a node, one after the other.
fn node_pages(reader: &Reader, mark: &LinkMark, node: &str, as_of: Timestamp) -> String {
    let mut query = LogsQuery { limit: 3, ..LogsQuery::default() };
    let mut pages = String::new();
    loop {
        let page = reader.node(mark, node, None, &query, as_of, |answer| {
            (serde_json::to_string(answer).expect("an answer serialises"), answer.next_cursor.clone())
        });
        let (json, cursor) =
            page.expect("the store answers").unwrap_or_else(|| panic!("{node} of {mark:?} is shown"));
        pages.push_str(&json);
        pages.push('\n');
        if cursor.is_none() {
            return pages;
        }
        query.cursor = cursor;
    }
}
