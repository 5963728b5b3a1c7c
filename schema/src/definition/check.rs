//! The rules both notations share: names, join targets, limits, and how a problem is worded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::path::Path;
use super::problem::{Collector, Found, Problem};
use super::text::{excerpt, quoted};
use crate::ids::{BadId, ID_BYTES_MAX, NAME_BYTES_MAX, SceneId, check_id};

/// Deepest nesting of blocks (fork, decision, loop) in one another.
pub const BLOCK_DEPTH_MAX: usize = 64;
/// Longest definition file, in bytes.
pub const DEFINITION_BYTES_MAX: usize = 16 << 20;
/// Longest `slowAfterMs`: the largest whole number every JSON reader keeps exact.
pub const SLOW_AFTER_MS_MAX: u64 = (1 << 53) - 1;

/// The words of `nodeType`, which are the element names of the XML notation too.
pub(super) const NODE_TYPES: &[&str] =
    &["local", "rpc", "fork", "join", "decision", "loop", "link", "terminate"];
/// What may be set on any node.
pub(super) const NODE_OPTIONS: &[&str] =
    &["nodeName", "title", "description", "service", "slowAfterMs", "optional", "minor", "dynamic"];
/// More names than this are not searched for the one that was meant.
const NAMES_SEARCHED_MAX: usize = 2_000;

/// A place in the file.
#[derive(Clone)]
pub(super) struct At<'t> {
    pub(super) span: Range<usize>,
    pub(super) path: Path<'t>,
}

/// Gathers problems and knows how to word them.
pub(super) struct Checker<'t> {
    problems: Collector<'t>,
    write_path: fn(&Path<'t>) -> String,
}

