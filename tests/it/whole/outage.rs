//! HBase and its gateway are killed, hang, and stay away, under load.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Whole, lines};
use crate::hbase::servers::HbaseServers;
use crate::support::from_env;
use crate::support::serve::{Server, until};

#[test]
fn hbase_and_its_gateway_are_killed_and_hang_under_load() {
    let Some(whole) = Whole::new("harmed") else { return };
    let _alone = whole.hbase.alone();
    let reports = whole.reports(from_env("LINKLOOM_WHOLE_REPORTS", 12_000), 23);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    let mut server = whole.start();
    let mut written = 0;
    for (number, part) in all.chunks(all.len().div_ceil(4)).enumerate() {
        let (before, meanwhile) = part.split_at(part.len() / 3);
        whole.write(before);
        until("some of it is read", || {
            server.is_running();
            server.metric("linkloom_positions_read_total") > Some(written)
        });
        written += part.len() as u64;
        let refused = server.metric("linkloom_store_retries_total").unwrap_or(0);
        let is_refused = |server: &Server| server.metric("linkloom_store_retries_total") > Some(refused);
        match number {
            0 => {
                whole.hbase.call(&["kill-hbase"]);
                whole.write(meanwhile);
                until("HBase is missed", || is_refused(&server));
                whole.hbase.call(&["start-hbase"]);
                whole.hbase.call(&["start-thrift"]);
            }
            1 => {
                whole.hbase.call(&["kill-thrift"]);
                whole.write(meanwhile);
                until("the gateway is missed", || is_refused(&server));
                whole.hbase.call(&["start-thrift"]);
            }
            2 => {
                // It accepts and says nothing.
                let pid = gateway_pid(whole.hbase);
                signal("-STOP", &pid);
                whole.write(meanwhile);
                until("its silence is noticed", || is_refused(&server));
                signal("-CONT", &pid);
            }
            _ => whole.write(meanwhile),
        }
        server.is_running();
    }
    whole.wait_for_all(&mut server);
    assert!(server.metric("linkloom_hbase_reconnects_total") > Some(0));
    server.stop();
    whole.assert_all_is_there(&reports);
}

fn gateway_pid(hbase: &HbaseServers) -> String {
    let status = hbase.call(&["status"]).stdout;
    let status = String::from_utf8_lossy(&status).into_owned();
    let line = status.lines().find(|line| line.starts_with("thrift-")).expect("a gateway");
    let (_, rest) = line.split_once("process ").expect("it runs");
    rest.split_once(',').expect("a number").0.to_owned()
}

fn signal(signal: &str, pid: &str) {
    assert!(std::process::Command::new("kill").args([signal, pid]).status().expect("kill").success());
}

/// Accepts, and never answers.
struct Silent {
    address: String,
    stop: Arc<AtomicBool>,
}

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if stopping.load(Ordering::Acquire) {
                    return;
                }
                held.push(stream);
            }
        });
        Silent { address, stop }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        drop(TcpStream::connect(&self.address));
    }
}

#[test]
fn a_gateway_that_hangs_is_left_for_another() {
    let Some(whole) = Whole::new("silent") else { return };
    let _in_use = whole.hbase.shared();
    let reports = whole.reports(4_000, 24);
    let bytes = std::fs::read(&reports.path).expect("read");
    whole.write(&lines(&bytes));
    let silent = Silent::new();
    let gateways = format!("{},{}", silent.address, whole.hbase.gateway());
    let mut server = whole.start_with(&gateways, &[("LINKLOOM__HBASE__TIMEOUT_MS", "1000".to_owned())]);
    whole.wait_for_all(&mut server);
    server.stop();
    whole.assert_all_is_there(&reports);
}

/// Resident memory of a process, in KiB.
fn memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// What a process looks like at one moment of the outage.
#[derive(Clone, Copy, Debug)]
struct Moment {
    read: u64,
    lag: u64,
    memory_kib: u64,
}

