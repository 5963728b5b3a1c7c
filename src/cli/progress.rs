//! Progress of a long ingest on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::pipeline::FeedFigures;
use crate::terminal::{grouped, plural};

/// Between two pictures on a terminal, and between two lines elsewhere.
const PICTURE: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(5);

/// Shows the figures until `ended` is closed.
pub(super) fn show(figures: &FeedFigures, ended: &Receiver<()>) {
    let terminal = std::io::stderr().is_terminal();
    let started = Instant::now();
    if !terminal {
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LINE) {
            eprintln!("{}", line(figures, started));
        }
        return;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30.green/dim} {percent:>3} %  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PICTURE) {
        bar.set_length(get(&figures.size));
        bar.set_position(get(&figures.position));
        bar.set_message(line(figures, started));
    }
    bar.finish_and_clear();
}

fn get(figure: &AtomicU64) -> u64 {
    figure.load(Ordering::Relaxed)
}

fn line(figures: &FeedFigures, started: Instant) -> String {
    let read = get(&figures.read);
    let rate = read as f64 / started.elapsed().as_secs_f64().max(0.001);
    format!(
        "{} read, {} stored, {} a second",
        plural(read, "report"),
        grouped(get(&figures.stored)),
        grouped(rate as u64)
    )
}

/// Shows how much of `total` has passed until `ended` is closed.
pub(super) fn share(passed: &AtomicU64, total: u64, ended: &Receiver<()>) {
    let line = || {
        let passed = get(passed).min(total);
        let percent = passed * 100 / total.max(1);
        format!("{} of {} records, {percent} %", grouped(passed), grouped(total))
    };
    if !std::io::stderr().is_terminal() {
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LINE) {
            eprintln!("{}", line());
        }
        return;
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30.green/dim} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PICTURE) {
        bar.set_position(get(passed).min(total));
        bar.set_message(line());
    }
    bar.finish_and_clear();
}
