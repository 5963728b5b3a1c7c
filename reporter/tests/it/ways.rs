//! Files that cannot be written, and what takes over then.

use std::path::Path;

use linkloom_reporter::{Level, RollingFile};

use crate::support::{PATIENCE, read, settings};

/// A path that cannot be written, whoever asks: a file is where its folder should be.
fn unwritable(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("file");
    std::fs::write(&file, "").unwrap();
    file.join("reports.ndjson")
}

#[test]
fn lines_go_to_a_rolling_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs/reports.ndjson");
    let running = settings().file(RollingFile::new(&path).bytes_max(10_000).kept(100)).start();
    for number in 0..500 {
        running.reporter().log(Level::Info, format!("m{number}")).send();
        if number % 50 == 0 {
            assert!(running.flush(PATIENCE));
        }
    }
    drop(running);
    let mut lines = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.ends_with('\n'));
        lines.extend(text.lines().map(|line| read(line)["seq"].as_u64().unwrap()));
        files += 1;
    }
    lines.sort_unstable();
    assert_eq!(lines, (0..500).collect::<Vec<u64>>());
    assert!(files > 3, "{files} files");
}

#[test]
fn the_next_way_takes_over_and_the_first_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let first = unwritable(folder.path());
    let second = folder.path().join("second.ndjson");
    let running = settings().file(RollingFile::new(&first)).file(RollingFile::new(&second)).start();
    running.reporter().log(Level::Info, "m0").send();
    assert!(running.flush(PATIENCE));
    let count = |path: &Path| std::fs::read_to_string(path).unwrap_or_default().lines().count();
    assert_eq!((count(&first), count(&second)), (0, 1));
    // Whatever was in the way is gone.
    std::fs::remove_file(first.parent().unwrap()).unwrap();
    running.reporter().log(Level::Info, "m1").send();
    assert!(running.flush(PATIENCE));
    assert_eq!((count(&first), count(&second)), (1, 1));
    let stats = running.stats();
    assert_eq!((stats.written, stats.to_stderr, stats.dropped.total()), (2, 0, 0), "{stats:?}");
}

#[test]
fn a_full_disk_is_no_end() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("second.ndjson");
    let running = settings().file(RollingFile::new("/dev/full")).file(RollingFile::new(&second)).start();
    for number in 0..10 {
        running.reporter().log(Level::Info, format!("m{number}")).send();
        assert!(running.flush(PATIENCE));
    }
    drop(running);
    assert_eq!(std::fs::read_to_string(&second).unwrap().lines().count(), 10);
}

#[cfg(feature = "relay")]
#[test]
fn a_file_that_cannot_be_written_is_no_end_where_there_is_a_relay() {
    use crate::receiver::{Receiver, Reply};

    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(|_, _| Reply::ok());
    let running = settings()
        .file(RollingFile::new(unwritable(folder.path())))
        .relay(receiver.url())
        .spool(folder.path().join("spool"))
        .start();
    running.reporter().log(Level::Info, "m0").send();
    assert!(running.flush(PATIENCE));
    assert_eq!((running.stats().sent, running.stats().dropped.total()), (1, 0));
    assert_eq!(receiver.posts()[0].lines.len(), 1);
}