impl Moment {
    fn of(server: &Server) -> Self {
        Moment {
            read: server.metric("linkloom_positions_read_total").unwrap_or(0),
            lag: server.metric("linkloom_kafka_lag").unwrap_or(0),
            memory_kib: memory_kib(server.child.id()),
        }
    }
}

#[test]
fn an_outage_under_load_is_waited_out_within_bounds() {
    let seconds = from_env("LINKLOOM_OUTAGE_SECONDS", 0);
    if seconds == 0 {
        eprintln!("skipped: an outage takes minutes to drain; LINKLOOM_OUTAGE_SECONDS=20 runs it");
        return;
    }
    let Some(whole) = Whole::new("outage") else { return };
    let _alone = whole.hbase.alone();
    let a_second = from_env("LINKLOOM_OUTAGE_RATE", 1_500);
    let warm = 6_000;
    let reports = whole.reports(warm + seconds * a_second, 25);
    let bytes = std::fs::read(&reports.path).expect("read");
    let all = lines(&bytes);
    let (before, meanwhile) = all.split_at(warm as usize);
    // Little that is fetched ahead, so that it is full soon.
    let mut server = whole
        .start_with(&whole.hbase.gateway(), &[("LINKLOOM__KAFKA__QUEUE_BYTES_MAX", (1 << 20).to_string())]);
    whole.write(before);
    whole.wait_for_all(&mut server);
    until("it is ready", || server.get("/readyz").is_some_and(|(status, _)| status == 200));
    let calm = Moment::of(&server);

    whole.hbase.call(&["kill-thrift"]);
    whole.hbase.call(&["kill-hbase"]);
    let began = Instant::now();
    let mut moments = Vec::new();
    for (number, part) in meanwhile.chunks(a_second as usize).enumerate() {
        whole.write(part);
        let due = Duration::from_secs(number as u64 + 1);
        until("the second is over", || began.elapsed() >= due);
        server.is_running();
        moments.push(Moment::of(&server));
    }
    let (status, lacks) = server.get("/readyz").expect("it answers");
    assert!(
        status == 503 && lacks.contains(&format!("HBase at {}", whole.hbase.gateway())),
        "{status} {lacks}"
    );
    assert_eq!(server.get("/healthz"), Some((200, "ok\n".to_owned())), "it is alive");
    let last = *moments.last().expect("a moment");
    let away = began.elapsed();
    whole.hbase.call(&["start-hbase"]);
    whole.hbase.call(&["start-thrift"]);
    let back = Instant::now();
    whole.wait_for_all(&mut server);
    let drained = back.elapsed();
    until("it is ready again", || server.get("/readyz").is_some_and(|(status, _)| status == 200));
    let after = Moment::of(&server);
    let highest = moments.iter().map(|moment| moment.memory_kib).max().unwrap_or(0);
    eprintln!(
        "away for {away:?} with {a_second} reports a second: lag {} at its end, drained in {drained:?} after HBase was \
         back; memory {} MiB before, at most {} MiB meanwhile, {} MiB after",
        last.lag,
        calm.memory_kib >> 10,
        highest >> 10,
        after.memory_kib >> 10,
    );
    // The lag grows: nothing is committed, however much is written.
    let written = meanwhile.len() as u64;
    assert!(last.lag >= written * 9 / 10, "{last:?} of {written}");
    assert!(moments.windows(2).all(|two| two[0].lag <= two[1].lag), "{moments:?}");
    // Reading stops: what is held is bounded by the flushes under way and the one being filled, of 1,500 reports each.
    let (late, held) = (&moments[moments.len() * 2 / 3..], last.read - calm.read);
    assert!(late.iter().all(|moment| moment.read == last.read), "{moments:?}");
    assert!(held < written / 2 && held <= 8 * 1_500, "{held} of {written} were read");
    // And so is memory.
    let early = moments[..moments.len() / 2].iter().map(|moment| moment.memory_kib).max().unwrap_or(0);
    assert!(highest <= early.max(calm.memory_kib) + (8 << 10), "{moments:?}");
    assert!(highest <= 256 << 10, "{moments:?}");
    server.stop();
    whole.assert_all_is_there(&reports);
}
