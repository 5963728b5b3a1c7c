//! Remembering how far a file was ingested, by what is in it rather than by its name.
//!
//! A file is *the same file* when the bytes that were consumed are still its beginning: it may have been renamed, copied,
//! compressed or appended to since. What was consumed is remembered as its length and the XXH3-128 of all of it, so no
//! byte is ever skipped that was not ingested. To find the remembered points of a file without knowing how much of it
//! was consumed, each point is filed under the hash of the first 2^k bytes, the greatest power of two within what was
//! consumed and 4096: a file is looked up under at most 13 such heads, and is found however short it was before.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// Longest head in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 4096;

/// The beginning of a file, under which what was consumed of it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    /// A power of two, at most 4096.
    pub bytes: u32,
    /// XXH3-128 of that many first bytes.
    pub hash: u128,
}

impl fmt::Display for Head {
    /// The row it is filed in: `file|{bytes, 4 digits}|{hash, 32 hex digits}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file|{:04}|{:032x}", self.bytes, self.hash)
    }
}

/// The heads of a file that begins with these bytes (4096 or all of it), longest first.
pub fn heads(begin: &[u8]) -> impl Iterator<Item = Head> {
    let longest = begin.len().min(HEAD_BYTES_MAX).checked_ilog2();
    let powers = longest.into_iter().flat_map(|longest| (0..=longest).rev());
    powers.map(|power| Head { bytes: 1 << power, hash: xxh3_128(&begin[..1 << power]) })
}

/// How much of a file was consumed: everything before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// Bytes, after decompression.
    pub length: u64,
    /// Lines in them, blank ones counted.
    pub lines: u64,
    /// XXH3-128 of these bytes.
    pub hash: u128,
    /// How many of the lines were refused.
    pub refused: u64,
}

/// A remembered point that does not read.
#[derive(Debug, thiserror::Error)]
#[error("resume point does not decode: {0}")]
pub struct BadResumePoint(String);

#[derive(Deserialize, Serialize)]
struct Stored {
    v: u32,
    length: u64,
    lines: u64,
    hash: String,
    #[serde(default, skip_serializing_if = "is_none")]
    refused: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl ResumePoint {
    /// The value to remember: `{"v":1,"length":…,"lines":…,"hash":"…"}`, with `"refused":…` if a line was.
    pub fn to_json(self) -> Vec<u8> {
        let hash = format!("{:032x}", self.hash);
        let stored = Stored { v: 1, length: self.length, lines: self.lines, hash, refused: self.refused };
        serde_json::to_vec(&stored).expect("numbers and text serialise")
    }

    /// Reads [`ResumePoint::to_json`].
    pub fn from_json(json: &[u8]) -> Result<ResumePoint, BadResumePoint> {
        let Stored { v, length, lines, hash, refused } =
            serde_json::from_slice(json).map_err(|error| BadResumePoint(error.to_string()))?;
        if v != 1 {
            return Err(BadResumePoint(format!("version {v} is not 1")));
        }
        if hash.len() != 32 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadResumePoint("the hash is not 32 hex digits".to_owned()));
        }
        let hash = u128::from_str_radix(&hash, 16).map_err(|error| BadResumePoint(error.to_string()))?;
        Ok(ResumePoint { length, lines, hash, refused })
    }
}

/// What to write, together with a batch's data, so that its file goes on behind it the next time: `point` in the row
/// named by `head`, replacing what this file had there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Where it is filed.
    pub head: Head,
    /// What is remembered.
    pub point: ResumePoint,
}

impl Resume {
    /// What to remember of a file that begins so, up to `point`; `None` at its very beginning.
    pub(super) fn of(begin: &[u8], point: ResumePoint) -> Option<Self> {
        let consumed = usize::try_from(point.length).unwrap_or(usize::MAX).min(begin.len());
        heads(&begin[..consumed]).next().map(|head| Resume { head, point })
    }
}

/// Finds every point filed under a head; of several files that begin alike, all.
pub type Lookup = Box<dyn FnMut(&Head) -> Result<Vec<ResumePoint>, String> + Send>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_file_shares_a_head_with_its_past() {
        let whole: Vec<u8> = (0..10_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        for before in [1, 2, 3, 63, 64, 100, 4095, 4096, 9_999] {
            let filed = heads(&whole[..before]).next().unwrap();
            assert!(heads(&whole).any(|head| head == filed), "{before}");
        }
        assert_eq!(heads(&[]).count(), 0);
        assert_eq!(heads(&whole).count(), 13);
        assert_eq!(heads(b"a").next().unwrap().to_string(), "file|0001|a96faf705af16834e6c632b61e964e1f");
    }

    #[test]
    fn points_round_trip_and_bad_ones_are_refused() {
        let refused = ResumePoint { length: 5, lines: 1, hash: 7, refused: 1 };
        assert_eq!(ResumePoint::from_json(&refused.to_json()).unwrap(), refused);
        let point = ResumePoint { refused: 0, ..refused };
        let json = br#"{"v":1,"length":5,"lines":1,"hash":"00000000000000000000000000000007"}"#;
        assert_eq!(point.to_json(), json);
        assert_eq!(ResumePoint::from_json(json).unwrap(), point);
        for bad in ["", "{}", r#"{"v":2,"length":5,"lines":1,"hash":"00000000000000000000000000000007"}"#] {
            assert!(ResumePoint::from_json(bad.as_bytes()).is_err(), "{bad}");
        }
        let signed = r#"{"v":1,"length":5,"lines":1,"hash":"+0000000000000000000000000000007"}"#;
        assert!(ResumePoint::from_json(signed.as_bytes()).is_err());
    }
}
