//! What an execution's reports add up to, beside its runs: counts, times, meta, traces, services, logs by node.
//!
//! A tally is a function of the set of reports added. It holds no payloads and is bounded: of trace ids, services, meta
//! keys and node names the least are kept (that does not depend on the order they came in) and the tally is marked
//! [`Tally::clipped`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::answer::Json;
use crate::event::Moment;
use crate::panorama::LoggedNode;
use crate::report::{Identity, Level, Report, ReportKind};
use crate::time::Timestamp;

/// Trace ids, services and meta keys kept of one execution, each.
pub const FACTS_MAX: usize = 1_000;
/// Names of nodes kept that logs of one execution name; logs of others count as without node.
pub const LOG_NODES_MAX: usize = 100_000;

/// Facts about an execution (`trigger`, `contentType`, ...), by key.
pub type Meta = BTreeMap<String, Json<'static>>;

/// What a report adds to a tally; the light form that digests carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note<'a> {
    /// Where it stands in the order of reports.
    pub moment: Moment,
    /// Of a log: the node it names and its level.
    pub log: Option<(Option<&'a str>, Level)>,
    /// Its trace.
    pub trace_id: Option<&'a str>,
    /// Its service.
    pub service: Option<&'a str>,
    /// It has no mark: its trace id joined it to the execution.
    pub joined: bool,
    /// A payload of it was longer than its limit.
    pub truncated: bool,
}

/// What an execution's reports add up to. Add each report once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Reports of both kinds.
    pub reports: u64,
    /// Business logs.
    pub logs: u64,
    /// Business logs that name no node.
    pub logs_without_node: u64,
    /// Business logs of the levels `ERROR` and `FATAL`.
    pub errors: u64,
    /// Reports some payload of which was longer than its limit.
    pub truncated: u64,
    /// Time of the earliest report that has one.
    pub first_time: Option<Timestamp>,
    /// Time of the latest report that has one.
    pub last_time: Option<Timestamp>,
    /// More trace ids, services, meta keys or node names than are kept.
    pub clipped: bool,
    /// Some identity came with two contents. Set by whoever reads the reports: a tally is given each only once.
    pub conflicting: bool,
    nodes: BTreeMap<Box<str>, NodeLogs>,
    meta: BTreeMap<Box<str>, (Moment, Box<str>)>,
    trace_ids: BTreeSet<Box<str>>,
    services: BTreeSet<Box<str>>,
    joined: BTreeMap<Box<str>, u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct NodeLogs {
    first: Moment,
    levels: LevelCounts,
}

impl Tally {
    /// Adds a report.
    pub fn add(&mut self, report: &Report<'_>) {
        let payloads = [
            &report.input,
            &report.output,
            &report.data,
            &report.exception,
            &report.meta,
            &report.attributes,
        ];
        self.note(&Note {
            moment: report.moment(),
            log: (report.kind == ReportKind::Log).then(|| (report.node_name.as_deref(), report.level())),
            trace_id: report.trace_id.as_deref(),
            service: report.service.as_deref(),
            joined: report.mark.is_none(),
            truncated: payloads.into_iter().flatten().any(|payload| payload.cut_from.is_some()),
        });
        if let Some(meta) = &report.meta {
            self.note_meta(report.moment(), &meta.json);
        }
    }

    /// Adds a report in its light form; its meta are noted apart.
    pub fn note(&mut self, note: &Note<'_>) {
        self.reports += 1;
        self.truncated += u64::from(note.truncated);
        if let Some(time) = note.moment.time {
            self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
            self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
        }
        if let Some((node, level)) = note.log {
            self.logs += 1;
            self.errors += u64::from(level >= Level::Error);
            match node {
                Some(node) => self.note_log(node, level, note.moment),
                None => self.logs_without_node += 1,
            }
        }
        if let Some(trace_id) = note.trace_id {
            self.clipped |= keep(&mut self.trace_ids, trace_id);
            if note.joined {
                match self.joined.get_mut(trace_id) {
                    Some(count) => *count += 1,
                    None => {
                        self.joined.insert(trace_id.into(), 1);
                        if self.joined.len() > FACTS_MAX {
                            self.joined.pop_last();
                        }
                    }
                }
            }
        }
        if let Some(service) = note.service {
            self.clipped |= keep(&mut self.services, service);
        }
    }

    fn note_log(&mut self, node: &str, level: Level, moment: Moment) {
        let logs = match self.nodes.get_mut(node) {
            Some(logs) => logs,
            None => self
                .nodes
                .entry(node.into())
                .or_insert_with(|| NodeLogs { first: moment, levels: LevelCounts::default() }),
        };
        logs.first = logs.first.min(moment);
        logs.levels.add(level);
        if self.nodes.len() > LOG_NODES_MAX
            && let Some((_, dropped)) = self.nodes.pop_last()
        {
            self.clipped = true;
            self.logs_without_node += dropped.levels.total();
        }
    }

