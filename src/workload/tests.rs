//! The workload holds what it promises.

use std::collections::{BTreeMap, HashMap};

use linkloom_schema::report::ReportKind;
use linkloom_schema::time::Timestamp;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

fn all(config: WorkloadConfig) -> (Vec<u8>, Workload) {
    let mut workload = Workload::new(config);
    let mut text = Vec::new();
    while workload.fill(&mut text, 777) > 0 {}
    (text, workload)
}

fn config(lines: u64) -> WorkloadConfig {
    WorkloadConfig { lines, track_executions: true, ..WorkloadConfig::default() }
}

/// A report as a reader that knows nothing of the generator sees it; `None`: it cannot be read.
struct Read {
    mark: Option<(String, String, String)>,
    trace: String,
    kind: ReportKind,
    time: Timestamp,
    report: Value,
}

fn read(line: &[u8]) -> Option<Read> {
    let report: Value = serde_json::from_slice(line).ok()?;
    report.as_object()?;
    let text = |key: &str| report.get(key).and_then(Value::as_str).map(str::to_owned);
    let ids = (text("businessId"), text("sceneId"), text("executionId"));
    let mark = match ids {
        (Some(business), Some(scene), Some(execution)) => {
            if [&business, &scene, &execution].iter().any(|id| id.len() > 256) {
                return None;
            }
            Some((business, scene, execution))
        }
        _ => None,
    };
    let kind = match report["type"].as_str()? {
        "node" => ReportKind::Node,
        "log" => ReportKind::Log,
        _ => return None,
    };
    let time = match &report["time"] {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => {
            // 2026-03-01T00:00:00.123456Z, told apart without the generator's own code.
            assert!(text.len() == 27 && text.ends_with('Z'), "{text}");
            let number = |from: usize, to: usize| text[from..to].parse::<i64>().expect("digits");
            let seconds =
                number(8, 10) * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
            assert_eq!(&text[..8], "2026-03-");
            (1_772_323_200 - 86_400 + seconds) * 1_000_000 + number(20, 26)
        }
        _ => return None,
    };
    Some(Read { mark, trace: text("traceId")?, kind, time: Timestamp(time), report })
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    let (text, _) = all(WorkloadConfig { lines: 100_000, ..WorkloadConfig::default() });
    assert_eq!(format!("{:016x}", xxh3_64(&text)), "741358cfb29e4b55");
    let small = |seed| all(WorkloadConfig { lines: 2_000, seed, ..WorkloadConfig::default() }).0;
    assert_eq!(small(5), small(5));
    assert_ne!(small(5), small(6));
}

#[test]
fn lines_do_not_depend_on_how_they_are_fetched() {
    let mut one_by_one = Workload::new(config(5_000));
    let mut text = Vec::new();
    while one_by_one.fill(&mut text, 1) > 0 {}
    assert!(text == all(config(5_000)).0);
    let mut written = Vec::new();
    Workload::new(config(5_000)).write_to(&mut written).expect("a Vec takes it");
    assert!(text == written);
}

#[test]
fn sizes_shares_and_disorder_are_those_of_the_reference() {
    let lines = 100_000;
    let (text, workload) = all(config(lines));
    let expected = workload.expected();
    assert_eq!(expected.lines, lines);
    assert_eq!(expected.bytes, text.len() as u64);
    let mean = text.len() as f64 / lines as f64;
    assert!((470.0..=510.0).contains(&mean), "{mean} bytes a line");

    let share = |count: u64| count as f64 / lines as f64;
    assert!((0.009..0.011).contains(&share(expected.duplicates)), "{expected:?}");
    assert!((0.009..0.011).contains(&share(expected.late)), "{expected:?}");
    assert!((0.0007..0.0013).contains(&share(expected.malformed)), "{expected:?}");
    let known = expected.node_reports + expected.logs + expected.duplicates + expected.malformed;
    assert_eq!(known, lines);

    let mut latest = 0;
    let (mut behind, mut most) = (0, 0);
    for report in text.split(|byte| *byte == b'\n').filter_map(read) {
        let time = report.time.micros();
        latest = latest.max(time);
        behind += u64::from(time < latest);
        most = most.max(latest - time);
    }
    // Held back, or the second copy.
    assert!(
        behind <= expected.late + expected.duplicates
            && behind > (expected.late + expected.duplicates) * 9 / 10
    );
    assert!((4_500_000..=5_500_000).contains(&most), "latest by {most} µs");
    let span = latest - WorkloadConfig::default().start.micros();
    let rate = (expected.node_reports + expected.logs) as f64 / (span as f64 / 1e6);
    assert!((12_300.0..12_600.0).contains(&rate), "{rate} reports a second of event time");
}

