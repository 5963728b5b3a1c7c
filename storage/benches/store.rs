//! What the embedded store costs: durable writes, disk, reads. One line of figures a phase, on standard output.
//!
//! ```text
//! cargo bench -p linkloom-storage --bench store -- [--million-reports N] [--value-bytes N] [--flush-reports N]
//!     [--writers N] [--separate BYTES|never] [--workers N] [--days N] [--sync-ms N] [--reads N] [--dir PATH]
//! ```
//!
//! The work is what the pipeline hands over for a million reports of 480 bytes in flushes of `--flush-reports`: 60,000
//! packs (bytes that do not compress, lengths spread around `--value-bytes`) in the rows of 20,000 executions, and
//! three index cells of 350 bytes an execution. With `--days` cells are spread over that many retention days.
//! Memory is that of the process; CPU seconds are its own, all threads together.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linkloom_schema::time::Timestamp;
use linkloom_storage::cell::{Cell, CellBatch, Family, Table};
use linkloom_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Rows, Scan, Store};

const PACKS_PER_MILLION: u64 = 60_000;
const EXECUTIONS_PER_MILLION: u64 = 20_000;
const INDEX_BYTES: usize = 350;
const MICROS_PER_DAY: i64 = 86_400_000_000;
const TODAY: i64 = 20_700;

struct Args {
    millions: f64,
    value_bytes: usize,
    flush_reports: u64,
    writers: u64,
    days: u32,
    reads: u64,
    dir: Option<String>,
    options: EmbeddedOptions,
}

fn main() {
    let Some(args) = parse(std::env::args().skip(1)) else { std::process::exit(2) };
    let parent = args.dir.clone().map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(parent).expect("a directory for the store");
    let mut options = args.options.clone();
    if args.days > 0 {
        options.retention = Some(Retention::Days(args.days));
    }
    let store = EmbeddedStore::open(dir.path(), options.clone()).expect("a new store");
    if args.days > 0 {
        store.expire(Timestamp(TODAY * MICROS_PER_DAY)).expect("told the day");
    }
    let load = Load::of(&args);
    println!(
        "load: {} packs of {} B, {} index cells, flushes of {} reports, {} writers, {:?} separate, {} workers",
        load.packs,
        args.value_bytes,
        load.executions * 3,
        args.flush_reports,
        args.writers,
        options.separate_above_bytes,
        options.worker_threads,
    );
    write_all(&store, &load, &args);
    read_all(&store, &load, &args, "warm");
    let closing = Instant::now();
    store.close().expect("closed");
    println!("close: {:.0} ms", closing.elapsed().as_secs_f64() * 1e3);
    let opening = Instant::now();
    let store = EmbeddedStore::open(dir.path(), options).expect("reopened");
    println!(
        "open: {:.0} ms, {} on disk",
        opening.elapsed().as_secs_f64() * 1e3,
        mib(store.disk_bytes().expect("measured"))
    );
    read_all(&store, &load, &args, "reopened");
}

fn parse(mut rest: impl Iterator<Item = String>) -> Option<Args> {
    let mut args = Args {
        millions: 1.0,
        value_bytes: 1900,
        flush_reports: 100_000,
        writers: 2,
        days: 0,
        reads: 20_000,
        dir: None,
        options: EmbeddedOptions::default(),
    };
    while let Some(flag) = rest.next() {
        if flag == "--bench" {
            continue; // cargo adds it
        }
        let value = rest.next()?;
        let parsed = match flag.as_str() {
            "--million-reports" => value.parse().map(|v| args.millions = v).is_ok(),
            "--value-bytes" => value.parse().map(|v| args.value_bytes = v).is_ok(),
            "--flush-reports" => value.parse().map(|v| args.flush_reports = v).is_ok(),
            "--writers" => value.parse().map(|v| args.writers = v).is_ok(),
            "--days" => value.parse().map(|v| args.days = v).is_ok(),
            "--reads" => value.parse().map(|v| args.reads = v).is_ok(),
            "--workers" => value.parse().map(|v| args.options.worker_threads = v).is_ok(),
            "--sync-ms" => {
                value.parse().map(|v| args.options.sync_interval = Duration::from_millis(v)).is_ok()
            }
            "--memtable-mib" => value.parse().map(|v: u64| args.options.memtable_bytes = v << 20).is_ok(),
            "--buffer-mib" => value.parse().map(|v: u64| args.options.write_buffer_bytes = v << 20).is_ok(),
            "--cache-mib" => value.parse().map(|v: u64| args.options.cache_bytes = v << 20).is_ok(),
            "--dir" => {
                args.dir = Some(value.clone());
                true
            }
            "--separate" if value == "never" => {
                args.options.separate_above_bytes = None;
                true
            }
            "--separate" => value.parse().map(|v| args.options.separate_above_bytes = Some(v)).is_ok(),
            _ => false,
        };
        if !parsed {
            eprintln!("{flag} {value}: not understood");
            return None;
        }
    }
    Some(args)
}

