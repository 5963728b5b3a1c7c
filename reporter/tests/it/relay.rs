//! The way over HTTP: batches, refusals, a receiver that is down, the spool.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use linkloom_reporter::{Builder, Level, RollingFile, Running};

use crate::receiver::{Receiver, Reply};
use crate::support::{PATIENCE, read, settings, until};

fn to(url: &str, spool: &Path) -> Builder {
    settings().relay(url).spool(spool).patience(PATIENCE)
}

fn log(running: &Running, numbers: std::ops::Range<usize>) {
    for number in numbers {
        running.reporter().log(Level::Info, format!("m{number}")).send();
    }
}

/// The messages of lines, each once, those that tell of losses apart.
fn messages<'a>(lines: impl IntoIterator<Item = &'a String>) -> (BTreeSet<usize>, Vec<String>) {
    let (mut numbers, mut others) = (BTreeSet::new(), Vec::new());
    for line in lines {
        let message = read(line)["message"].as_str().expect("a message").to_owned();
        match message.strip_prefix('m').and_then(|number| number.parse().ok()) {
            Some(number) => _ = numbers.insert(number),
            None => others.push(message),
        }
    }
    (numbers, others)
}

/// A port nobody listens on, and whoever wants to listen there later.
fn free_port() -> (String, impl FnOnce() -> TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let bind = move || {
        let began = Instant::now();
        loop {
            match TcpListener::bind(address) {
                Ok(listener) => return listener,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
        }
    };
    (format!("http://{address}"), bind)
}

/// Bytes of report lines in a folder and the folders in it.
fn bytes_below(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let about = entry.metadata().expect("about it");
        bytes += if about.is_dir() { bytes_below(&entry.path()) } else { about.len() };
    }
    bytes
}

#[test]
fn batches_are_compressed_and_bounded() {
    let receiver = Receiver::start(|_, _| Reply::ok());
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).token("secret").start();
    log(&running, 0..5_000);
    let large = "x".repeat(200 << 10);
    for _ in 0..10 {
        running.reporter().log(Level::Info, "large").data(&large).send();
    }
    assert!(running.flush(PATIENCE));
    let posts = receiver.posts();
    for post in &posts {
        assert!(post.head.starts_with("POST /api/v1/reports HTTP/1.1\r\n"), "{}", post.head);
        let head = post.head.to_ascii_lowercase();
        for header in
            ["content-encoding: gzip", "content-type: application/x-ndjson", "authorization: bearer secret"]
        {
            assert!(head.contains(header), "{head}");
        }
        let bytes: usize = post.lines.iter().map(|line| line.len() + 1).sum();
        assert!(post.lines.len() <= 1_000 && bytes <= 1 << 20, "{} lines, {bytes} bytes", post.lines.len());
    }
    let (numbers, others) = messages(posts.iter().flat_map(|post| &post.lines));
    assert_eq!((numbers.len(), others.len()), (5_000, 10));
    let stats = running.stats();
    assert_eq!(
        (stats.reported, stats.sent, stats.dropped.total(), stats.spooled),
        (5_010, 5_010, 0, 0),
        "{stats:?}"
    );
    drop(running);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "nothing is left on disk");
}