    /// Adds a node that logs name, without counting any log: for summaries, which need no more than its name.
    pub fn note_logged_node(&mut self, node: &str) {
        if !self.nodes.contains_key(node) {
            self.nodes.insert(node.into(), NodeLogs { first: Moment::LAST, levels: LevelCounts::default() });
            if self.nodes.len() > LOG_NODES_MAX {
                self.nodes.pop_last();
                self.clipped = true;
            }
        }
    }

    /// Adds a trace the execution has.
    pub fn note_trace(&mut self, trace_id: &str) {
        self.clipped |= keep(&mut self.trace_ids, trace_id);
    }

    /// Adds the meta of a report: the members of a JSON object, anything else is passed over. On each key the greatest
    /// (time, identity) wins.
    pub fn note_meta(&mut self, moment: Moment, json: &str) {
        let Ok(members) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(json) else { return };
        for (key, value) in members {
            let value = value.get();
            match self.meta.get_mut(&*key) {
                Some((at, kept)) => {
                    if (*at, &**kept) < (moment, value) {
                        (*at, *kept) = (moment, value.into());
                    }
                }
                None => {
                    self.meta.insert((*key).into(), (moment, value.into()));
                    if self.meta.len() > FACTS_MAX {
                        self.meta.pop_last();
                        self.clipped = true;
                    }
                }
            }
        }
    }

    /// Takes over facts that were gathered before, as the only ones.
    pub fn set_meta(&mut self, meta: &Meta) {
        let never = Moment { time: None, identity: Identity(0) };
        let members = meta.iter().map(|(key, json)| (key.as_str().into(), (never, (&*json.0).into())));
        self.meta = members.collect();
    }

    /// The facts about the execution.
    pub fn meta(&self) -> Meta {
        let members = self.meta.iter();
        members.map(|(key, (_, json))| (key.to_string(), Json(Cow::Owned(json.to_string())))).collect()
    }

    /// One of the facts as a text: the content of a JSON string, else the JSON; what variants are chosen by.
    pub fn meta_text(&self, key: &str) -> Option<String> {
        let (_, json) = self.meta.get(key)?;
        Some(Json(Cow::Borrowed(json)).as_text().into_owned())
    }

    /// Trace ids, in order.
    pub fn trace_ids(&self) -> impl Iterator<Item = &str> {
        self.trace_ids.iter().map(|id| &**id)
    }

    /// Services, in order.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|service| &**service)
    }

    /// Traces that joined reports without mark to the execution, with the number of those reports, in order.
    pub fn joined(&self) -> impl Iterator<Item = (&str, u64)> {
        self.joined.iter().map(|(trace, count)| (&**trace, *count))
    }

    /// Whether any report was joined by its trace id.
    pub fn is_trace_joined(&self) -> bool {
        !self.joined.is_empty()
    }

    /// The nodes that logs name, by name.
    pub fn logged_nodes(&self) -> impl Iterator<Item = LoggedNode<'_>> {
        self.nodes.iter().map(|(name, logs)| LoggedNode { name, first: logs.first })
    }

    /// How many logs of which level name a node.
    pub fn log_counts(&self, node: &str) -> LevelCounts {
        self.nodes.get(node).map(|logs| logs.levels).unwrap_or_default()
    }
}

/// Adds to a set that keeps the least; whether it had to drop one.
fn keep(set: &mut BTreeSet<Box<str>>, value: &str) -> bool {
    if set.contains(value) {
        return false;
    }
    set.insert(value.into());
    let full = set.len() > FACTS_MAX;
    if full {
        set.pop_last();
    }
    full
}

/// Logs by level. In JSON an object of the levels that occur, the most severe first; levels unknown are `OTHER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCounts([u64; 7]);

/// Levels with their names, the most severe first.
const LEVELS: [(&str, Level); 7] = [
    ("FATAL", Level::Fatal),
    ("ERROR", Level::Error),
    ("WARN", Level::Warn),
    ("INFO", Level::Info),
    ("DEBUG", Level::Debug),
    ("TRACE", Level::Trace),
    ("OTHER", Level::Other),
];

impl LevelCounts {
    /// Counts one log.
    pub fn add(&mut self, level: Level) {
        self.0[level as usize] += 1;
    }

    /// How many logs have this level.
    pub fn get(&self, level: Level) -> u64 {
        self.0[level as usize]
    }

    /// How many logs there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Serialize for LevelCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, level) in LEVELS {
            if self.get(level) > 0 {
                map.serialize_entry(name, &self.get(level))?;
            }
        }
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for LevelCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for (name, count) in members {
            counts.0[Level::of(Some(&name)) as usize] += count;
        }
        Ok(counts)
    }
}
