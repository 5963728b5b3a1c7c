//! An application that reports at a steady rate to a relay, and says what that costs it: for tests and measurements.
//!
//! `steady URL SPOOL NAME EXECUTIONS_A_SECOND SECONDS` runs executions 0, 1, ... of business NAME and scene `steady`, each of one
//! node with two logs: four reports. Twice a second, and once everything is out, it prints a JSON line: executions so far, its resident memory in KiB,
//! and how long calls took since the line before, in nanoseconds.

use std::time::{Duration, Instant};

use linkloom_reporter::{Level, LinkMark, Reporter, node};

/// How often it says how it is.
const TELL: Duration = Duration::from_millis(500);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, spool, name, rate, seconds] = &arguments[..] else {
        eprintln!("usage: steady URL SPOOL NAME EXECUTIONS_A_SECOND SECONDS");
        std::process::exit(2);
    };
    let (rate, seconds): (u32, f64) = match (rate.parse(), seconds.parse()) {
        (Ok(rate), Ok(seconds)) => (rate, seconds),
        _ => {
            eprintln!("steady: {rate} and {seconds} have to be numbers");
            std::process::exit(2);
        }
    };
    let running = Reporter::builder()
        .service(name.clone())
        .relay(url.clone())
        .spool(spool)
        .patience(Duration::from_secs(60))
        .install();
    let began = Instant::now();
    let mut took: Vec<u64> = Vec::new();
    let (mut executions, mut told) = (0, began);
    while began.elapsed().as_secs_f64() < seconds {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        while executions < due {
            execute(name, &executions.to_string(), &mut took);
            executions += 1;
        }
        if told.elapsed() >= TELL {
            told = Instant::now();
            tell(executions, &mut took, &running, false);
        }
        // The rate of a real application is not its own choice either.
        std::thread::sleep(Duration::from_millis(1));
    }
    let out = running.flush(Duration::from_secs(120));
    tell(executions, &mut took, &running, out);
}

/// One execution; how long each call took.
fn execute(business: &str, execution: &str, took: &mut Vec<u64>) {
    let mut timed = |call: &mut dyn FnMut()| {
        let began = Instant::now();
        call();
        took.push(began.elapsed().as_nanos() as u64);
    };
    let _mark = LinkMark::new(business, "steady", execution).enter();
    let mut run = None;
    timed(&mut || run = Some(node("work").start(execution).entered()));
    for step in ["one", "two"] {
        timed(&mut || linkloom_reporter::log(Level::Info, format!("step {step} of {execution}")).send());
    }
    timed(&mut || {
        if let Some(run) = run.take() {
            run.complete("done");
        }
    });
}

fn tell(executions: u64, took: &mut Vec<u64>, running: &linkloom_reporter::Running, out: bool) {
    took.sort_unstable();
    let at =
        |share: f64| took.get((took.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0);
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    let stats = running.stats();
    println!(
        "{{\"executions\":{executions},\"rssKib\":{},\"p50\":{p50},\"p99\":{p99},\"max\":{max},\"spoolBytes\":{},\"dropped\":{},\"out\":{out}}}",
        resident_kib(),
        stats.spool_bytes,
        stats.dropped.total(),
    );
    took.clear();
}

/// Resident memory of this process, in KiB; 0 where it cannot be told.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
