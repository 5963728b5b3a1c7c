//! Two extremes: a million logs in one node, and a million executions open at once.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use linkloom_ingest::source::{Input, InputOptions, Inputs};
use linkloom_query::LogsQuery;
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;

use super::machine::{human_bytes, memory, ms, percentile};
use crate::config::Config;
use crate::pipeline::FeedFigures;
use crate::service::{OpenStore, Service, open_embedded};

/// Pages of the large node that are timed.
const PAGES: usize = 50;

/// Loads one execution with `logs` logs in one node and times pages of the node from its beginning on.
pub fn many_logs(folder: &Path, logs: u64, config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let start = 1_795_255_200_000_000_i64;
    let file = folder.join("one-node.ndjson");
    std::fs::create_dir_all(folder)?;
    let mut writer = std::io::BufWriter::new(std::fs::File::create(&file)?);
    let node = |status: &str, time: i64| {
        format!(
            "{{\"v\":1,\"type\":\"node\",\"businessId\":\"content-1\",\"sceneId\":\"import\",\"executionId\":\"1\",\
             \"nodeName\":\"copy\",\"status\":\"{status}\",\"time\":{time}}}\n"
        )
    };
    writer.write_all(node("RUNNING", start).as_bytes())?;
    for number in 0..logs as i64 {
        let time = start + 1 + number * 1_000;
        writeln!(
            writer,
            "{{\"v\":1,\"type\":\"log\",\"businessId\":\"content-1\",\"sceneId\":\"import\",\"executionId\":\"1\",\
             \"nodeName\":\"copy\",\"time\":{time},\"level\":\"INFO\",\"message\":\"row {number} copied from the \
             archive of the partner, checked against its list and put into the queue of the index\",\
             \"data\":{{\"row\":{number},\"bytes\":{},\"shard\":{}}},\"service\":\"import-worker\"}}",
            number * 37 % 100_000,
            number % 16
        )?;
    }
    writer.write_all(node("COMPLETED", start + logs as i64 * 1_000 + 2).as_bytes())?;
    writer.into_inner().map_err(|error| error.into_error())?;

    let open = OpenStore::new(std::sync::Arc::new(open_embedded(&folder.join("store"), config)?), config)?;
    let service = Service::start(open, config, Some(folder.join("scratch")))?;
    let mut source = Inputs::new([Input::File(file)], InputOptions::default(), Box::new(|_| Ok(Vec::new())));
    service.feed(&mut source, &FeedFigures::default(), &AtomicBool::new(false))?;
    service.drain();

    let reader = service.open().reader();
    let mark = LinkMark::new("content-1", "import", "1")?;
    let as_of = Timestamp(start + 86_400_000_000);
    let before = memory();
    let mut most = before;
    let mut query = LogsQuery { limit: 100, ..LogsQuery::default() };
    let mut times = Vec::new();
    for _ in 0..PAGES {
        let started = Instant::now();
        let page = reader.node(&mark, "copy", None, &query, as_of, |answer| {
            serde_json::to_vec(answer).map(|json| (json.len(), answer.logs.len(), answer.next_cursor.clone()))
        })?;
        times.push(started.elapsed());
        most = most.max(memory());
        let (_, lines, next) = page.ok_or_else(|| anyhow::anyhow!("the node is not there"))??;
        anyhow::ensure!(lines == 100, "a page of {lines} logs");
        query.cursor = next;
    }
    let first = times[0];
    times.sort_unstable();
    writeln!(
        out,
        "a page of a node with {logs} logs          first {:.1} ms, p50 {:.1} ms, slowest {:.1} ms, {} more memory",
        ms(first),
        ms(percentile(&times, 0.5)),
        ms(percentile(&times, 1.0)),
        human_bytes(most - before)
    )?;
    let started = Instant::now();
    reader.show(&mark, as_of, |answer| answer.logs.total)?;
    writeln!(out, "  link show of it, which counts every log: {:.0} ms", ms(started.elapsed()))?;
    Ok(())
}

/// Loads a workload with `open` executions at once, with windows that fit and with windows that do not.
pub fn open_windows(
    folder: &Path,
    open: u32,
    reports: u64,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("open.ndjson");
    write_open(&file, open, reports)?;
    let mut rates = Vec::new();
    for (name, bytes) in [("in memory", 8_usize << 30), ("limited", 256 << 20)] {
        let mut config = config.clone();
        config.assembler.memory_bytes_max = bytes;
        config.assembler.idle_gap_ms = 3_600_000;
        config.assembler.terminal_gap_ms = 3_600_000;
        config.assembler.age_max_ms = 86_400_000;
        let at = folder.join(name.replace(' ', "-"));
        let opened = OpenStore::new(std::sync::Arc::new(open_embedded(&at, &config)?), &config)?;
        let service = Service::start(opened, &config, Some(at.join("scratch")))?;
        let mut source =
            Inputs::new([Input::File(file.clone())], InputOptions::default(), Box::new(|_| Ok(Vec::new())));
        let started = Instant::now();
        service.feed(&mut source, &FeedFigures::default(), &AtomicBool::new(false))?;
        service.drain();
        let rate = reports as f64 / started.elapsed().as_secs_f64();
        rates.push(rate);
        let get = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
        let figures = service.assembler().figures();
        writeln!(
            out,
            "{open} executions open, windows {name:<9} {rate:>12.0} reports/s ({} windows, {}, {} spilled, {} brought back, {} read from the store)",
            get(&figures.windows),
            human_bytes(get(&figures.bytes)),
            get(&figures.spilled),
            get(&figures.unspilled),
            get(&figures.reread),
        )?;
        drop(service);
        std::fs::remove_dir_all(&at)?;
    }
    writeln!(
        out,
        "  limited to {} is {:.0} % of in memory",
        human_bytes(256 << 20),
        100.0 * rates[1] / rates[0]
    )?;
    Ok(())
}

/// Writes reports of `open` executions in turn, so that all are open at once: what was touched longest ago comes next, the
/// worst there is for windows that are put aside by age.
fn write_open(file: &Path, open: u32, reports: u64) -> std::io::Result<()> {
    const START: u64 = 1_795_255_200_000_000;
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for number in 0..reports {
        let (execution, round) = (number % u64::from(open), number / u64::from(open));
        let time = START + number * 80;
        let mark = format!(
            "\"businessId\":\"content-{}\",\"sceneId\":\"import\",\"executionId\":\"{execution:08x}\"",
            execution / 4
        );
        let node = ["fetchSource", "parse", "validate", "store"][(round / 3 % 4) as usize];
        let rest = match round % 3 {
            0 => "\"type\":\"node\",\"status\":\"RUNNING\",\"input\":{\"size\":1048576,\"format\":\"jpeg\"}"
                .to_owned(),
            1 => format!(
                "\"type\":\"log\",\"level\":\"INFO\",\"message\":\"part {execution} of the import is under way\""
            ),
            _ => "\"type\":\"node\",\"status\":\"COMPLETED\",\"output\":{\"ok\":true}".to_owned(),
        };
        writeln!(
            out,
            "{{\"v\":1,{mark},\"nodeName\":\"{node}\",\"time\":{time},\"service\":\"import-worker\",\"instance\":\"10.43.5.{}:8080\",\"id\":\"{number:016x}\",{rest}}}",
            execution % 32
        )?;
    }
    out.flush()
}