#[test]
fn one_that_is_down_for_a_while_gets_everything_in_order() {
    let (url, bind) = free_port();
    let spool = tempfile::tempdir().unwrap();
    let running = to(&url, spool.path()).start();
    for part in 0..4 {
        let before = running.stats().spooled;
        let began = Instant::now();
        log(&running, part * 500..(part + 1) * 500);
        assert!(began.elapsed() < Duration::from_secs(5), "the application does not wait");
        until("they are on disk", || running.stats().spooled >= before + 500);
    }
    let stats = running.stats();
    assert!(stats.spool_bytes > 0 && stats.spool_bytes <= bytes_below(spool.path()), "{stats:?}");
    assert_eq!((stats.sent, stats.dropped.total()), (0, 0), "{stats:?}");

    let receiver = Receiver::on(bind(), |_, _| Reply::ok());
    log(&running, 2_000..2_100);
    assert!(running.flush(PATIENCE));
    let posts = receiver.posts();
    let numbers: Vec<u64> =
        posts.iter().flat_map(|post| &post.lines).map(|line| read(line)["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..2_100).collect::<Vec<u64>>());
    let stats = running.stats();
    assert_eq!((stats.sent, stats.spool_bytes, stats.dropped.total()), (2_100, 0, 0), "{stats:?}");
    drop(running);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
}

#[test]
fn retry_after_is_obeyed_and_what_is_sent_again_is_the_same() {
    let receiver = Receiver::start(|count, _| match count {
        0 => Reply::Status(429, "Retry-After: 1\r\n", String::new()),
        1 => Reply::Status(503, "", String::new()),
        2 => Reply::Hang,
        _ => Reply::ok(),
    });
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).start();
    log(&running, 0..1);
    assert!(running.flush(PATIENCE));
    let posts = receiver.posts();
    assert_eq!(posts.len(), 4);
    assert!(posts[1].at - posts[0].at >= Duration::from_secs(1), "{:?}", posts[1].at - posts[0].at);
    for again in &posts[1..] {
        assert_eq!(again.lines, posts[0].lines, "byte for byte, with the same ids");
    }
    assert_eq!((running.stats().sent, running.stats().retries), (1, 3));
}

#[test]
fn refused_lines_are_counted_and_told() {
    let answer = r#"{"accepted":0,"refused":[{"line":1,"reason":"bad_mark","detail":"d"}],"refusedMore":0}"#;
    let receiver = Receiver::start(move |count, _| match count {
        0 => Reply::Status(200, "", answer.to_owned()),
        2 => Reply::Status(400, "", "no json".to_owned()),
        _ => Reply::ok(),
    });
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).start();
    // A report a request, whatever the machine is doing: what was lost is told before the next one.
    for count in [2, 4] {
        log(&running, 0..1);
        until("the loss is told", || receiver.posts().len() == count);
    }
    for told in [1, 3] {
        let post = &receiver.posts()[told];
        assert_eq!(post.lines.len(), 1);
        let told = read(&post.lines[0]);
        assert_eq!(told["message"], "linkloom reporter dropped 1 reports");
        assert_eq!((&told["level"], &told["data"]), (&"WARN".into(), &serde_json::json!({ "refused": 1 })));
        assert!(told["businessId"].is_null());
    }
    assert!(running.flush(PATIENCE));
    let stats = running.stats();
    assert_eq!((stats.dropped.refused, stats.dropped.total(), stats.sent), (2, 2, 2), "{stats:?}");
}

#[test]
fn what_is_too_large_is_sent_in_pieces() {
    let receiver = Receiver::start(|_, post| {
        let too_large = post.lines.len() > 3 || post.lines.iter().any(|line| line.contains("huge"));
        if too_large { Reply::Status(413, "", String::new()) } else { Reply::ok() }
    });
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).start();
    log(&running, 0..9);
    running.reporter().log(Level::Info, "huge").send();
    assert!(running.flush(PATIENCE));
    until("the rest arrives", || running.stats().sent >= 9);
    assert_eq!(running.stats().dropped.refused, 1);
}

#[test]
fn a_wrong_token_loses_nothing() {
    let right = Arc::new(AtomicBool::new(false));
    let now = right.clone();
    let receiver = Receiver::start(move |_, _| match now.load(Ordering::Acquire) {
        false => Reply::Status(401, "", String::new()),
        true => Reply::ok(),
    });
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).start();
    log(&running, 0..10);
    until("it is refused", || running.stats().retries > 0);
    right.store(true, Ordering::Release);
    assert!(running.flush(PATIENCE));
    assert_eq!((running.stats().sent, running.stats().dropped.total()), (10, 0));
}

#[test]
fn the_next_start_sends_what_the_last_one_could_not() {
    let (url, bind) = free_port();
    let spool = tempfile::tempdir().unwrap();
    let first = to(&url, spool.path()).boot(1).start();
    log(&first, 0..100);
    let began = Instant::now();
    drop(first);
    assert!(began.elapsed() < Duration::from_secs(30), "a receiver that is down is not waited for");
    assert!(bytes_below(spool.path()) > 0);
    let receiver = Receiver::on(bind(), |_, _| Reply::ok());
    let second = to(&url, spool.path()).boot(2).start();
    log(&second, 100..110);
    assert!(second.flush(PATIENCE));
    let (numbers, others) = messages(receiver.posts().iter().flat_map(|post| &post.lines));
    assert_eq!((numbers, others), ((0..110).collect(), Vec::new()));
    let boots: BTreeSet<String> = receiver
        .posts()
        .iter()
        .flat_map(|post| &post.lines)
        .map(|line| read(line)["id"].to_string())
        .collect();
    assert_eq!(boots.len(), 110, "each has an id of its own");
}

