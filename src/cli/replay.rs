//! `linkloom link replay`: an execution as it was reported, at the pace it happened or faster.

use std::time::{Duration, Instant};

use linkloom_schema::report::{Report, ReportKind, Status};
use linkloom_schema::time::Timestamp;

use super::args::{LinkReplayArgs, ReplayFormat};
use super::link::{mark_of, not_found};
use super::{Outcome, Output, store};
use crate::config::Config;
use crate::replay::{replay, report_line};
use crate::terminal::{Line, Style, Tone, duration};

pub(super) fn run(args: &LinkReplayArgs, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let mark = mark_of(&args.mark)?;
    let open = store::existing(&args.store, config)?;
    let mut pace = Pace { speed: args.speed, pause_max: args.pause_max, last: None };
    let mut first = None;
    let style = out.style;
    let played = replay(&*open.store, &mark, |report| -> anyhow::Result<()> {
        let pause = pace.before(report.time);
        if !pause.is_zero() {
            // Whoever watches sees everything up to here.
            out.out.flush()?;
            let until = Instant::now() + pause;
            while let Some(rest) = until.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
            {
                std::thread::sleep(rest);
            }
        }
        match args.output {
            ReplayFormat::Ndjson => {
                let mut line = Vec::new();
                report_line(report, &mut line);
                out.out.write_all(&line)?;
            }
            ReplayFormat::Table => {
                first = first.or(report.time);
                let text = drawn(report, first, style);
                out.out.write_all(text.as_bytes())?;
            }
        }
        Ok(())
    })?;
    out.out.flush()?;
    drop(open);
    match played {
        Some(()) => Ok(Outcome::Done),
        None => not_found(&store::source(&args.store, config)?, &mark),
    }
}

/// Pauses between reports.
struct Pace {
    speed: f64,
    pause_max: Duration,
    last: Option<Timestamp>,
}

impl Pace {
    /// How long to wait before a report of this time.
    fn before(&mut self, time: Option<Timestamp>) -> Duration {
        let (Some(time), last) = (time, self.last) else { return Duration::ZERO };
        self.last = Some(time);
        if self.speed == 0.0 {
            return Duration::ZERO;
        }
        let passed = last.map_or(0, |last| time.micros() - last.micros()).max(0);
        Duration::try_from_secs_f64(passed as f64 / 1_000_000.0 / self.speed)
            .unwrap_or(self.pause_max)
            .min(self.pause_max)
    }
}

/// A report as one line: when, which node, what.
fn drawn(report: &Report<'_>, first: Option<Timestamp>, style: Style) -> String {
    let mut line = Line::new();
    let at = match (report.time, first) {
        (Some(time), Some(first)) => format!("+{}", duration(time.micros() - first.micros())),
        _ => "-".to_owned(),
    };
    line.push(Tone::Faint, &at).pad_to(14);
    line.push(Tone::Strong, report.node_name.as_deref().unwrap_or("-")).pad_to(36);
    match report.kind {
        ReportKind::Node => {
            let status = report.status.unwrap_or(Status::Running);
            let tone = match status {
                Status::Running => Tone::Active,
                Status::Completed => Tone::Good,
                Status::Failed => Tone::Bad,
                Status::Skipped => Tone::Faint,
            };
            line.push(tone, status.as_str());
            if let Some(case) = report.case.as_deref() {
                line.push(Tone::Plain, &format!(" case {case}"));
            }
        }
        ReportKind::Log => {
            let level = report.level.as_deref().unwrap_or("LOG");
            let tone = match level {
                "ERROR" | "FATAL" => Tone::Bad,
                "WARN" | "WARNING" => Tone::Warn,
                _ => Tone::Faint,
            };
            line.push(tone, level).push(Tone::Plain, " ");
            line.push(Tone::Plain, report.message.as_deref().unwrap_or_default());
        }
    }
    if let Some(service) = report.service.as_deref() {
        line.push(Tone::Faint, &format!("  {service}"));
    }
    let mut text = String::new();
    line.write(style, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_speed_up_to_the_longest() {
        let at = |ms: i64| Some(Timestamp(ms * 1_000));
        let mut pace = Pace { speed: 10.0, pause_max: Duration::from_secs(2), last: None };
        let pauses: Vec<u128> = [at(5_000), at(6_000), at(6_000), None, at(5_500), at(9_000_000)]
            .map(|time| pace.before(time).as_millis())
            .to_vec();
        assert_eq!(pauses, [0, 100, 0, 0, 0, 2_000]);
        let mut pace = Pace { speed: 0.0, pause_max: Duration::from_secs(2), last: None };
        assert_eq!([at(0), at(9_000_000)].map(|time| pace.before(time)), [Duration::ZERO; 2]);
    }
}
