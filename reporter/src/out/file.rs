//! A rolling file of lines, for a log agent to read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How often it is looked whether the file is still where it was.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file and when it is rolled.
#[derive(Clone, Debug)]
pub struct RollingFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) age_max: Duration,
    pub(crate) kept: u32,
}

impl RollingFile {
    /// A file of 64 MiB or a day at most; five older ones are kept beside it as `path.1` (the newest) to `path.5`.
    pub fn new(path: impl AsRef<Path>) -> RollingFile {
        RollingFile {
            path: path.as_ref().to_owned(),
            bytes_max: 64 << 20,
            age_max: Duration::from_secs(86_400),
            kept: 5,
        }
    }

    /// Rolls before it is larger than so many bytes.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> RollingFile {
        self.bytes_max = bytes.max(1);
        self
    }

    /// Rolls when it is older than this.
    #[must_use]
    pub fn age_max(mut self, age: Duration) -> RollingFile {
        self.age_max = age;
        self
    }

    /// Keeps so many older files.
    #[must_use]
    pub fn kept(mut self, files: u32) -> RollingFile {
        self.kept = files;
        self
    }
}

/// The file that is written now.
#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    born: SystemTime,
    looked: Instant,
    /// The last line has no end: a crash or a full disk cut it.
    torn: bool,
}

/// Writes batches to a rolling file.
#[derive(Debug)]
pub(crate) struct FileOut {
    settings: RollingFile,
    open: Option<Open>,
}

impl FileOut {
    pub(crate) fn new(settings: RollingFile) -> FileOut {
        FileOut { settings, open: None }
    }

    /// Writes whole lines.
    ///
    /// Errors: not all of them may have been written; the file is opened anew next time.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.roll_if_due(lines.len() as u64);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => open_file(&self.settings.path)?,
        };
        if open.torn {
            open.file.write_all(b"\n")?;
            open.bytes += 1;
            open.torn = false;
        }
        open.file.write_all(lines)?;
        open.bytes += lines.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn roll_if_due(&mut self, more: u64) {
        let Some(open) = &mut self.open else { return };
        let now = Instant::now();
        if now.duration_since(open.looked) >= LOOK_EVERY {
            open.looked = now;
            if !same_file(&open.file, &self.settings.path) {
                // Moved by somebody who rolls it, or removed: the next one is made.
                self.open = None;
                return;
            }
        }
        let old = open.born.elapsed().is_ok_and(|age| age > self.settings.age_max);
        if open.bytes > 0 && (open.bytes + more > self.settings.bytes_max || old) {
            self.open = None;
            self.roll();
        }
    }

    /// Moves `path` to `path.1`, that to `path.2`, and so on. What cannot be moved is written on.
    fn roll(&self) {
        let path = &self.settings.path;
        let numbered = |number: u32| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        // Those that are not there cannot be moved, and need not be.
        if self.settings.kept == 0 {
            let _ = std::fs::remove_file(path);
            return;
        }
        for number in (1..self.settings.kept).rev() {
            let _ = std::fs::rename(numbered(number), numbered(number + 1));
        }
        let _ = std::fs::rename(path, numbered(1));
    }
}

fn open_file(path: &Path) -> io::Result<Open> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = match OpenOptions::new().read(true).append(true).create(true).open(path) {
        Ok(file) => file,
        // One that may be written and not read is fine, too.
        Err(_) => OpenOptions::new().append(true).create(true).open(path)?,
    };
    let about = file.metadata()?;
    let mut torn = false;
    if about.is_file() && about.len() > 0 {
        let mut last = [0];
        let read = file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last));
        torn = read.is_ok() && last[0] != b'\n';
    }
    let born = about.created().or_else(|_| about.modified()).unwrap_or_else(|_| SystemTime::now());
    Ok(Open { file, bytes: about.len(), born, looked: Instant::now(), torn })
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_else(|error| format!("({:?})", error.kind()))
    }

    #[test]
    fn files_are_rolled_by_size_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/reports.ndjson");
        let mut out = FileOut::new(RollingFile::new(&path).bytes_max(4).kept(2));
        for line in ["1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n", "longer than a file\n", "8\n"] {
            out.write(line.as_bytes()).unwrap();
        }
        let names = ["reports.ndjson", "reports.ndjson.1", "reports.ndjson.2", "reports.ndjson.3"];
        let found = names.map(|name| read(&path.with_file_name(name)));
        assert_eq!(found, ["8\n", "longer than a file\n", "7\n", "(NotFound)"]);
    }

    #[test]
    fn files_are_rolled_by_age() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let mut out = FileOut::new(RollingFile::new(&path).age_max(Duration::ZERO));
        out.write(b"1\n").unwrap();
        out.write(b"2\n").unwrap();
        assert_eq!((read(&path), read(&folder.path().join("r.1"))), ("2\n".to_owned(), "1\n".to_owned()));
    }

    #[test]
    fn a_line_that_was_cut_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        std::fs::write(&path, "{\"half").unwrap();
        FileOut::new(RollingFile::new(&path)).write(b"{}\n").unwrap();
        assert_eq!(read(&path), "{\"half\n{}\n");
    }

    #[test]
    fn a_file_that_was_moved_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let mut out = FileOut::new(RollingFile::new(&path));
        out.write(b"1\n").unwrap();
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        if let Some(open) = &mut out.open {
            open.looked -= LOOK_EVERY;
        }
        out.write(b"2\n").unwrap();
        assert_eq!(read(&path), "2\n");
    }
}