#[test]
fn the_spool_is_bounded_and_tells_what_it_lost() {
    let (url, bind) = free_port();
    let spool = tempfile::tempdir().unwrap();
    let running = to(&url, spool.path()).spool_bytes_max(3 << 20).start();
    let large = "x".repeat(100 << 10);
    let mut made = 0;
    while running.stats().dropped.spool_full == 0 {
        running.reporter().log(Level::Info, format!("m{made}")).data(&large).send();
        made += 1;
        let reported = running.stats().reported;
        until("it is on disk", || {
            let stats = running.stats();
            assert!(stats.spool_bytes <= 3 << 20);
            stats.spooled + stats.dropped.total() >= reported || stats.dropped.spool_full > 0
        });
        assert!(made < 1_000, "it is never full");
    }
    assert!(bytes_below(spool.path()) <= 4 << 20);
    let receiver = Receiver::on(bind(), |_, _| Reply::ok());
    let tells = |line: &String| line.contains("linkloom reporter dropped");
    until("the loss is told", || receiver.posts().iter().flat_map(|post| &post.lines).any(tells));
    assert!(running.flush(PATIENCE));
    let posts = receiver.posts();
    let (numbers, others) = messages(posts.iter().flat_map(|post| &post.lines));
    let lost = running.stats().dropped.spool_full;
    assert_eq!(numbers.len() as u64 + lost, made as u64);
    assert!(numbers.contains(&(made - 1)) && !numbers.contains(&0), "the oldest went");
    assert_eq!(others, [format!("linkloom reporter dropped {lost} reports")]);
}

#[test]
fn memory_is_bounded_and_the_least_important_go() {
    let (url, _) = free_port();
    let spool = tempfile::tempdir().unwrap();
    let running = to(&url, spool.path()).queue_bytes_max(100_000).start();
    // Faster than the writer can be: all at once from many threads.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    running.reporter().log(Level::Debug, "x".repeat(1_000)).send();
                    assert!(running.stats().queue_bytes <= 100_000);
                }
            });
        }
    });
    let stats = running.stats();
    assert!(stats.dropped.queue_full > 0, "{stats:?}");
    until("everything is accounted for", || {
        let stats = running.stats();
        stats.spooled + stats.dropped.queue_full == stats.reported
    });
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_application() {
    // It takes connections and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let spool = tempfile::tempdir().unwrap();
    let running =
        to(&url, spool.path()).timeout(Duration::from_secs(120)).patience(Duration::from_millis(300)).start();
    let mut slowest = Duration::ZERO;
    for number in 0..20_000 {
        let began = Instant::now();
        running.reporter().log(Level::Info, format!("m{number}")).data(&[number; 20]).send();
        slowest = slowest.max(began.elapsed());
    }
    // A busy machine may take the processor away; a wait for the network would be two minutes.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(running.flush(Duration::from_millis(1)) || running.stats().sent == 0);
    let began = Instant::now();
    let reporter = running.reporter().clone();
    drop(running);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let stats = reporter.stats();
    assert_eq!((stats.dropped.total(), stats.spooled), (0, 20_000), "also what was on its way: {stats:?}");
    drop(listener);
}

#[test]
fn without_a_spool_the_file_takes_over() {
    let (url, _) = free_port();
    let folder = tempfile::tempdir().unwrap();
    // A file is where the folder should be: nobody can write there, not even root.
    let no_folder = folder.path().join("file");
    std::fs::write(&no_folder, "").unwrap();
    let file = folder.path().join("reports.ndjson");
    let running = to(&url, &no_folder).file(RollingFile::new(&file)).start();
    // More than waits in memory.
    let large = "x".repeat(200 << 10);
    for number in 0..50 {
        running.reporter().log(Level::Info, format!("m{number}")).data(&large).send();
        until("it is taken", || running.stats().queue_bytes == 0);
    }
    let reporter = running.reporter().clone();
    drop(running);
    let written = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<String> = written.lines().map(str::to_owned).collect();
    let (numbers, others) = messages(&lines);
    assert_eq!((numbers, others), ((0..50).collect(), Vec::new()));
    let stats = reporter.stats();
    assert_eq!((stats.written, stats.dropped.total(), stats.to_stderr), (50, 0, 0), "{stats:?}");
}

