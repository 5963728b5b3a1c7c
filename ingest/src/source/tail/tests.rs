//! Files that are followed, while all kinds of things happen to them.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::places::Stored;
use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn add(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn options(&self) -> TailOptions {
        TailOptions {
            patterns: vec![self.path("*.log*").display().to_string()],
            state: self.path("state"),
            files_max: 8,
            block_bytes: 64,
            line_bytes_max: 100,
        }
    }

    fn open(&self) -> Tail {
        Tail::open(self.options()).expect("opened")
    }
}

/// Everything that is there to be read now, and is committed.
fn lines(tail: &mut Tail) -> Vec<String> {
    let mut found = Vec::new();
    // The next look is now.
    tail.looked = None;
    loop {
        match tail.next(Duration::ZERO).expect("readable") {
            Next::Batch(batch) => {
                let texts = batch.iter().map(|record| {
                    let name = Path::new(record.origin.source).file_name().expect("a name").to_string_lossy();
                    let text = String::from_utf8_lossy(record.bytes);
                    format!("{name}:{} {text}", record.origin.line.expect("a line"))
                });
                found.extend(texts);
                tail.commit(&[batch.position()]).expect("committed");
            }
            Next::Opened(_) => {}
            Next::Idle => return found,
            other => panic!("{other:?}"),
        }
    }
}

/// As if it had lost its name long ago.
fn long_after(tail: &mut Tail) {
    tail.looked = None;
    tail.next(Duration::ZERO).expect("looked");
    let long_ago = Instant::now().checked_sub(AFTERWARDS).expect("a clock that is not new");
    for file in tail.files.iter_mut().filter(|file| file.nameless.is_some()) {
        file.nameless = Some(long_ago);
    }
}

#[test]
fn a_file_is_followed_while_it_grows_and_after_it_was_rolled() {
    let folder = Folder::new();
    folder.add("a.log", "one\ntw");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail), ["a.log:1 one"]);
    folder.add("a.log", "o\n\nthree\n");
    assert_eq!(lines(&mut tail), ["a.log:2 two", "a.log:4 three"]);
    let mut writer = OpenOptions::new().append(true).open(folder.path("a.log")).expect("opened");
    fs::rename(folder.path("a.log"), folder.path("a.log.1")).expect("renamed");
    folder.add("a.log", "new\n");
    // Who wrote it has it open still.
    writer.write_all(b"four\n").expect("written");
    let mut found = lines(&mut tail);
    found.sort();
    assert_eq!(found, ["a.log:1 new", "a.log:5 four"]);
    assert_eq!(tail.files(), 2);
    assert_eq!(tail.behind(), 0);
}

#[test]
fn a_file_that_is_gone_is_read_to_its_end_and_let_go() {
    let folder = Folder::new();
    folder.add("a.log", "one\nhalf a li");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail), ["a.log:1 one"]);
    fs::remove_file(folder.path("a.log")).expect("removed");
    assert_eq!(lines(&mut tail), [""; 0], "there may be more of the line");
    long_after(&mut tail);
    assert_eq!(lines(&mut tail), ["a.log:2 half a li"], "somebody has to hear of it");
    assert_eq!(tail.files(), 0);
}

#[test]
fn a_file_emptied_in_place_is_read_anew() {
    let folder = Folder::new();
    folder.add("a.log", "one\ntwo\nthree\n");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail).len(), 3);
    fs::copy(folder.path("a.log"), folder.path("a.log.1")).expect("copied");
    OpenOptions::new().write(true).truncate(true).open(folder.path("a.log")).expect("emptied");
    assert_eq!(lines(&mut tail), [""; 0], "the copy is known by what is in it");
    folder.add("a.log", "four\n");
    assert_eq!(lines(&mut tail), ["a.log:1 four"]);
}

#[test]
fn one_that_has_become_longer_again_before_anybody_looked_is_read_anew_too() {
    let folder = Folder::new();
    folder.add("a.log", "one\n");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail).len(), 1);
    fs::write(folder.path("a.log"), "four, five\nsix\n").expect("written anew");
    assert_eq!(lines(&mut tail), ["a.log:1 four, five", "a.log:2 six"]);
    // While nothing is read files are looked at all the same.
    folder.add("b.log", "seven\n");
    tail.looked = None;
    tail.keep_alive().expect("looked");
    assert_eq!(tail.files(), 2);
}

