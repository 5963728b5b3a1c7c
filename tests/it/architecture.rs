//! The rules of `ARCHITECTURE.md` that a line in a manifest or a file could break.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours each crate may use. What is not listed here fails the test: a new crate needs its place.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("linkloom-schema", &[]),
    ("linkloom-ingest", &["linkloom-schema"]),
    ("linkloom-storage", &["linkloom-schema"]),
    ("linkloom-assembler", &["linkloom-schema", "linkloom-storage"]),
    ("linkloom-query", &["linkloom-schema", "linkloom-storage"]),
    // What applications link in shares the report format with the others, and no code.
    ("linkloom-reporter", &["linkloom-reporter-macros"]),
    ("linkloom-reporter-macros", &[]),
    ("content-platform-intake", &["linkloom-reporter"]),
    (
        "linkloom",
        &["linkloom-schema", "linkloom-ingest", "linkloom-storage", "linkloom-assembler", "linkloom-query"],
    ),
];

/// All that `schema` may be built from: pure crates, none that does I/O, has a clock, starts threads or draws numbers.
const SCHEMA_MAY_USE: [&str; 14] = [
    "annotate-snippets", // texts of problems with their place
    "crc32fast",         // salt of row keys
    "itoa",
    "jiff", // calendar arithmetic; without its features for clocks and time zone files
    "jsonc-parser",
    "memchr",
    "roxmltree",
    "serde",
    "serde_json",
    "smallvec",
    "strsim",
    "thiserror",
    "wide",
    "xxhash-rust",
];

/// What has no place in `schema`, whatever it is built from.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "println!(",
    "RandomState",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The packages of the workspace as `cargo metadata` has them.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Names of the dependencies of one kind (`null`: normal).
fn dependencies<'a>(package: &'a Value, kinds: &'a [Option<&str>]) -> impl Iterator<Item = &'a str> {
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter()
        .filter(|dependency| kinds.contains(&dependency["kind"].as_str()))
        .map(|dependency| dependency["name"].as_str().expect("a name"))
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

#[test]
fn dependencies_go_one_way() {
    let may_use: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(name).collect();
    assert_eq!(names, may_use.keys().copied().collect(), "the crates of the workspace and those with a rule");
    let mut broken = Vec::new();
    for package in &packages {
        let allowed = may_use[name(package)];
        for used in dependencies(package, &[None, Some("build")]).filter(|used| names.contains(used)) {
            if !allowed.contains(&used) {
                broken.push(format!("{} uses {used}", name(package)));
            }
        }
        // Tests may look further, but nothing may need the binary.
        for used in dependencies(package, &[Some("dev")]).filter(|used| *used == "linkloom") {
            broken.push(format!("the tests of {} use {used}", name(package)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn schema_is_pure() {
    let packages = packages();
    let schema = packages.iter().find(|package| name(package) == "linkloom-schema").expect("schema");
    let unknown: Vec<&str> =
        dependencies(schema, &[None, Some("build")]).filter(|used| !SCHEMA_MAY_USE.contains(used)).collect();
    assert!(unknown.is_empty(), "schema uses {unknown:?}: is it pure? then list it here");

    let mut found = Vec::new();
    for file in sources(&root().join("schema/src")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.display(), at + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_about() {
    let mut bare = Vec::new();
    let mut files = 0;
    for folder in [
        "",
        "schema",
        "ingest",
        "assembler",
        "storage",
        "query",
        "reporter",
        "reporter/macros",
        "examples/content-platform/intake",
    ] {
        for part in ["src", "tests", "benches"] {
            for file in sources(&root().join(folder).join(part)) {
                files += 1;
                let text = std::fs::read_to_string(&file).expect("a source file");
                let first = text.lines().next().unwrap_or_default();
                if first.strip_prefix("//! ").is_none_or(|doc| doc.len() <= 10) {
                    bare.push(format!("{}: {first:?}", file.display()));
                }
            }
        }
    }
    assert!(files > 30, "only {files} files were found");
    assert!(bare.is_empty(), "files that do not begin with a `//!` doc comment:\n{}", bare.join("\n"));
}

/// All `.rs` files below a folder, none if it is not there.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
