//! Repair of a journal whose end a power failure tore.
//!
//! Pages of the journal reach the disk in any order until a sync returns. After a power failure the end may therefore
//! hold a commit with a hole in it, never acknowledged, and the engine refuses to open on its wrong checksum. What lies
//! before it is whole: a sync covers everything written earlier. So the journal is cut in front of the first commit
//! that is not whole, as other databases do.
//!
//! A journal is a row of commits, each a start (tag 1, number of items u32, sequence number u64), its items (tag 2, kind
//! u8, compression u8, segment u64, lengths of key u16, value u32 and stored value u32, key, stored value; or tag 4,
//! segment u64) and an end (tag 3, 64-bit xxh3 of the items, `FJL\x03`), integers little-endian, then zeros.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8; 4] = b"FJL\x03";

/// What was cut off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The journal.
    pub(super) path: PathBuf,
    /// Bytes kept.
    pub(super) kept: u64,
}

/// The journals of an engine's directory, oldest first.
pub(super) fn journals(engine_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(engine_dir)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse::<u64>().ok());
        if let (Some(number), Some("jnl")) = (number, path.extension().and_then(|e| e.to_str())) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Cuts the newest journal in front of the first commit that is not whole. Older ones were synced before they were
/// left: what is wrong there is damage.
pub(super) fn cut_torn_end(engine_dir: &Path) -> io::Result<Option<Cut>> {
    let Some(path) = journals(engine_dir)?.pop() else { return Ok(None) };
    let file = File::options().read(true).write(true).open(&path)?;
    let mut commits = Commits { input: BufReader::new(&file), at: 0 };
    let mut kept = 0;
    while commits.is_next_whole()? {
        kept = commits.at;
    }
    if kept == file.metadata()?.len() {
        return Ok(None);
    }
    file.set_len(kept)?;
    file.sync_all()?;
    Ok(Some(Cut { path, kept }))
}

struct Commits<R> {
    input: R,
    at: u64,
}

impl<R: Read> Commits<R> {
    /// Reads one commit; `false` at the end, or if it is not whole.
    fn is_next_whole(&mut self) -> io::Result<bool> {
        match self.commit() {
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            outcome => outcome,
        }
    }

    fn commit(&mut self) -> io::Result<bool> {
        if self.take::<1>()? != [START] {
            return Ok(false);
        }
        let items = u32::from_le_bytes(self.take()?);
        self.take::<8>()?;
        let mut hash = Xxh3::new();
        for _ in 0..items {
            let tag = self.take::<1>()?;
            hash.update(&tag);
            match tag {
                [ITEM] => {
                    let head: [u8; 20] = self.take()?;
                    hash.update(&head);
                    let key = u16::from_le_bytes([head[10], head[11]]);
                    let stored = u32::from_le_bytes([head[16], head[17], head[18], head[19]]);
                    self.pass(u64::from(key) + u64::from(stored), &mut hash)?;
                }
                [CLEAR] => hash.update(&self.take::<8>()?),
                _ => return Ok(false),
            }
        }
        Ok(self.take::<1>()? == [END]
            && u64::from_le_bytes(self.take()?) == hash.digest()
            && self.take::<4>()? == *TRAILER)
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Hashes bytes without holding them: a torn length can say anything.
    fn pass(&mut self, mut bytes: u64, hash: &mut Xxh3) -> io::Result<()> {
        let mut chunk = [0; 8192];
        while bytes > 0 {
            let part = chunk.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.input.read_exact(&mut chunk[..part])?;
            hash.update(&chunk[..part]);
            self.at += part as u64;
            bytes -= part as u64;
        }
        Ok(())
    }
}
