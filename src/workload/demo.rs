//! The demo: a few minutes in the life of a content platform, with stories worth looking at.

use linkloom_schema::time::Timestamp;
use serde_json::{Map, Value, json};

use super::execution::{Habits, Planner, Step, What, stop_after};
use super::expected::Ending;
use super::plan::Plan;
use super::rng::{Rng, mix};
use super::story;
use super::words::{CONTENT_TYPES, EXCEPTIONS, TRIGGERS};

/// What the demo is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoConfig {
    /// When it begins: the clock of the caller, most often now.
    pub start: Timestamp,
    /// How long it goes on, in milliseconds of event time.
    pub span_ms: u64,
    /// Contents beside those of the stories; each gets one to three executions.
    pub contents: u32,
    /// Chooses everything that is random.
    pub seed: u64,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self { start: Timestamp(1_772_323_200_000_000), span_ms: 5_000, contents: 60, seed: 1 }
    }
}

/// One report line of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoLine {
    /// When it is sent; the story that stalled long ago lies before the start.
    pub time: Timestamp,
    /// The report, without line end.
    pub line: String,
}

/// An execution worth looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The business id.
    pub business_id: String,
    /// The scene.
    pub scene_id: &'static str,
    /// The execution.
    pub execution_id: String,
    /// What happened, for people.
    pub what: &'static str,
    /// How it ended.
    pub ending: Ending,
}

/// The lines of the demo, oldest first, and what to look at in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// All reports by time.
    pub lines: Vec<DemoLine>,
    /// The stories, in the order of their business ids.
    pub highlights: Vec<Highlight>,
}

/// Number of the first content.
const FIRST: u64 = 1001;
/// How long before the start the stalled review fell silent: longer than any idle time one would set.
const STALLED_MS: u64 = 2 * 60 * 60 * 1000;

