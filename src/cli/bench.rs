//! `linkloom bench`: measurements anyone can repeat.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use linkloom_ingest::source::kafka::KafkaSettings;
use linkloom_schema::ids::LinkMark;

use super::args::{BenchAllArgs, BenchCommand, BenchGenerateArgs, BenchKafkaArgs, BenchPart, WorkloadArgs};
use super::{Outcome, Output, demo, store};
use crate::bench;
use crate::config::Config;
use crate::service::kafka_settings;
use crate::workload::{Workload, WorkloadConfig};

/// Executions asked for, and how many of the most popular business ids.
const QUERIES: usize = 2_000;
const POPULAR_IDS: usize = 20;

pub(super) fn run(command: &BenchCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    match command {
        BenchCommand::Generate(args) => generate(args, out)?,
        BenchCommand::All(args) => all(args, config, out)?,
        BenchCommand::Kafka(args) => kafka(args, config, out)?,
    }
    Ok(Outcome::Done)
}

fn workload(args: &WorkloadArgs) -> WorkloadConfig {
    WorkloadConfig { lines: args.reports, seed: args.seed, ..WorkloadConfig::default() }
}

fn generate(args: &BenchGenerateArgs, out: &mut Output<'_>) -> anyhow::Result<()> {
    let mut made = Workload::new(workload(&args.workload));
    if args.out == Path::new("-") {
        return Ok(made.write_to(&mut out.out)?);
    }
    let file = File::create(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    Ok(made.write_to(&mut BufWriter::new(file))?)
}

/// Executions to ask for: drawn evenly over all, and those of the most popular business ids.
struct Drawn {
    marks: Vec<LinkMark>,
    popular: Vec<LinkMark>,
}

/// Writes the workload to a file and draws executions from it.
fn write(args: &WorkloadArgs, file: &Path) -> anyhow::Result<Drawn> {
    let mut made = Workload::new(WorkloadConfig { track_executions: true, ..workload(args) });
    let mut writer =
        BufWriter::new(File::create(file).with_context(|| format!("creating {}", file.display()))?);
    let mut marks = Vec::new();
    let mut buffer = Vec::new();
    while made.fill(&mut buffer, 1_500) > 0 {
        writer.write_all(&buffer)?;
        buffer.clear();
        marks.extend(made.take_finished().into_iter().map(|execution| execution.mark));
    }
    writer.flush()?;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    marks.iter().for_each(|mark: &LinkMark| *counts.entry(&mark.business_id).or_default() += 1);
    let mut ids: Vec<(usize, &str)> = counts.into_iter().map(|(id, count)| (count, id)).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let most: Vec<String> = ids.iter().take(POPULAR_IDS).map(|(_, id)| (*id).to_owned()).collect();
    let popular = marks.iter().filter(|mark| most.iter().any(|id| *id == *mark.business_id));
    let popular: Vec<LinkMark> = popular.cloned().collect();
    let spread = |marks: Vec<LinkMark>| {
        let step = (marks.len() / QUERIES).max(1);
        marks.into_iter().step_by(step).take(QUERIES).collect::<Vec<_>>()
    };
    Ok(Drawn { popular: spread(popular), marks: spread(marks) })
}

fn all(args: &BenchAllArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<()> {
    in_folder(args.dir.as_deref(), |folder| parts(args, config, folder, out))
}

fn kafka(args: &BenchKafkaArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<()> {
    let settings = kafka_settings(config, args.kafka.brokers.as_deref())?;
    let keys = if args.keyed { "keyed" } else { "unkeyed" };
    let WorkloadArgs { reports, seed } = args.workload;
    let named = || format!("linkloom-bench-{reports}-{seed}-{}-{keys}", args.partitions);
    let dated = || format!("linkloom-bench-live-{}", store::now().micros());
    let topic = args.topic.clone().unwrap_or_else(|| if args.pace.is_some() { dated() } else { named() });
    let wanted = bench::KafkaBench {
        settings: KafkaSettings { topics: vec![topic], ..settings },
        workload: workload(&args.workload),
        partitions: args.partitions,
        keyed: args.keyed,
        runs: args.runs,
        hbase: args.hbase.clone(),
        pids: args.pids.clone(),
        pace: args.pace,
    };
    if let (Some(rate), true) = (args.pace, args.fill_only) {
        return bench::produce(&wanted, rate);
    }
    in_folder(args.dir.as_deref(), |folder| bench::kafka(&wanted, folder, demo::plans()?, config, out.out))
}

/// Works in a folder; a temporary one, removed afterwards, if none is named.
fn in_folder(dir: Option<&Path>, work: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let temporary = || std::env::temp_dir().join(format!("linkloom-bench-{}", std::process::id()));
    let folder = dir.map_or_else(temporary, Path::to_owned);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let worked = work(&folder);
    if dir.is_none() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    worked
}

fn parts(args: &BenchAllArgs, config: &Config, folder: &Path, out: &mut Output<'_>) -> anyhow::Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let fresh = |name: &str| -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(path)
    };
    if wanted(BenchPart::Load) {
        let file = folder.join("reports.ndjson");
        let drawn = write(&args.workload, &file)?;
        let bytes = std::fs::metadata(&file)?.len();
        writeln!(
            out.out,
            "{} reports of {} B, {}",
            args.workload.reports,
            bytes / args.workload.reports.max(1),
            bench::human_bytes(bytes)
        )?;
        bench::limits(&file, args.workload.reports, out.out)?;
        let loaded = bench::load(&file, &fresh("load")?, demo::plans()?, config, out.out)?;
        bench::queries(&loaded.open.reader(), &drawn.marks, &drawn.popular, store::now(), out.out)?;
        out.out.flush()?;
    }
    if wanted(BenchPart::Live) {
        bench::live(&fresh("live")?, 12_500, args.live_seconds, config, out.out)?;
        out.out.flush()?;
    }
    if wanted(BenchPart::Logs) {
        bench::many_logs(&fresh("logs")?, 1_000_000, config, out.out)?;
        out.out.flush()?;
    }
    if wanted(BenchPart::Windows) {
        bench::open_windows(&fresh("windows")?, 1_000_000, 4_000_000, config, out.out)?;
    }
    Ok(())
}