#[test]
fn a_rolled_file_is_kept_as_long_as_somebody_writes_to_it() {
    let folder = Folder::new();
    folder.add("a.log", "one\n");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail).len(), 1);
    let mut writer = OpenOptions::new().append(true).open(folder.path("a.log")).expect("opened");
    fs::rename(folder.path("a.log"), folder.path("rolled")).expect("renamed");
    long_after(&mut tail);
    writer.write_all(b"two\n").expect("written");
    tail.files[0].at_end = false;
    assert_eq!(lines(&mut tail), ["a.log:2 two"]);
    assert_eq!(tail.files(), 1, "there may be more");
    long_after(&mut tail);
    assert_eq!(lines(&mut tail), [""; 0]);
    assert_eq!(tail.files(), 0);
}

#[test]
fn the_next_start_goes_on_where_this_one_was_confirmed() {
    let folder = Folder::new();
    folder.add("a.log", "one\ntwo\n");
    folder.add("b.log", "1\n");
    let mut tail = folder.open();
    assert_eq!(lines(&mut tail).len(), 3);
    folder.add("a.log", "three\nfour\n");
    // Read, but never confirmed.
    tail.looked = None;
    while !matches!(tail.next(Duration::ZERO), Ok(Next::Batch(_))) {}
    assert!(Tail::open(folder.options()).is_err_and(|error| error.to_string().contains("another process")));
    drop(tail);
    // Rolled, and another file in its place, while nobody looked.
    fs::rename(folder.path("a.log"), folder.path("a.log.1")).expect("renamed");
    folder.add("a.log", "one\nnew\n");
    let mut tail = folder.open();
    let mut found = lines(&mut tail);
    found.sort();
    assert_eq!(found, ["a.log.1:3 three", "a.log.1:4 four", "a.log:1 one", "a.log:2 new"]);
    for _ in 0..3 {
        drop(tail);
        tail = folder.open();
        assert_eq!(lines(&mut tail), [""; 0]);
    }
    drop(tail);
    let places = fs::read(folder.path("state/followed.json")).expect("written");
    let places: Vec<Stored> = serde_json::from_slice(&places).expect("read");
    assert_eq!(places.len(), 3, "one for each file: {places:?}");
}

#[test]
fn what_cannot_be_followed_is_told_once_and_the_rest_goes_on() {
    let folder = Folder::new();
    folder.add("a.log", "one\n");
    fs::write(folder.path("b.log.gz"), [0x1f, 0x8b, 8, 0]).expect("written");
    fs::create_dir(folder.path("c.log")).expect("made");
    folder.add("d.log", "");
    let mut tail = folder.open();
    let (mut told, mut read) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        tail.looked = None;
        match tail.next(Duration::ZERO) {
            Ok(Next::Batch(batch)) => {
                read.extend(batch.iter().map(|record| String::from_utf8_lossy(record.bytes).into_owned()));
            }
            Ok(_) => {}
            Err(error) => told.push(error.to_string()),
        }
    }
    assert_eq!(read, ["one"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("b.log.gz") && told[0].contains("it is compressed"), "{told:?}");
    let one = TailOptions { files_max: 1, state: folder.path("other"), ..folder.options() };
    drop(tail);
    folder.add("e.log", "two\n");
    fs::remove_file(folder.path("b.log.gz")).expect("removed");
    let later = SystemTime::now() + Duration::from_secs(5);
    let written_later = |name: &str| {
        let file = OpenOptions::new().append(true).open(folder.path(name)).expect("opened");
        file.set_modified(later).expect("set");
    };
    written_later("e.log");
    let mut tail = Tail::open(one).expect("opened");
    let mut waits = None;
    for _ in 0..20 {
        tail.looked = None;
        match tail.next(Duration::ZERO) {
            Ok(Next::Batch(batch)) => tail.commit(&[batch.position()]).expect("committed"),
            Ok(_) => {}
            Err(error) => waits = Some(error.source_name),
        }
    }
    assert!(waits.is_some_and(|waits| waits.ends_with("a.log")), "the one written last goes first");
    assert!(tail.files.len() == 1 && tail.files[0].name.ends_with("e.log") && tail.files[0].at_end);
}

#[test]
fn long_lines_keep_their_beginning() {
    let folder = Folder::new();
    folder.add("a.log", &format!("{}\nnext\n", "x".repeat(1_000)));
    let mut tail = folder.open();
    let found = lines(&mut tail);
    assert_eq!((found[0].len(), found[1].as_str()), ("a.log:1 ".len() + 100, "a.log:2 next"));
}
