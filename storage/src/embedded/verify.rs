//! Checks the engine leaves out: that each tree's list of files is the one that was written.
//!
//! The engine writes a checksum of the list beside it (`current`: version number, 128-bit xxh3, kind of checksum) but
//! reads the list unchecked, and takes lengths in it at their word.

use std::fs;
use std::path::Path;

use super::engine::Named;
use super::files;
use crate::store::StoreError;

/// Version number, checksum, kind of checksum.
const CURRENT_BYTES: usize = 8 + 16 + 1;
/// Kind of checksum: xxh3.
const XXH3: u8 = 0;

/// Checks the list of files of every tree below `engine_dir`.
///
/// Errors: `Corrupt`, naming the tree.
pub(super) fn lists(engine_dir: &Path, named: &Named) -> Result<(), StoreError> {
    let unavailable = |cause: std::io::Error| files::unavailable(&named.store, "open", &cause);
    let trees = match fs::read_dir(engine_dir.join("keyspaces")) {
        Err(none) if none.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(unavailable)?,
    };
    for tree in trees {
        let tree = tree.map_err(unavailable)?;
        let dir = tree.path();
        let current = match fs::read(dir.join("current")) {
            // Not finished being made, or half removed: the engine removes the rest.
            Err(none) if none.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(unavailable)?,
        };
        let what = || format!("cells/keyspaces/{}", tree.file_name().to_string_lossy());
        let Some((version, checksum)) = parse(&current) else {
            return Err(named.corrupt(what(), "the file current is not a version and its checksum"));
        };
        let list = fs::read(dir.join(format!("v{version}")))
            .map_err(|cause| named.corrupt(what(), format!("its list of files v{version}: {cause}")))?;
        if xxhash_rust::xxh3::xxh3_128(&list) != checksum {
            return Err(named.corrupt(what(), format!("its list of files v{version} has another checksum")));
        }
    }
    Ok(())
}

fn parse(current: &[u8]) -> Option<(u64, u128)> {
    let bytes: &[u8; CURRENT_BYTES] = current.try_into().ok()?;
    let (version, rest) = bytes.split_first_chunk::<8>()?;
    let (checksum, kind) = rest.split_first_chunk::<16>()?;
    (kind == [XXH3]).then(|| (u64::from_le_bytes(*version), u128::from_le_bytes(*checksum)))
}