#[test]
fn what_comes_is_what_was_expected() {
    for unmarked in [0, 100_000] {
        let (text, mut workload) =
            all(WorkloadConfig { unmarked_logs_per_million: unmarked, ..config(60_000) });
        let expected = workload.expected();
        let finished = workload.take_finished();
        assert!(workload.take_finished().is_empty());

        let mut malformed = 0;
        let mut times: HashMap<(bool, i64), u64> = HashMap::new();
        let mut traces: HashMap<String, (String, String, String)> = HashMap::new();
        let mut reports = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Some(report) = read(line) else {
                malformed += 1;
                continue;
            };
            if let Some(mark) = &report.mark {
                traces.insert(report.trace.clone(), mark.clone());
            }
            *times.entry((report.kind == ReportKind::Log, report.time.micros())).or_default() += 1;
            reports.push(report);
        }
        assert_eq!(malformed, expected.malformed);
        let twice = times.values().filter(|count| **count == 2).count() as u64;
        assert!(times.values().all(|count| *count <= 2));
        assert_eq!(twice, expected.duplicates);

        let mut executions: BTreeMap<(String, String, String), (u32, u32, u64)> = BTreeMap::new();
        let mut unmarked_seen = 0;
        let mut seen = std::collections::HashSet::new();
        let mut fold = 0;
        for report in &reports {
            if !seen.insert((report.kind == ReportKind::Log, report.time.micros())) {
                continue;
            }
            unmarked_seen += u64::from(report.mark.is_none());
            let mark = report.mark.clone().unwrap_or_else(|| traces[&report.trace].clone());
            let execution = executions.entry(mark).or_default();
            match report.kind {
                ReportKind::Node => execution.0 += 1,
                ReportKind::Log => execution.1 += 1,
            }
            execution.2 ^= report_fold(report.kind, report.time);
            fold ^= report_fold(report.kind, report.time);
        }
        assert_eq!(fold, expected.fold);
        assert_eq!(executions.len() as u64, expected.executions);
        assert_eq!(
            executions.values().map(|execution| u64::from(execution.0)).sum::<u64>(),
            expected.node_reports
        );
        assert_eq!(executions.values().map(|execution| u64::from(execution.1)).sum::<u64>(), expected.logs);
        assert_eq!(unmarked_seen > 0, unmarked > 0);
        assert_eq!(finished.len(), executions.len());
        for one in &finished {
            let key = (
                one.mark.business_id.to_string(),
                one.mark.scene_id.to_string(),
                one.mark.execution_id.to_string(),
            );
            assert_eq!(executions.get(&key), Some(&(one.node_reports, one.logs, one.fold)), "{one:?}");
        }
        let share = |ending| {
            finished.iter().filter(|one| one.ending == ending).count() as f64 / finished.len() as f64
        };
        let failures = share(Ending::Failed) + share(Ending::Retried);
        assert!((0.02..0.04).contains(&failures), "{failures}");
        let incomplete = share(Ending::MissingNode) + share(Ending::Stalled);
        assert!((0.012..0.028).contains(&incomplete), "{incomplete}");
        assert!(share(Ending::Cut) < 0.02, "few executions are cut off by the end: {}", share(Ending::Cut));
    }
}