/// The cells of a run: all of them follow from their numbers.
struct Load {
    packs: u64,
    executions: u64,
    packs_per_flush: u64,
    value_bytes: usize,
    days: u64,
    noise: Vec<u8>,
}

impl Load {
    fn of(args: &Args) -> Load {
        let scaled = |per_million: u64| (per_million as f64 * args.millions) as u64;
        let noise = (0..1u64 << 22).map(|i| (mix(i) >> 24) as u8).collect();
        Load {
            packs: scaled(PACKS_PER_MILLION),
            executions: scaled(EXECUTIONS_PER_MILLION),
            packs_per_flush: (PACKS_PER_MILLION * args.flush_reports / 1_000_000).max(1),
            value_bytes: args.value_bytes,
            days: u64::from(args.days),
            noise,
        }
    }

    /// Executions that run at one time share flushes: pack `n` belongs to one of the 2,000 that are open.
    fn execution_of(&self, pack: u64) -> u64 {
        let per_execution = PACKS_PER_MILLION / EXECUTIONS_PER_MILLION;
        (pack / per_execution + mix(pack) % 2_000) % self.executions
    }

    fn row(execution: u64) -> String {
        let business = mix(execution / 3) % 1_000_000_007;
        format!("{:02x}|content-{business}|realtime-input|{:016x}", business & 0xff, mix(execution))
    }

    fn expires_by(&self, execution: u64) -> Option<Timestamp> {
        let day = TODAY - self.days.checked_sub(1)? as i64 + (execution * self.days / self.executions) as i64;
        Some(Timestamp(day * MICROS_PER_DAY))
    }

    fn qualifier(pack: u64) -> String {
        format!("{:010}|{:016x}", pack >> 8, mix(pack ^ 0xabcd))
    }

    fn pack(&self, pack: u64) -> Cell {
        let execution = self.execution_of(pack);
        // Half to three halves of the mean.
        let len = self.value_bytes / 2 + (mix(pack) as usize >> 8) % self.value_bytes;
        let from = (mix(pack + 1) as usize) % (self.noise.len() - len);
        Cell {
            table: Table::Link,
            row: Self::row(execution),
            family: if pack.is_multiple_of(2) { Family::Nodes } else { Family::BusinessLogs },
            qualifier: Self::qualifier(pack),
            value: self.noise[from..from + len].to_vec(),
            expires_by: self.expires_by(execution),
        }
    }

    fn index(&self, execution: u64) -> [Cell; 3] {
        let row = Self::row(execution);
        let mut text = format!("{{\"executionId\":\"{:016x}\",\"status\":\"completed\"", mix(execution));
        while text.len() < INDEX_BYTES {
            text.push_str(&format!(",\"field{}\":{}", text.len(), mix(text.len() as u64 ^ execution) % 1000));
        }
        [(Table::Link, "summary"), (Table::Recent, ""), (Table::Scene, "")].map(|(table, qualifier)| Cell {
            table,
            row: if table == Table::Link {
                row.clone()
            } else {
                format!("{row}|{}", 9_999_999_999 - execution)
            },
            family: Family::Link,
            qualifier: qualifier.to_owned(),
            value: text.clone().into_bytes(),
            expires_by: self.expires_by(execution),
        })
    }

    fn batch(&self, flush: u64) -> CellBatch {
        let packs = flush * self.packs_per_flush..((flush + 1) * self.packs_per_flush).min(self.packs);
        let share = |pack: u64| pack * self.executions / self.packs;
        let executions = share(packs.start)..share(packs.end);
        let cells = packs.map(|p| self.pack(p)).chain(executions.flat_map(|e| self.index(e)));
        CellBatch { cells: cells.collect() }
    }
}