#[test]
fn a_spool_on_a_full_disk_is_no_end() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    // The receiver comes back while everything waits in memory.
    let (url, bind) = free_port();
    let running = to(&url, full).start();
    log(&running, 0..100);
    until("it was tried", || running.stats().retries > 0);
    let receiver = Receiver::on(bind(), |_, _| Reply::ok());
    assert!(running.flush(PATIENCE));
    let (numbers, _) = messages(receiver.posts().iter().flat_map(|post| &post.lines));
    assert_eq!(numbers.len(), 100);
    assert_eq!(running.stats().dropped.total(), 0);
}

/// A small file system of its own, which goes with it.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with a line that says so, where nobody may mount one.
    fn of_kib(kib: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk(folder));
        }
        eprintln!("skipped: a small file system cannot be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn what_no_longer_fits_on_the_disk_goes_the_next_way() {
    let Some(disk) = SmallDisk::of_kib(2_048) else { return };
    let (url, bind) = free_port();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports.ndjson");
    let running = to(&url, disk.0.path()).file(RollingFile::new(&path)).start();
    let large = "x".repeat(2_000);
    let mut made = 0;
    while running.stats().written == 0 {
        assert!(made < 100_000, "the disk is never full: {:?}", running.stats());
        running.reporter().log(Level::Info, format!("m{made}")).data(&large).send();
        made += 1;
        // No faster than it is taken away.
        until("there is room", || running.stats().queue_bytes < 1 << 20);
    }
    assert!(running.stats().spooled > 0, "some of it is on the disk: {:?}", running.stats());
    let receiver = Receiver::on(bind(), |_, _| Reply::ok());
    assert!(running.flush(PATIENCE));
    let stats = running.stats();
    assert_eq!((stats.dropped.total(), stats.to_stderr), (0, 0), "{stats:?}");
    let written = std::fs::read_to_string(&path).unwrap();
    let written: Vec<String> = written.lines().map(str::to_owned).collect();
    let posts = receiver.posts();
    let (numbers, others) = messages(posts.iter().flat_map(|post| &post.lines).chain(&written));
    assert_eq!((numbers, others), ((0..made).collect(), Vec::new()));
}

/// The receiver fails at random, the application reports from many threads: everything arrives, whatever is sent twice is equal.
#[test]
fn nothing_is_lost_with_a_receiver_that_comes_and_goes() {
    const THREADS: usize = 4;
    const EACH: usize = 2_000;
    let state = Arc::new(AtomicUsize::new(17));
    let stored = Arc::new(Mutex::new(std::collections::BTreeMap::new()));
    let store = stored.clone();
    let receiver = Receiver::start(move |_, post| {
        let random = state
            .load(Ordering::Relaxed)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.store(random, Ordering::Relaxed);
        let failure = (random >> 33) % 4;
        if failure != 1 {
            let mut store = store.lock().unwrap();
            for line in &post.lines {
                let id = read(line)["id"].to_string();
                let before = store.insert(id, line.clone());
                assert!(before.is_none_or(|before| before == *line), "one id, one report");
            }
        }
        match failure {
            0 => Reply::Hang,
            1 => Reply::Status(503, "", String::new()),
            _ => Reply::ok(),
        }
    });
    let spool = tempfile::tempdir().unwrap();
    let running = to(&receiver.url(), spool.path()).start();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let running = &running;
            scope.spawn(move || log(running, thread * EACH..(thread + 1) * EACH));
        }
    });
    assert!(running.flush(PATIENCE * 2));
    assert_eq!(running.stats().dropped.total(), 0);
    let stored = stored.lock().unwrap();
    let (numbers, others) = messages(stored.values());
    assert_eq!((numbers, others), ((0..THREADS * EACH).collect(), Vec::new()));
}