#[test]
fn every_report_has_the_fields_of_the_format() {
    let (text, _) = all(config(30_000));
    let plans = Plan::all();
    let (mut stacks, mut cases, mut metas) = (0, 0, 0);
    for Read { report, kind, mark, .. } in text.split(|byte| *byte == b'\n').filter_map(read) {
        assert_eq!(report["v"], 1);
        for field in ["nodeName", "service", "instance", "host", "traceId"] {
            assert!(report[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {report}");
        }
        let (business, scene, _) = mark.expect("marked unless asked for");
        assert!(business.starts_with("content-1"), "{business}");
        let plan = plans.iter().find(|plan| plan.scene == scene).expect("a scene of ours");
        assert!(plan.nodes.iter().any(|node| report["nodeName"] == *node.name), "{report}");
        assert_eq!(
            report.get("id").is_some(),
            scene != "import",
            "one scene leaves the identity to the content"
        );
        if kind == ReportKind::Node {
            let status = report["status"].as_str().expect("a status");
            assert_eq!(report.get("input").is_some(), status == "RUNNING", "{report}");
            assert_eq!(report.get("output").is_some(), status != "RUNNING", "{report}");
            assert_eq!(report.get("exception").is_some(), status == "FAILED", "{report}");
        } else {
            assert!(
                report["level"].is_string() && report["message"].is_string() && report["data"].is_object()
            );
        }
        let stack = report["exception"]["stack"].as_str();
        assert!(
            stack.is_none_or(|stack| (900..1_200).contains(&stack.len()) && stack.contains("\nCaused by: "))
        );
        stacks += u64::from(stack.is_some());
        cases += u64::from(report.get("case").is_some());
        metas += u64::from(report.get("meta").is_some());
    }
    assert!(stacks > 30 && cases > 300 && metas > 500, "{stacks} stacks, {cases} cases, {metas} metas");
}

#[test]
fn business_ids_are_as_many_and_as_uneven_as_told() {
    let (_, mut workload) = all(WorkloadConfig { business_ids: 100, ..config(200_000) });
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for one in workload.take_finished() {
        *counts.entry(one.mark.business_id.to_string()).or_default() += 1;
    }
    let total: u64 = counts.values().sum();
    assert!((90..=100).contains(&counts.len()), "{}", counts.len());
    let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
    let first = counts["content-1000001"] as f64 / total as f64;
    assert!((first * harmonic - 1.0).abs() < 0.1, "{first} of all belong to the first");
    assert!(!counts.contains_key("content-1000101"));

    let (_, workload) = all(config(200_000));
    let executions = workload.expected().executions;
    let guess = config(200_000).executions();
    assert!(
        guess.abs_diff(executions) * 10 < executions,
        "{guess} executions were expected, {executions} came"
    );
}

#[test]
fn any_configuration_ends_with_its_number_of_lines() {
    let mut rng = Rng::new(99);
    for seed in 0..60 {
        let lines = rng.below(3_000);
        let full = |rng: &mut Rng| *rng.pick(&[0, 10_000, 500_000, 1_000_000]);
        let config = WorkloadConfig {
            lines,
            seed,
            interleaved: rng.below(100) as u32,
            reports_per_sec: *rng.pick(&[0, 1, 12_500, u32::MAX]),
            late_ms_max: *rng.pick(&[0, 5_000, u32::MAX]),
            logs_per_node_max: rng.below(20) as u8,
            duplicates_per_million: full(&mut rng),
            late_per_million: full(&mut rng),
            malformed_per_million: full(&mut rng),
            failures_per_million: full(&mut rng),
            incomplete_per_million: full(&mut rng),
            business_ids: rng.below(3),
            ..config(0)
        };
        let (text, mut workload) = all(config.clone());
        assert_eq!(text.iter().filter(|byte| **byte == b'\n').count() as u64, lines, "{config:?}");
        let expected = workload.expected();
        assert_eq!(expected.lines, lines);
        let known = expected.node_reports + expected.logs + expected.duplicates + expected.malformed;
        assert_eq!(known, lines, "{config:?}");
        assert_eq!(workload.take_finished().len() as u64, expected.executions);
    }
}

#[test]
fn memory_is_bounded_by_what_runs_at_once() {
    let mut workload = Workload::new(WorkloadConfig { lines: 400_000, ..WorkloadConfig::default() });
    let mut buf = Vec::new();
    let mut most = 0;
    while workload.fill(&mut buf, 10_000) > 0 {
        buf.clear();
        most = most.max(workload.slots.len() + workload.held.len());
    }
    // 2,000 executions, and 2 % of five seconds of lines, half of which wait on average.
    assert!(most < 2_000 + 1_250, "{most} slots and held lines");
    assert!(workload.finished.is_empty(), "nothing is gathered unless asked for");
}