impl<'t> Checker<'t> {
    pub(super) fn new(text: &'t str, write_path: fn(&Path<'t>) -> String) -> Self {
        Self { problems: Collector::new(text), write_path }
    }

    /// `Ok` when nothing was found; the problems in file order otherwise.
    pub(super) fn finish(self, file: &str) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems.finish(file)) }
    }

    /// The problems in file order.
    pub(super) fn into_problems(self, file: &str) -> Vec<Problem> {
        self.problems.finish(file)
    }

    /// What the file says at a place, cut for a message.
    pub(super) fn excerpt(&self, at: &At<'t>) -> String {
        self.problems.excerpt(at.span.clone())
    }

    pub(super) fn add(
        &mut self,
        at: &At<'t>,
        message: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        self.add_with(at, message, found, allowed, None, None);
    }

    pub(super) fn add_with(
        &mut self,
        at: &At<'t>,
        message: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        help: Option<String>,
        first: Option<usize>,
    ) {
        self.problems.add(Found {
            span: at.span.clone(),
            path: if self.problems.has_room() { (self.write_path)(&at.path) } else { String::new() },
            message: message.into(),
            found: found.into(),
            allowed: allowed.into(),
            help,
            first,
        });
    }

    /// A word that is none of `allowed`.
    pub(super) fn unknown_word(&mut self, at: &At<'t>, what: &str, word: &str, allowed: &[&str]) {
        let meant = if self.problems.has_room() { closest(word, allowed.iter().copied()) } else { None };
        let help = meant.map(|meant| format!("did you mean {meant:?}?"));
        let message = format!("{} is not {what}", quoted(word));
        self.add_with(at, message, quoted(word), allowed.join(", "), help, None);
    }

    /// An id or a name: non-empty, at most `max` bytes.
    fn id_is_fine(&mut self, at: &At<'t>, what: &'static str, text: &str, max: usize) -> bool {
        match check_id(what, text, max) {
            Ok(()) => true,
            Err(error) => {
                let found = match error {
                    BadId::Empty { .. } => String::from("the empty text"),
                    BadId::TooLong { bytes, .. } => format!("{bytes} bytes: {}", quoted(text)),
                };
                self.add(at, error.to_string(), found, format!("1 to {max} bytes of text"));
                false
            }
        }
    }

    /// Checks a scene id; `None` after a problem.
    pub(super) fn scene_id(&mut self, at: &At<'t>, what: &'static str, text: &str) -> Option<SceneId> {
        if !self.id_is_fine(at, what, text, ID_BYTES_MAX) {
            return None;
        }
        SceneId::new(text).ok()
    }

    /// Checks the other scene of a `link` node; `own` is the scene of the definition.
    pub(super) fn sub_scene(&mut self, at: &At<'t>, text: &str, own: Option<&SceneId>) -> Option<SceneId> {
        let sub_scene = self.scene_id(at, "subScene", text)?;
        if Some(&sub_scene) == own {
            self.add(
                at,
                "a definition that names itself: its link would run within itself without end",
                quoted(text),
                "the scene id of another definition; a part that repeats is a loop",
            );
            return None;
        }
        Some(sub_scene)
    }

    /// Checks the name of a decision's case.
    pub(super) fn case_name(&mut self, at: &At<'t>, text: &str) {
        self.id_is_fine(at, "the name of a case", text, ID_BYTES_MAX);
    }

    /// Checks a key of `when`.
    pub(super) fn meta_key(&mut self, at: &At<'t>, text: &str) {
        self.id_is_fine(at, "the meta key of a variant", text, ID_BYTES_MAX);
    }

    /// Checks a text for people: empty is a mistake, absent is not.
    pub(super) fn prose(&mut self, at: &At<'t>, key: &str, text: &str) -> Option<String> {
        if text.is_empty() {
            let allowed = format!("some text, or no {key} at all");
            self.add(at, format!("{key} is empty"), "the empty text", allowed);
            return None;
        }
        Some(text.to_owned())
    }

    /// Checks `slowAfterMs` written as decimal digits.
    pub(super) fn slow_after_ms(&mut self, at: &At<'t>, digits: &str) -> Option<u64> {
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse::<u64>() {
            Ok(ms) if whole && (1..=SLOW_AFTER_MS_MAX).contains(&ms) => Some(ms),
            _ => {
                let allowed = format!("a whole number of milliseconds from 1 to {SLOW_AFTER_MS_MAX}");
                self.add(at, "slowAfterMs is not a whole number in its range", excerpt(digits, 60), allowed);
                None
            }
        }
    }

    /// Reports a block that lies too deep; its inside is not looked at.
    pub(super) fn too_deep(&mut self, at: &At<'t>) {
        self.add(
            at,
            format!("blocks nest deeper than {BLOCK_DEPTH_MAX}"),
            format!("a block inside {BLOCK_DEPTH_MAX} others"),
            format!(
                "at most {BLOCK_DEPTH_MAX} forks, decisions and loops inside one another; move a part into a link of its own"
            ),
        );
    }

    /// Reports variants that can never be chosen because an earlier one has the same condition.
    pub(super) fn variants(&mut self, conditions: &[(BTreeMap<String, String>, At<'t>)]) {
        let mut seen: BTreeMap<&BTreeMap<String, String>, usize> = BTreeMap::new();
        for (when, at) in conditions {
            if when.is_empty() {
                continue; // already reported
            }
            match seen.get(when) {
                Some(&first) => {
                    let found = self.excerpt(at);
                    self.add_with(
                        at,
                        "this variant can never be chosen: an earlier one has the same condition",
                        found,
                        "a condition no earlier variant has",
                        None,
                        Some(first),
                    );
                }
                None => {
                    seen.insert(when, at.span.start);
                }
            }
        }
    }
}

/// The names of one list of nodes: `nodes`, or those of one variant.
#[derive(Default)]
pub(super) struct Scope<'t> {
    names: BTreeMap<String, usize>,
    waits: Vec<(String, At<'t>)>,
}

impl<'t> Scope<'t> {
    /// Takes the name of a node; `None` after a problem.
    pub(super) fn name(&mut self, checker: &mut Checker<'t>, at: &At<'t>, text: &str) -> Option<String> {
        if !checker.id_is_fine(at, "nodeName", text, NAME_BYTES_MAX) {
            return None;
        }
        if let Some(&first) = self.names.get(text) {
            checker.add_with(
                at,
                format!("two nodes are named {}", quoted(text)),
                quoted(text),
                "a name no other node of this link has",
                None,
                Some(first),
            );
            return None;
        }
        self.names.insert(text.to_owned(), at.span.start);
        Some(text.to_owned())
    }

    /// Takes the names a join waits for; whether they exist is known at the end only.
    pub(super) fn join(
        &mut self,
        checker: &mut Checker<'t>,
        join: Option<&str>,
        targets: Vec<(String, At<'t>)>,
    ) -> Vec<String> {
        let mut seen = BTreeSet::new();
        for (target, at) in &targets {
            if Some(target.as_str()) == join {
                checker.add(
                    at,
                    "a join that waits for itself never ends",
                    quoted(target),
                    "names of other nodes",
                );
            } else if !seen.insert(target.as_str()) {
                checker.add(
                    at,
                    format!("the join names {} twice", quoted(target)),
                    quoted(target),
                    "each name once",
                );
            }
        }
        let names = targets.iter().map(|(target, _)| target.clone()).collect();
        self.waits.extend(targets);
        names
    }

    /// Checks that every node a join waits for exists.
    pub(super) fn finish(self, checker: &mut Checker<'t>) {
        let Scope { names, waits } = self;
        for (target, at) in &waits {
            if names.contains_key(target) {
                continue;
            }
            let meant = if names.len() <= NAMES_SEARCHED_MAX && checker.problems.has_room() {
                closest(target, names.keys().map(String::as_str))
            } else {
                None
            };
            let help = meant.map(|meant| format!("did you mean {}?", quoted(meant)));
            checker.add_with(
                at,
                format!("the join waits for {}, which is no node of this link", quoted(target)),
                quoted(target),
                "names of nodes of the same list of nodes",
                help,
                None,
            );
        }
    }
}

/// The candidate a misspelt word was most likely meant to be.
fn closest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > 64 {
        return None;
    }
    let folded = word.to_lowercase();
    let allowed_edits = 1 + word.chars().count() / 4;
    candidates
        .filter(|candidate| candidate.len() <= 64)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits <= allowed_edits && *edits < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}
