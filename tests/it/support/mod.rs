//! What the tests of the laws share: generated reports, ways to feed them, and all answers of a store as text.

pub(crate) mod answers;
pub(crate) mod feeding;
pub(crate) mod kafka;
pub(crate) mod reports;
pub(crate) mod serve;

use std::path::PathBuf;
use std::process::Command;

/// A number from the environment, else `default`.
pub(crate) fn from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, a number is allowed")),
        Err(_) => default,
    }
}

/// A deterministic sequence of numbers: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// A binary of the workspace, built by the cargo that builds the tests; `which` as `cargo build` takes it. The whole workspace
/// is named, so that crates are built with the features they have already.
pub(crate) fn built(which: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--locked", "--message-format=json"])
        .args(which)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let messages = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{messages}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next().expect("cargo names what it built")
}
