//! Small files and directories: replaced as a whole, measured as the disk sees them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::store::StoreError;

/// An `Unavailable` error with a cause.
pub(super) fn unavailable(store: &str, op: &'static str, cause: &io::Error) -> StoreError {
    StoreError::Unavailable { store: store.to_owned(), op, cause: cause.to_string() }
}

/// Writes a file so that, whatever happens, it holds either the old or the new bytes.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("tmp");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes created, renamed and removed names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// Bytes a file or a directory with all in it takes up on disk. What vanishes meanwhile counts as nothing.
pub(super) fn disk_bytes(path: &Path) -> io::Result<u64> {
    let meta = match fs::symlink_metadata(path) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    if !meta.is_dir() {
        return Ok(allocated(&meta));
    }
    let mut sum = 0;
    let entries = match fs::read_dir(path) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    for entry in entries {
        sum += disk_bytes(&entry?.path())?;
    }
    Ok(sum)
}

/// Journals are allocated ahead as sparse files: their length says little.
#[cfg(unix)]
fn allocated(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

#[cfg(not(unix))]
fn allocated(meta: &fs::Metadata) -> u64 {
    meta.len()
}
