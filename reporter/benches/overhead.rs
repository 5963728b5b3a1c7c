//! What a report costs the application, beside the JSON layer of `tracing-subscriber` in the same run:
//! `cargo bench -p linkloom-reporter --bench overhead [-- ROUNDS]`.
//!
//! Every case makes the same calls on one thread, within a mark; the JSON layer writes each line into memory, as ours
//! does before its own thread takes over. Cases take turns in rounds, so that a busy machine is unfair to all alike; printed are the
//! median and the fastest round, in nanoseconds a call. Nothing may be dropped: between rounds the queue is written out, and what the writing
//! thread does then is not in the figures.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use linkloom_reporter::{Level, LinkMark, Reporter, RollingFile, Running};
use serde::Serialize;
use tracing_subscriber::prelude::*;

/// Calls of a case in a round.
const CALLS: u32 = 2_000;
/// Nanoseconds a call may cost more than with the JSON layer.
const LOG_LIMIT: f64 = 1_000.0;
const NODE_LIMIT: f64 = 2_000.0;

#[derive(Serialize)]
struct Input<'a> {
    content_id: u32,
    pictures: [&'a str; 3],
    retry: bool,
}

const INPUT: Input<'static> = Input { content_id: 42, pictures: ["a.png", "b.png", "c.png"], retry: false };

/// A line after the other over the same memory, as a file in the page cache would take them.
struct Memory(std::sync::Mutex<Vec<u8>>);

impl Write for &Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().expect("never poisoned");
        if lines.len() > 1 << 20 {
            lines.clear();
        }
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Times of a case.
struct Case {
    name: &'static str,
    rounds: Vec<f64>,
}

impl Case {
    fn round(&mut self, mut call: impl FnMut(u32)) {
        let began = Instant::now();
        for at in 0..CALLS {
            call(at);
        }
        self.rounds.push(began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }

    /// Median and fastest.
    fn figures(&mut self) -> (f64, f64) {
        self.rounds.sort_by(f64::total_cmp);
        (self.rounds[self.rounds.len() / 2], self.rounds[0])
    }
}

fn json_layer() -> tracing::Dispatch {
    let memory: &'static Memory =
        Box::leak(Box::new(Memory(std::sync::Mutex::new(Vec::with_capacity(2 << 20)))));
    let layer = tracing_subscriber::fmt::layer().json().with_writer(move || memory);
    tracing::Dispatch::new(tracing_subscriber::registry().with(layer))
}

fn log(at: u32) {
    tracing::info!(content_id = at, pictures = 3, retry = false, source = "upload", "pictures are looked at");
}

fn json_node(at: u32) {
    // The least that says as much by `tracing` alone: two events, with the payload as a field of JSON.
    let input = serde_json::to_string(&INPUT).unwrap_or_default();
    tracing::info!(node = "picProcess", status = "RUNNING", input);
    let output = serde_json::to_string(&at).unwrap_or_default();
    tracing::info!(node = "picProcess", status = "COMPLETED", output);
}

/// How long single calls take, whatever becomes of the reports: microseconds at some shares of them.
fn latencies(name: &str, running: &Running) {
    const SINGLE_CALLS: u32 = 50_000;
    let mut times: Vec<f64> = (0..SINGLE_CALLS)
        .map(|at| {
            let began = Instant::now();
            running.reporter().log(Level::Info, "pictures are looked at").data(&INPUT).send();
            let took = began.elapsed();
            if at % 100 == 0 {
                // A busy service, not a flood: room for the writing thread.
                std::thread::sleep(Duration::from_millis(1));
            }
            took.as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let share = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let stats = running.stats();
    println!(
        "{name:<32} {:>8.2} {:>8.2} {:>8.2} {:>9.1}   {} dropped",
        share(0.5),
        share(0.99),
        share(0.999),
        share(1.0),
        stats.dropped.total()
    );
}

fn drained(running: &Running) {
    assert!(running.flush(Duration::from_secs(60)), "everything is written");
    assert_eq!(running.stats().dropped.total(), 0, "nothing was dropped");
}

fn main() {
    let rounds: u32 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(if cfg!(debug_assertions) { 3 } else { 300 });
    let folder = tempfile::tempdir().expect("a folder");
    let file = RollingFile::new(folder.path().join("reports.ndjson"));
    let running = Reporter::builder()
        .without_environment()
        .service("bench")
        .instance("10.0.0.3:8080")
        .file(file)
        .install();
    let reporter = running.reporter().clone();
    let ours = tracing::Dispatch::new(tracing_subscriber::registry().with(reporter.layer()));
    let both = json_layer();
    let off = tracing::Dispatch::new(
        tracing_subscriber::registry()
            .with(reporter.layer().with_filter(tracing_subscriber::filter::LevelFilter::WARN)),
    );
    let _mark = LinkMark::new("content-42", "realtime-input", "9b380cc6965cddca64c53ec4fe237b28").enter();

    let names = [
        "log: JSON layer",
        "log: reporter",
        "log: reporter, level off",
        "node: JSON layer, two events",
        "node: reporter",
    ];
    let mut cases = names.map(|name| Case { name, rounds: Vec::new() });
    for _ in 0..rounds {
        let [json_log, our_log, off_log, json_two, our_node] = &mut cases;
        tracing::dispatcher::with_default(&both, || json_log.round(log));
        tracing::dispatcher::with_default(&ours, || our_log.round(log));
        drained(&running);
        tracing::dispatcher::with_default(&off, || off_log.round(log));
        tracing::dispatcher::with_default(&both, || json_two.round(json_node));
        our_node.round(|at| reporter.node("picProcess").start(&INPUT).complete(at));
        drained(&running);
    }

    println!("{rounds} rounds of {CALLS} calls, ns a call");
    println!("{:<32} {:>8} {:>8}", "", "median", "fastest");
    let figures = cases.each_mut().map(|case| {
        let (median, fastest) = case.figures();
        println!("{:<32} {median:>8.0} {fastest:>8.0}", case.name);
        median
    });
    let [json_log, our_log, _, json_two, our_node] = figures;
    for (what, more, limit) in
        [("log", our_log - json_log, LOG_LIMIT), ("node", our_node - json_two, NODE_LIMIT)]
    {
        let verdict = if more <= limit { "within" } else { "beyond" };
        println!("{what}: {more:+.0} ns beside the JSON layer, {verdict} the {limit:.0} allowed");
    }

    println!(
        "\n{:<32} {:>8} {:>8} {:>8} {:>9}   µs a call of a log",
        "", "50 %", "99 %", "99.9 %", "slowest"
    );
    let settings = || Reporter::builder().without_environment().service("bench").patience(Duration::ZERO);
    latencies("to a file", &settings().file(RollingFile::new(folder.path().join("latency.ndjson"))).start());
    // A port that is taken by nobody, and one whose listener never answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hangs = format!("http://{}", listener.local_addr().expect("an address"));
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let spool = folder.path().join("spool");
    latencies("to a relay that is down", &settings().relay(format!("http://{free}")).spool(&spool).start());
    latencies("to a relay that hangs", &settings().relay(hangs).spool(&spool).start());
}
