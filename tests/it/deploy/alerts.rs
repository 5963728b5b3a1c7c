//! Alert rules and dashboard: metrics that exist, runbooks that exist, figures that agree.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use linkloom::metrics::{self, Kind};
use serde_json::Value;

use super::{read, root, yaml};

const RULES: &str = "deploy/prometheus/linkloom.rules.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/linkloom.json";

/// Metrics of others.
const OF_OTHERS: [&str; 1] = ["vector_component_discarded_events_total"];

/// All metrics an expression may use.
fn known() -> BTreeMap<&'static str, Kind> {
    metrics::ALL.iter().map(|metric| (metric.name, metric.kind)).collect()
}

/// The words of an expression that begin with a prefix.
fn words<'a>(expression: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(is_word) {
        let word = &rest[at..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        if word[..end].starts_with(prefix) {
            found.push(&word[..end]);
        }
        rest = &word[end..];
    }
    found
}

/// What is wrong with the metrics and labels of an expression.
fn problems(expression: &str, known: &BTreeMap<&str, Kind>) -> Vec<String> {
    let mut found = Vec::new();
    for word in words(expression, "linkloom_") {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        match (known.get(word), base.and_then(|base| known.get(base))) {
            (Some(Kind::Histogram), _) => {
                found.push(format!("{word} is a histogram: its buckets have names of their own"))
            }
            (Some(_), _) | (None, Some(Kind::Histogram)) => {}
            (None, Some(_)) => found.push(format!("{word} is of no histogram")),
            (None, None) => found.push(format!("{word} does not exist")),
        }
    }
    for word in words(expression, "vector_") {
        if !OF_OTHERS.contains(&word) {
            found.push(format!("{word} is not a known metric of Vector"));
        }
    }
    let outcomes: BTreeSet<&str> = metrics::ALL
        .iter()
        .filter_map(|metric| metric.label)
        .filter(|(label, _)| *label == "outcome")
        .flat_map(|(_, values)| values.iter().copied())
        .collect();
    for part in expression.split("outcome").skip(1) {
        let quoted = part.trim_start_matches(['=', '~', '!']);
        let Some(quoted) = quoted.strip_prefix('"').and_then(|quoted| quoted.split('"').next()) else {
            continue;
        };
        for outcome in quoted.split('|').filter(|outcome| !outcomes.contains(outcome)) {
            found.push(format!("no position ends as {outcome:?}"));
        }
    }
    found
}

/// Name, rule of every alert.
fn alerts() -> Vec<(String, Value)> {
    let rules = yaml(RULES);
    let groups = rules["groups"].as_array().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.map(|rule| (rule["alert"].as_str().expect("a name").to_owned(), rule.clone())).collect()
}

/// The parts of the runbook: heading, text.
fn runbook() -> BTreeMap<String, String> {
    let text = read("docs/operations.md");
    let (_, alerts) = text.split_once("\n## Alerts\n").expect("a part on alerts");
    let parts = alerts.split("\n### ").skip(1);
    parts
        .map(|part| {
            part.split_once('\n').map(|(name, text)| (name.to_owned(), text.to_owned())).expect("a text")
        })
        .collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).expect("JSON")
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row")
}

fn expressions(panel: &Value) -> impl Iterator<Item = &str> {
    panel["targets"]
        .as_array()
        .expect("targets")
        .iter()
        .map(|target| target["expr"].as_str().expect("an expression"))
}