/// One story: an execution with its turn.
struct Story {
    content: u64,
    scene: usize,
    /// When it begins, per thousand of the span.
    at: u64,
    /// A node that must be on its way.
    through: &'static str,
    turn: Turn,
    what: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Turn {
    None,
    /// The node fails with the exception of this number.
    Fails(&'static str, usize),
    /// The node fails, is run again and does its work.
    FailsOnce(&'static str, usize),
    /// The node never reports.
    Missing(&'static str),
    /// The node starts, hours ago, and never ends.
    Stalls(&'static str),
}

const INTAKE: usize = 0;
const REVIEW: usize = 1;
const RECOMPUTE: usize = 2;
const IMPORT: usize = 3;

const fn story(
    content: u64,
    scene: usize,
    at: u64,
    through: &'static str,
    turn: Turn,
    what: Option<&'static str>,
) -> Story {
    Story { content: FIRST + content, scene, at, through, turn, what }
}

#[rustfmt::skip]
const STORIES: &[Story] = &[
    story(0, INTAKE, 0, "createReviewTask", Turn::None, None),
    story(0, REVIEW, 150, "secondReview", Turn::None, Some("two reviewers, two calls, one task id")),
    story(0, RECOMPUTE, 700, "updateIndex", Turn::None, None),
    story(1, INTAKE, 50, "publish", Turn::Fails("picAudit", 0), Some("intake failed: the picture audit timed out")),
    story(1, INTAKE, 600, "publish", Turn::None, None),
    story(2, INTAKE, 20, "createReviewTask", Turn::None, None),
    story(2, REVIEW, 0, "secondReview", Turn::Stalls("secondReview"), Some("the second reviewer never answered")),
    story(3, INTAKE, 250, "publish", Turn::Missing("indexContent"), Some("published, but never indexed")),
    story(4, INTAKE, 100, "publish", Turn::None, None),
    story(4, RECOMPUTE, 500, "updateIndex", Turn::Fails("mergeFeatures", 1), Some("recomputation failed on a missing vector")),
    story(5, IMPORT, 300, "quarantine", Turn::None, Some("imported and held: rights unclear")),
    story(6, INTAKE, 400, "publish", Turn::Fails("publish", 2), Some("publishing met a version that exists")),
    story(7, RECOMPUTE, 350, "updateIndex", Turn::FailsOnce("score", 3), Some("scoring was rejected once and ran again")),
];

impl Demo {
    /// Makes the demo. The same configuration gives the same lines.
    pub fn new(config: &DemoConfig) -> Demo {
        let mut teller = Teller {
            plans: Plan::all(),
            planner: Planner::default(),
            rng: Rng::new(config.seed),
            lines: Vec::new(),
            reports: 0,
        };
        let mut highlights = Vec::new();
        for (number, story) in STORIES.iter().enumerate() {
            let (execution_id, ending) = teller.tell(config, story, number as u64);
            highlights.extend(story.what.map(|what| Highlight {
                business_id: format!("content-{}", story.content),
                scene_id: teller.plans[story.scene].scene,
                execution_id,
                what,
                ending,
            }));
        }
        let told = STORIES.iter().map(|story| story.content + 1 - FIRST).max().unwrap_or_default();
        for number in 0..u64::from(config.contents) {
            for _ in 0..=teller.rng.below(3) {
                let (scene, at) = (teller.rng.below(4) as usize, teller.rng.below(900));
                let turn = Turn::None;
                let story =
                    Story { content: FIRST + told + number, scene, at, through: "", turn, what: None };
                let execution = teller.reports;
                teller.tell(config, &story, execution);
            }
        }
        teller.lines.sort_by(|a, b| (a.time, &a.line).cmp(&(b.time, &b.line)));
        Demo { lines: teller.lines, highlights }
    }
}

struct Teller {
    plans: Vec<Plan>,
    planner: Planner,
    rng: Rng,
    lines: Vec<DemoLine>,
    reports: u64,
}

impl Teller {
    /// Appends the lines of one execution; its execution id and how it ended.
    fn tell(&mut self, config: &DemoConfig, story: &Story, number: u64) -> (String, Ending) {
        let plan = self.plans[story.scene].clone();
        let habits = Habits { logs_per_node_max: 0, failures: 0, incomplete: 0 };
        let index = |name: &str| plan.nodes.iter().position(|node| node.name == name).map(|at| at as u8);
        let mut steps = Vec::new();
        // A few tries: every case comes up soon.
        let decision = loop {
            let planned = self.planner.plan(&plan, habits, &mut self.rng, &mut steps);
            let wanted = index(story.through);
            if wanted.is_none_or(|node| steps.iter().any(|step| step.node == node)) {
                break planned.decision;
            }
        };
        let (ending, exception) = take_turn(story.turn, &index, &mut steps);
        let seed = mix(config.seed ^ mix(number.wrapping_mul(4) + story.scene as u64));
        let trace = format!("{:016x}{:016x}", mix(seed), mix(seed ^ 1));
        let second_trace = format!("{:016x}{:016x}", mix(seed ^ 2), mix(seed ^ 3));
        let execution_id = match story.scene {
            REVIEW => format!("task-{}", 77_000 + number),
            IMPORT => format!("feed-{}-{}", story.content, number),
            _ => trace.clone(),
        };
        let mark = json!({
            "businessId": format!("content-{}", story.content),
            "sceneId": plan.scene,
            "executionId": execution_id,
        });
        let begin = config.span_ms.saturating_mul(story.at) / 1000;
        let back = if matches!(story.turn, Turn::Stalls(_)) { STALLED_MS } else { 0 };
        let mut time = config.start.plus_micros((begin as i64 - back as i64) * 1000);
        // A quiet flow takes a few tens of milliseconds a step; a human takes a tenth of the span.
        let human = (config.span_ms * 100).max(1);
        for (at, step) in steps.iter().enumerate() {
            let node = &plan.nodes[usize::from(step.node)];
            let slow =
                step.what != What::Start && matches!(node.name.as_str(), "firstReview" | "secondReview");
            let pause = if slow { human + self.rng.below(human) } else { 500 + self.rng.below(18_000) };
            time = time.plus_micros(pause as i64);
            let second_call =
                story.scene == REVIEW && index("compareVerdicts").is_some_and(|first| step.node >= first);
            let instance = mix(seed ^ u64::from(step.node)) % 4 + 1;
            let from = json!({
                "service": node.service,
                "instance": format!("{}-{instance}", node.service),
                "host": format!("node-{:02}", mix(instance + node.service.len() as u64) % 24 + 1),
                "traceId": if second_call { &second_trace } else { &trace },
            });
            let words = story::of(&node.name);
            let case = decision
                .filter(|(node, _)| *node == step.node)
                .map(|(_, case)| &plan.cases[usize::from(case)]);
            let mut own = Map::new();
            let parse = |text: &str| -> Value {
                serde_json::from_str(&story::fill(text, story.content)).expect("built-in words are JSON")
            };
            match step.what {
                What::Start => {
                    own.insert("status".into(), "RUNNING".into());
                    own.insert("input".into(), parse(words.input));
                    if at == 0 {
                        let kind = CONTENT_TYPES[story.content as usize % CONTENT_TYPES.len()];
                        let trigger = TRIGGERS[story.scene % TRIGGERS.len()];
                        own.insert("meta".into(), json!({"trigger": trigger, "contentType": kind}));
                    }
                }
                What::End => {
                    own.insert("status".into(), "COMPLETED".into());
                    own.insert("output".into(), parse(words.output));
                    own.extend(case.map(|case| ("case".to_owned(), case.as_str().into())));
                }
                What::Fail => {
                    let (kind, message, _) = EXCEPTIONS[exception];
                    own.insert("status".into(), "FAILED".into());
                    own.insert("exception".into(), json!({"type": kind, "message": plain(message)}));
                }
                What::ErrorLog | What::Log => {
                    let (kind, message, stack) = EXCEPTIONS[exception];
                    own.insert("level".into(), "ERROR".into());
                    let text = format!("{} failed, contentId:{}", node.name, story.content);
                    own.insert("message".into(), text.into());
                    own.insert("data".into(), parse(words.input));
                    let exception =
                        json!({"type": kind, "message": plain(message), "stack": stack.trim_end()});
                    own.insert("exception".into(), exception);
                }
            }
            self.send(&mark, &node.name, time, own, &from, matches!(step.what, What::Log | What::ErrorLog));
            if step.what == What::Start {
                for (level, message) in words.logs {
                    time = time.plus_micros(200 + self.rng.below(3_000) as i64);
                    let message = story::fill(message, story.content);
                    let own = Map::from_iter([
                        ("level".to_owned(), Value::from(*level)),
                        ("message".to_owned(), Value::from(message)),
                    ]);
                    self.send(&mark, &node.name, time, own, &from, true);
                }
            }
        }
        (execution_id, ending)
    }

    fn send(
        &mut self,
        mark: &Value,
        node: &str,
        time: Timestamp,
        own: Map<String, Value>,
        from: &Value,
        log: bool,
    ) {
        let mut report = Map::new();
        report.insert("v".into(), 1.into());
        report.insert("type".into(), if log { "log" } else { "node" }.into());
        report.extend(mark.as_object().cloned().unwrap_or_default());
        report.insert("nodeName".into(), node.into());
        report.insert("time".into(), time.micros().into());
        report.insert("id".into(), format!("d{}", self.reports).into());
        report.extend(own);
        report.extend(from.as_object().cloned().unwrap_or_default());
        self.reports += 1;
        self.lines.push(DemoLine { time, line: Value::Object(report).to_string() });
    }
}

/// A message of [`EXCEPTIONS`] without its JSON escapes.
fn plain(message: &str) -> String {
    message.replace("\\\"", "\"")
}

/// Bends the steps to the story's turn; the ending, and the number of the exception.
fn take_turn(turn: Turn, index: &impl Fn(&str) -> Option<u8>, steps: &mut Vec<Step>) -> (Ending, usize) {
    let node = |name| index(name).expect("a story names a node of its scene");
    let end_of = |node: u8, steps: &[Step]| {
        steps
            .iter()
            .position(|step| *step == Step { node, what: What::End })
            .expect("a story's node is on its way")
    };
    match turn {
        Turn::None => (Ending::Completed, 0),
        Turn::Fails(name, exception) => {
            let node = node(name);
            let end = end_of(node, steps);
            steps.splice(end..=end, [What::ErrorLog, What::Fail].map(|what| Step { node, what }));
            stop_after(node, Ending::Failed, steps);
            (Ending::Failed, exception)
        }
        Turn::FailsOnce(name, exception) => {
            let node = node(name);
            let end = end_of(node, steps);
            let again = [What::ErrorLog, What::Fail, What::Start, What::End];
            steps.splice(end..=end, again.map(|what| Step { node, what }));
            (Ending::Retried, exception)
        }
        Turn::Missing(name) => {
            let node = node(name);
            steps.retain(|step| step.node != node);
            (Ending::MissingNode, 0)
        }
        Turn::Stalls(name) => {
            stop_after(node(name), Ending::Stalled, steps);
            (Ending::Stalled, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn reports(demo: &Demo) -> Vec<Value> {
        demo.lines.iter().map(|line| serde_json::from_str(&line.line).expect("JSON")).collect()
    }

    #[test]
    fn the_demo_is_the_same_each_time_and_lies_in_its_span() {
        let config = DemoConfig::default();
        let demo = Demo::new(&config);
        assert_eq!(demo, Demo::new(&config));
        assert_ne!(demo, Demo::new(&DemoConfig { seed: 2, ..config.clone() }));
        assert!(demo.lines.is_sorted_by_key(|line| line.time));
        let end = config.start.plus_micros(config.span_ms as i64 * 1_500);
        assert!(demo.lines.iter().all(|line| line.time <= end), "nothing lies far behind the span");
        let early = demo.lines.iter().filter(|line| line.time < config.start).count();
        assert!((10..60).contains(&early), "only the stalled review lies before the start: {early} lines");
        assert!(demo.lines.len() > 2_000, "{} lines", demo.lines.len());
    }

    #[test]
    fn ids_are_distinct_and_fields_are_there() {
        let demo = Demo::new(&DemoConfig::default());
        let mut ids = BTreeSet::new();
        for report in reports(&demo) {
            for field in
                ["businessId", "sceneId", "executionId", "nodeName", "id", "service", "instance", "traceId"]
            {
                assert!(report[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {report}");
            }
            assert!(ids.insert(report["id"].to_string()), "{report}");
            let log = report["type"] == "log";
            assert_eq!(report.get("status").is_some(), !log, "{report}");
            assert_eq!(report.get("message").is_some(), log, "{report}");
        }
    }

    #[test]
    fn highlights_are_what_they_say() {
        let demo = Demo::new(&DemoConfig::default());
        let reports = reports(&demo);
        let mut endings = BTreeMap::new();
        for highlight in &demo.highlights {
            *endings.entry(highlight.ending).or_insert(0) += 1;
            let own: Vec<&Value> = reports
                .iter()
                .filter(|report| {
                    report["executionId"] == *highlight.execution_id
                        && report["sceneId"] == highlight.scene_id
                        && report["businessId"] == *highlight.business_id
                })
                .collect();
            let statuses = |status: &str| own.iter().filter(|report| report["status"] == status).count();
            let (started, failed) = (statuses("RUNNING"), statuses("FAILED"));
            let open = started - failed - statuses("COMPLETED");
            let with_stack = own.iter().filter(|report| {
                report["exception"]["stack"].as_str().is_some_and(|s| s.contains("Caused by"))
            });
            let (want_open, want_failed) = match highlight.ending {
                Ending::Failed | Ending::Retried => (0, 1),
                Ending::Stalled => (1, 0),
                _ => (0, 0),
            };
            assert_eq!((open, failed), (want_open, want_failed), "{highlight:?}");
            assert_eq!(with_stack.count(), want_failed, "{highlight:?}");
            if highlight.scene_id == "human-review" && highlight.ending == Ending::Completed {
                let traces: BTreeSet<_> = own.iter().map(|report| report["traceId"].to_string()).collect();
                assert_eq!(traces.len(), 2, "two calls share the task id");
            }
        }
        assert_eq!(endings[&Ending::Failed], 3);
        assert_eq!(
            (endings[&Ending::Stalled], endings[&Ending::MissingNode], endings[&Ending::Retried]),
            (1, 1, 1)
        );
    }
}
