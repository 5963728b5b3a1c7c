//! How long answers take, through the library.

use std::io::Write;
use std::time::{Duration, Instant};

use linkloom_query::{ListQuery, Reader};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;

use super::machine::{ms, percentile};

/// Times `link show` and `link list` (newest 50) for these executions; `popular` are those of the business ids that have
/// most executions.
pub fn queries(
    reader: &Reader,
    marks: &[LinkMark],
    popular: &[LinkMark],
    as_of: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let query = ListQuery { limit: 50, ..ListQuery::default() };
    for (who, marks) in [("by execution", marks), ("most popular ids", popular)] {
        let mut bytes = 0;
        let mut show = Vec::new();
        let mut list = Vec::new();
        for mark in marks {
            let started = Instant::now();
            let json = reader.show(mark, as_of, |answer| serde_json::to_vec(answer))?;
            show.push(started.elapsed());
            let json = json.ok_or_else(|| anyhow::anyhow!("{mark:?} is not there"))??;
            bytes += json.len();
            let started = Instant::now();
            let answer = serde_json::to_vec(&reader.list(&mark.business_id, &query, as_of)?)?;
            list.push(started.elapsed());
            anyhow::ensure!(answer.len() > 40, "{mark:?} is not listed");
        }
        line("link show", who, show, out)?;
        line("link list, newest 50", who, list, out)?;
        if bytes > 0 {
            writeln!(out, "  {} answers of {} B in the mean", marks.len(), bytes / marks.len())?;
        }
    }
    Ok(())
}

fn line(what: &str, who: &str, mut times: Vec<Duration>, out: &mut dyn Write) -> std::io::Result<()> {
    times.sort_unstable();
    let at = |share| ms(percentile(&times, share));
    writeln!(
        out,
        "{:<38} p50 {:.3} ms, p99 {:.3} ms, slowest {:.3} ms",
        format!("{what}, {who}"),
        at(0.5),
        at(0.99),
        at(1.0)
    )
}
