//! What the kernel knows of this process: processor time and memory.

use std::time::{Duration, Instant};

/// Clock ticks a second in `/proc` (USER_HZ, which is 100 on every Linux).
const TICKS: f64 = 100.0;

/// A moment of this process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    at: Instant,
    cpu: f64,
    busy: f64,
}

impl Usage {
    /// The present.
    pub fn now() -> Self {
        Usage { at: Instant::now(), cpu: cpu_seconds(), busy: busy_seconds() }
    }

    /// Wall clock since then.
    pub fn wall(&self) -> Duration {
        self.at.elapsed()
    }

    /// Processor seconds of all threads since then.
    pub fn cpu(&self) -> f64 {
        cpu_seconds() - self.cpu
    }

    /// Processor seconds since then that other processes took, or the host gave to other machines.
    pub fn others(&self) -> f64 {
        (busy_seconds() - self.busy - self.cpu()).max(0.0)
    }
}

/// Processor seconds of another process so far; 0 when there is none with this number.
pub(super) fn cpu_seconds_of(pid: u32) -> f64 {
    cpu_seconds_in(&format!("/proc/{pid}/stat"))
}

fn cpu_seconds() -> f64 {
    cpu_seconds_in("/proc/self/stat")
}

/// Source: proc(5), `/proc/pid/stat`, fields 14 (utime) and 15 (stime).
fn cpu_seconds_in(stat: &str) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
    fields.iter().sum::<f64>() / TICKS
}

/// Processor seconds not spent idle, of the whole machine.
///
/// Source: proc(5), `/proc/stat`, line `cpu`: user (with guest), nice, system, idle, iowait, irq, softirq, steal.
fn busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or("").split_whitespace().skip(1).take(8);
    let busy = fields.enumerate().filter(|(at, _)| !matches!(at, 3 | 4));
    busy.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Most memory this process has had resident, in bytes.
pub(super) fn peak_memory() -> u64 {
    status("VmHWM:")
}

/// Lets [`peak_memory`] begin anew. Where the kernel does not allow it, it goes on.
pub(super) fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Memory this process has resident now, in bytes.
pub(super) fn memory() -> u64 {
    status("VmRSS:")
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Bytes for people: `113.2 MiB`.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// The value below which `share` of the sorted values lie.
pub(super) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

/// A duration in milliseconds, for tables.
pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