fn write_all(store: &EmbeddedStore, load: &Load, args: &Args) {
    let flushes = load.packs.div_ceil(load.packs_per_flush);
    let next = AtomicU64::new(0);
    let in_write = AtomicU64::new(0);
    let user_bytes = AtomicU64::new(0);
    let made = AtomicU64::new(0);
    let slowest = AtomicU64::new(0);
    let cpu = cpu_seconds();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..args.writers {
            scope.spawn(|| {
                loop {
                    let flush = next.fetch_add(1, Ordering::Relaxed);
                    if flush >= flushes {
                        return;
                    }
                    let making = thread_cpu_seconds();
                    let batch = load.batch(flush);
                    user_bytes.fetch_add(batch.bytes() as u64, Ordering::Relaxed);
                    made.fetch_add(((thread_cpu_seconds() - making) * 1e6) as u64, Ordering::Relaxed);
                    let writing = Instant::now();
                    store.write(&batch).expect("written");
                    let micros = writing.elapsed().as_micros() as u64;
                    in_write.fetch_add(micros, Ordering::Relaxed);
                    slowest.fetch_max(micros, Ordering::Relaxed);
                }
            });
        }
    });
    let wall = started.elapsed().as_secs_f64();
    let made = made.load(Ordering::Relaxed) as f64 / 1e6;
    let cells = (load.packs + 3 * load.executions) as f64;
    let busy = cpu_seconds() - cpu - made;
    println!(
        "write: {:.0} reports/s, {:.0} cells/s, {:.2} CPU s/M reports (making the cells: {:.2}), write() mean {:.1} ms, slowest {:.1} ms, {} on disk, peak {}",
        args.millions * 1e6 / wall,
        cells / wall,
        busy / args.millions,
        made / args.millions,
        in_write.load(Ordering::Relaxed) as f64 / 1e3 / flushes as f64,
        slowest.load(Ordering::Relaxed) as f64 / 1e3,
        mib(store.disk_bytes().expect("measured")),
        mib(peak_bytes()),
    );
    store.settle().expect("settled");
    let disk = store.disk_bytes().expect("measured");
    println!(
        "settled: {:.0} reports/s, {:.2} CPU s/M reports, {} on disk with journals for {} of cells, {:.1} B/report",
        args.millions * 1e6 / started.elapsed().as_secs_f64(),
        (cpu_seconds() - cpu - made) / args.millions,
        mib(disk),
        mib(user_bytes.load(Ordering::Relaxed)),
        disk as f64 / (args.millions * 1e6),
    );
}

fn read_all(store: &EmbeddedStore, load: &Load, args: &Args, state: &str) {
    time(args.reads, &format!("{state}: get a pack"), |i| {
        let pack = load.pack(mix(i) % load.packs);
        let got = store.get(pack.table, &pack.row, pack.family, &pack.qualifier).expect("read");
        assert!(got.as_deref() == Some(&pack.value[..]), "the pack is not what was written");
    });
    time(args.reads, &format!("{state}: get what is not there"), |i| {
        let got = store.get(Table::Link, &Load::row(mix(i)), Family::Link, "summary").expect("read");
        assert_eq!(got, None);
    });
    time(args.reads, &format!("{state}: scan one row"), |i| {
        let row = Load::row(mix(i) % load.executions);
        assert!(count(store, &Scan::new(Table::Link, Rows::One(&row)), usize::MAX) > 0);
    });
    time(args.reads, &format!("{state}: scan one row, keys only"), |i| {
        let row = Load::row(mix(i) % load.executions);
        assert!(count(store, &Scan::new(Table::Link, Rows::One(&row)).keys_only(), usize::MAX) > 0);
    });
    time(args.reads, &format!("{state}: scan 50 newest of a business id"), |i| {
        let row = Load::row(mix(i) % load.executions);
        let prefix = &row[..row.find("|realtime").map_or(0, |at| at + 1)];
        assert!(count(store, &Scan::new(Table::Recent, Rows::Prefix(prefix)), 50) > 0);
    });
    let started = Instant::now();
    let cells = count(store, &Scan::new(Table::Link, Rows::Prefix("")).keys_only(), usize::MAX);
    println!("{state}: all {cells} keys of link in {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
}

fn count(store: &EmbeddedStore, scan: &Scan<'_>, limit: usize) -> usize {
    let mut cells = 0;
    let each = &mut |_: linkloom_storage::store::CellRef<'_>| {
        cells += 1;
        if cells < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    store.scan(scan, each).expect("scanned");
    cells
}

fn time(rounds: u64, what: &str, mut read: impl FnMut(u64)) {
    let mut micros: Vec<f64> = (0..rounds)
        .map(|i| {
            let started = Instant::now();
            read(i);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    let at = |part: f64| micros.get((micros.len() as f64 * part) as usize).copied().unwrap_or_default();
    println!("{what}: p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs", at(0.5), at(0.99), at(0.999));
}

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

/// CPU seconds of this process so far; 0 where `/proc` does not tell.
fn cpu_seconds() -> f64 {
    ticks("/proc/self/stat")
}

fn thread_cpu_seconds() -> f64 {
    // Nanoseconds on a CPU come first; ticks of 10 ms would be too coarse.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

fn ticks(path: &str) -> f64 {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    after_name.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}
