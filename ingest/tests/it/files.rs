//! Files as a source: lines, resuming, compression, half lines.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linkloom_ingest::source::{Head, Input, InputOptions, Inputs, Next, ResumePoint, Source};

/// What a store would remember: points by head and source.
type Memory = Arc<Mutex<BTreeMap<(Head, String), ResumePoint>>>;

struct Run {
    directory: tempfile::TempDir,
    memory: Memory,
    options: InputOptions,
}

impl Run {
    fn new() -> Self {
        let options = InputOptions { block_bytes: 16, line_bytes_max: 64 };
        Run { directory: tempfile::tempdir().unwrap(), memory: Memory::default(), options }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn append(&self, name: &str, bytes: &[u8]) {
        fs::OpenOptions::new().append(true).open(self.path(name)).unwrap().write_all(bytes).unwrap();
    }

    /// Ingests files to their end, remembering; everything that came, as text.
    fn ingest(&self, names: &[&str]) -> Vec<String> {
        self.ingest_batches(names, usize::MAX)
    }

    /// The same, but the process ends before batch number `durable` is durable.
    fn ingest_batches(&self, names: &[&str], durable: usize) -> Vec<String> {
        let inputs = names.iter().map(|name| Input::File(self.path(name)));
        let memory = Arc::clone(&self.memory);
        let lookup = Box::new(move |head: &Head| {
            let memory = memory.lock().unwrap();
            Ok(memory.iter().filter(|((filed, _), _)| filed == head).map(|(_, point)| *point).collect())
        });
        let mut source = Inputs::new(inputs, self.options.clone(), lookup);
        let mut found = Vec::new();
        let mut batches = 0;
        loop {
            match source.next(Duration::ZERO) {
                Ok(Next::Batch(batch)) => {
                    if batches == durable {
                        return found;
                    }
                    batches += 1;
                    for record in batch.iter() {
                        let cut = record.full_length - record.bytes.len() as u64;
                        let text = String::from_utf8_lossy(record.bytes);
                        let more = if cut > 0 { format!("+{cut}") } else { String::new() };
                        let line = record.origin.line.unwrap();
                        found.push(format!("{line}@{} {text}{more}", record.origin.position));
                    }
                    if let Some(resume) = batch.resume {
                        assert_eq!(resume.point.length, batch.next_position);
                        let key = (resume.head, batch.source.to_string());
                        self.memory.lock().unwrap().insert(key, resume.point);
                    }
                    source.commit(&[batch.position()]).unwrap();
                }
                Ok(Next::Opened(opened)) => found.push(format!("opened at {}", opened.position)),
                Ok(Next::Incomplete(incomplete)) => {
                    let name = Path::new(&*incomplete.source).file_name().unwrap().to_string_lossy();
                    let (line, position) = (incomplete.line, incomplete.position);
                    found.push(format!("{name}:{line}@{position} incomplete, {} bytes", incomplete.length));
                }
                Ok(Next::Idle) => panic!("files are never idle"),
                Ok(Next::Revoked { .. }) => panic!("files are never taken away"),
                Ok(Next::End) => return found,
                Err(error) => {
                    let text = error.to_string();
                    found.push(text.replace(&self.directory.path().display().to_string(), "."));
                }
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn several_files_one_after_another() {
    let run = Run::new();
    run.write("a", "{\"n\":1}\r\n\r\n{\"n\":2}\n");
    run.write("b", gzip(b"{\"n\":3}\n"));
    run.write("c", zstd::encode_all(&b"{\"n\":4}\n"[..], 1).unwrap());
    fs::create_dir(run.path("d")).unwrap();
    let want = [
        "opened at 0",
        "1@0 {\"n\":1}",
        "3@11 {\"n\":2}",
        "opened at 0",
        "1@0 {\"n\":3}",
        "open ./d: it is a directory; allowed are files and -",
        "open ./e: No such file or directory (os error 2)",
        "opened at 0",
        "1@0 {\"n\":4}",
    ];
    assert_eq!(run.ingest(&["a", "b", "d", "e", "c"]), want);
}

#[test]
fn a_finished_file_again_is_nothing_and_an_appended_one_goes_on() {
    let run = Run::new();
    run.write("a", "one\n");
    assert_eq!(run.ingest(&["a"]), ["opened at 0", "1@0 one"]);
    assert_eq!(run.ingest(&["a"]), ["opened at 4"]);
    // Also when the head it is filed under grows with it, again and again, past the longest head.
    let mut position = 4;
    for line in 2..600 {
        let text = format!("line {line} of many");
        run.append("a", format!("{text}\n").as_bytes());
        let want = [format!("opened at {position}"), format!("{line}@{position} {text}")];
        assert_eq!(run.ingest(&["a"]), want);
        position += text.len() + 1;
    }
    assert!(position > 2 * 4096);
}

#[test]
fn a_file_is_known_by_its_content() {
    let run = Run::new();
    let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
    run.write("a", &lines);
    run.ingest(&["a"]);
    fs::rename(run.path("a"), run.path("b")).unwrap();
    assert_eq!(run.ingest(&["b"]), [format!("opened at {}", lines.len())], "renamed");
    run.write("c.gz", gzip(lines.as_bytes()));
    assert_eq!(run.ingest(&["c.gz"]), [format!("opened at {}", lines.len())], "compressed");
    run.write("c.gz", [gzip(lines.as_bytes()), gzip(b"more\n")].concat());
    let want = [format!("opened at {}", lines.len()), format!("501@{} more", lines.len())];
    assert_eq!(run.ingest(&["c.gz"]), want, "compressed and appended");

    // One byte changed: another file. It goes on at the last remembered place before that byte, if there is one.
    run.write("b", lines.replace("line 499", "line 49X"));
    let found = run.ingest(&["b"]);
    assert_eq!(found.last().unwrap(), "500@4381 line 49X");
    let position: usize = found[0].strip_prefix("opened at ").unwrap().parse().unwrap();
    assert!((2048..4381).contains(&position) && found[1].contains(&format!("@{position} ")));
    run.write("b", lines.replace("line 0\n", "line X\n"));
    let found = run.ingest(&["b"]);
    assert_eq!((found.len(), &*found[0], &*found[1]), (501, "opened at 0", "1@0 line X"));
    // Cut shorter than what was consumed: the same.
    run.write("b", &lines[..2000]);
    let found = run.ingest(&["b"]);
    assert_ne!(found[0], "opened at 2000");
    assert_eq!(found.last().unwrap(), "b:235@1996 incomplete, 4 bytes");
}

#[test]
fn of_two_files_that_begin_alike_each_goes_on_where_it_was() {
    let run = Run::new();
    let common = "the same beginning\n".repeat(300);
    run.write("a", format!("{common}a\n"));
    run.write("b", format!("{common}b\nb\n"));
    run.ingest(&["a", "b"]);
    let length = common.len();
    let want = [format!("opened at {}", length + 2), format!("opened at {}", length + 4)];
    assert_eq!(run.ingest(&["a", "b"]), want);
}

#[test]
fn only_what_is_durable_is_skipped() {
    let lines: Vec<String> = (0..40).map(|n| format!("line number {n}\n")).collect();
    for durable in 0..40 {
        let run = Run::new();
        run.write("a", lines.concat());
        let mut found = run.ingest_batches(&["a"], durable);
        let before = found.len() - 1;
        let again = run.ingest(&["a"]);
        assert_eq!(again.len() - 1 + before, lines.len(), "after {durable} batches");
        found.extend(again);
        let texts: Vec<&str> =
            found.iter().filter_map(|text| text.split_once(' ')).map(|(_, text)| text).collect();
        let texts: Vec<&&str> = texts.iter().filter(|text| text.starts_with("line")).collect();
        assert!(
            texts.iter().zip(&lines).all(|(found, line)| **found == line.trim_end()),
            "after {durable} batches"
        );
    }
}

#[test]
fn half_a_line_is_left_until_it_is_whole() {
    let run = Run::new();
    run.write("a", "{\"n\":1}\n{\"n\":");
    assert_eq!(run.ingest(&["a"]), ["opened at 0", "1@0 {\"n\":1}", "a:2@8 incomplete, 5 bytes"]);
    assert_eq!(run.ingest(&["a"]), ["opened at 8", "a:2@8 incomplete, 5 bytes"]);
    run.append("a", b"2}");
    assert_eq!(
        run.ingest(&["a"]),
        ["opened at 8", "2@8 {\"n\":2}"],
        "whole, though its line feed is missing"
    );
    assert_eq!(run.ingest(&["a"]), ["opened at 15"]);
    run.append("a", b"\n{\"n\":3}\n");
    assert_eq!(run.ingest(&["a"]), ["opened at 15", "3@16 {\"n\":3}"]);
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_no_memory() {
    let mut run = Run::new();
    run.options = InputOptions { block_bytes: 1 << 20, line_bytes_max: 1 << 20 };
    let mut file = std::io::BufWriter::new(fs::File::create(run.path("a")).unwrap());
    file.write_all(b"{}\n").unwrap();
    for _ in 0..100 {
        file.write_all(&vec![b'x'; 1_000_000]).unwrap();
    }
    file.write_all(b"\n{}\n").unwrap();
    file.into_inner().unwrap();
    let found = run.ingest(&["a"]);
    let kept = 1 << 20;
    assert_eq!(found.len(), 4);
    assert!(found[2].starts_with("2@3 xxx") && found[2].ends_with(&format!("x+{}", 100_000_000 - kept)));
    assert!(found[2].len() < kept + 30);
    assert_eq!(found[3], "3@100000004 {}");
    assert_eq!(run.ingest(&["a"]), ["opened at 100000007"]);
}

#[test]
fn half_a_compressed_file_gives_what_it_has_and_an_error() {
    let run = Run::new();
    let lines: String = (0..5_000).map(|n| format!("line {} {n}\n", n * 7_919 % 10_007)).collect();
    let whole = gzip(lines.as_bytes());
    run.write("a", &whole[..whole.len() / 2]);
    let found = run.ingest(&["a"]);
    let last = found.last().unwrap();
    assert!(found.len() > 1_000 && last.starts_with("read ./a: "), "{last}");
    run.write("a", whole);
    let again = run.ingest(&["a"]);
    assert_eq!(found.len() - 2 + again.len() - 1, 5_000, "the rest, once it is there");
}

#[test]
fn empty_files_and_lookup_errors() {
    let run = Run::new();
    run.write("a", "");
    run.write("b", "\n\n");
    assert_eq!(run.ingest(&["a", "b", "b"]), ["opened at 0", "opened at 0", "opened at 2"]);
    let lookup = Box::new(|_: &Head| Err("the store is gone".to_owned()));
    let mut source = Inputs::new([Input::File(run.path("b"))], InputOptions::default(), lookup);
    let error = source.next(Duration::ZERO).unwrap_err().to_string();
    assert!(error.starts_with("look up ") && error.ends_with("b: the store is gone"), "{error}");
    assert!(matches!(source.next(Duration::ZERO), Ok(Next::End)));
}
