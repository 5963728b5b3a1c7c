//! The limits ingest works against, and the parser alone, on one core.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use linkloom_ingest::decode::{Decoder, Limits};
use linkloom_storage::flush::Flush;
use serde::de::IgnoredAny;

/// Bytes of the file the parsers run over, from memory.
const SAMPLE_BYTES: usize = 64 << 20;
/// Runs of each; the median is printed.
const RUNS: usize = 5;

/// Reads a report file without looking at it, then decodes part of it from memory: alone, and with classification and
/// encoding into a flush.
pub fn limits(file: &Path, reports: u64, out: &mut dyn Write) -> anyhow::Result<()> {
    let seconds = median(|| {
        let mut input = File::open(file)?;
        let mut block = vec![0u8; 1 << 20];
        let started = Instant::now();
        while input.read(&mut block)? > 0 {}
        Ok(started.elapsed().as_secs_f64())
    })?;
    writeln!(out, "limit: reading the file                {:>12.0} reports/s", reports as f64 / seconds)?;

    let mut sample = Vec::new();
    File::open(file)?.take(SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    let lines: Vec<&[u8]> = sample.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    let seconds = median(|| {
        let mut decoder = Decoder::new(Limits::default());
        let started = Instant::now();
        let accepted = lines.iter().filter(|line| decoder.decode(line, None).is_ok()).count();
        anyhow::ensure!(accepted * 10 > lines.len() * 9, "most of the sample is refused");
        Ok(started.elapsed().as_secs_f64())
    })?;
    writeln!(out, "decode, one core                       {:>12.0} reports/s", lines.len() as f64 / seconds)?;
    let seconds = median(|| {
        let started = Instant::now();
        let accepted = lines.iter().filter(|line| serde_json::from_slice::<Parsed<'_>>(line).is_ok()).count();
        anyhow::ensure!(accepted * 10 > lines.len() * 9, "most of the sample is refused");
        Ok(started.elapsed().as_secs_f64())
    })?;
    writeln!(out, "limit: serde_json alone, one core      {:>12.0} reports/s", lines.len() as f64 / seconds)?;
    let mut flush = Flush::new();
    let seconds = median(|| {
        let mut decoder = Decoder::new(Limits::default());
        let started = Instant::now();
        for chunk in lines.chunks(65_536) {
            for line in chunk {
                if let Ok(report) = decoder.decode(line, None) {
                    flush.push(&report);
                }
            }
            flush.clear();
        }
        Ok(started.elapsed().as_secs_f64())
    })?;
    writeln!(out, "decode, classify, encode, one core     {:>12.0} reports/s", lines.len() as f64 / seconds)?;
    Ok(())
}

/// A report as a plain program would read it: texts borrowed, payloads skipped. Tells machines apart.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only parsed")]
struct Parsed<'a> {
    #[serde(borrow)]
    business_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    scene_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    execution_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    node_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    trace_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    service: Option<Cow<'a, str>>,
    input: Option<IgnoredAny>,
    output: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
}

fn median(mut run: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let mut seconds = (0..RUNS).map(|_| run()).collect::<anyhow::Result<Vec<f64>>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}