#[test]
fn every_metric_exists() {
    let known = known();
    let mut found = Vec::new();
    let alerts = alerts();
    for (name, rule) in &alerts {
        let expression = rule["expr"].as_str().expect("an expression");
        found.extend(problems(expression, &known).iter().map(|problem| format!("{name}: {problem}")));
    }
    let dashboard = dashboard();
    for panel in panels(&dashboard) {
        for expression in expressions(panel) {
            found.extend(
                problems(expression, &known).iter().map(|problem| format!("{}: {problem}", panel["title"])),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(alerts.len() >= 10, "only {} alerts", alerts.len());
}

#[test]
fn a_metric_that_does_not_exist_is_found() {
    let known = known();
    let check = |expression: &str| problems(expression, &known).join("; ");
    assert_eq!(
        check("sum(rate(linkloom_flush_seconds_bucket{le=\"1\"}[5m])) / linkloom_positions_read_total"),
        ""
    );
    assert_eq!(check("rate(linkloom_positions_total{outcome=~\"stored|duplicate\"}[5m])"), "");
    assert_eq!(check("rate(linkloom_flushes_total[5m])"), "linkloom_flushes_total does not exist");
    assert_eq!(
        check("linkloom_flush_packs_total_sum > 0"),
        "linkloom_flush_packs_total_sum is of no histogram"
    );
    assert_eq!(
        check("linkloom_flush_seconds > 0"),
        "linkloom_flush_seconds is a histogram: its buckets have names of their own"
    );
    assert_eq!(
        check("linkloom_positions_total{outcome=\"lost\"} or vector_x"),
        "vector_x is not a known metric of Vector; no position ends as \"lost\""
    );
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let dashboard = dashboard();
    let shown: BTreeSet<&str> =
        panels(&dashboard).flat_map(expressions).flat_map(|it| words(it, "linkloom_")).collect();
    let missing: Vec<&str> = known()
        .into_iter()
        .filter(|(name, kind)| match kind {
            Kind::Histogram => !shown.contains(format!("{name}_bucket").as_str()),
            _ => !shown.contains(name),
        })
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "not on the dashboard: {missing:?}");
}

#[test]
fn every_alert_has_a_runbook() {
    let runbook = runbook();
    let alerts = alerts();
    for (name, rule) in &alerts {
        let severity = rule["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["page", "ticket"].contains(&severity), "{name} has severity {severity:?}");
        assert!(rule["for"].is_string(), "{name} fires at once");
        for text in ["summary", "description"] {
            assert!(
                rule["annotations"][text].as_str().is_some_and(|text| text.len() > 20),
                "{name} has no {text}"
            );
        }
        // An anchor is the heading in lower case.
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], anchor.as_str(), "{name}");
        let part = runbook.get(name).unwrap_or_else(|| panic!("docs/operations.md has no part ### {name}"));
        assert!(
            part.trim_start().starts_with(&format!("*{severity}.*")),
            "the runbook of {name} does not say {severity}"
        );
        assert!(part.contains("\n1. "), "the runbook of {name} does not say what to do");
    }
    let names: BTreeSet<&str> = alerts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), alerts.len(), "two alerts have one name");
    assert_eq!(names, runbook.keys().map(String::as_str).collect(), "alerts, and parts of the runbook");
}

/// Links within and between the documents lead somewhere.
#[test]
fn the_links_of_the_runbook_lead_somewhere() {
    let text = read("docs/operations.md");
    let anchors: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| {
            heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect();
    let mut links = 0;
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        links += 1;
        match link.strip_prefix('#') {
            Some(anchor) => assert!(anchors.contains(anchor), "no heading for #{anchor}"),
            None => assert!(root().join("docs").join(link).exists(), "no file {link}"),
        }
    }
    assert!(links > 20, "only {links} links");
}

/// The figures that stand in several places are the same everywhere.
#[test]
fn the_memory_limit_is_one_number() {
    let config: toml::Table = read("deploy/linkloom.toml").parse().expect("TOML");
    let limit = config["assembler"]["memory_bytes_max"].as_integer().expect("a number");
    let alerts = alerts();
    let (_, rule) = alerts.iter().find(|(name, _)| name == "LinkloomMemoryNearLimit").expect("the alert");
    assert!(
        rule["expr"].as_str().is_some_and(|expr| expr.ends_with(&format!("> 0.9 * {limit}"))),
        "{}",
        rule["expr"]
    );
    let dashboard = dashboard();
    let panel = panels(&dashboard).find(|panel| panel["title"] == "Memory of windows").expect("the panel");
    assert_eq!(panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], limit);
}

#[test]
fn panels_do_not_overlap_and_explain_themselves() {
    let dashboard = dashboard();
    let mut taken = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title} has the id of another panel");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{title}: no {key}"));
        assert!(place("x") + place("w") <= 24, "{title} is off the grid");
        for y in place("y")..place("y") + place("h") {
            for x in place("x")..place("x") + place("w") {
                if let Some(other) = taken.insert((x, y), title) {
                    panic!("{title} lies on {other}");
                }
            }
        }
    }
    for panel in panels(&dashboard) {
        let title = &panel["title"];
        assert!(
            panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{title} does not say what it shows"
        );
        for target in panel["targets"].as_array().expect("targets") {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    assert!(panels(&dashboard).count() >= 15);
}

/// The alerts fire at what they are for, and at nothing else: their own tests, run by Prometheus' own tool.
#[test]
fn the_alerts_fire_when_they_should() {
    let tested: BTreeSet<String> = {
        let text = read("deploy/prometheus/linkloom.rules.test.yml");
        alerts().into_iter().map(|(name, _)| name).filter(|name| !text.contains(name.as_str())).collect()
    };
    assert!(tested.is_empty(), "alerts without a test: {tested:?}");
    let tool = std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into());
    let output = Command::new(tool)
        .args(["test", "rules", "linkloom.rules.test.yml"])
        .current_dir(root().join("deploy/prometheus"))
        .output();
    match output {
        Err(_) => eprintln!("skipped: no promtool; the alerts were only read"),
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
    }
}
