//! `docs/getting-started.md`: its blocks run as they stand, one after the other in one shell, as a reader would paste them.
//!
//! Left out is what fetches and compiles: the toolkits are those of this repository, and Rust is left to the examples of `docs/reporters.md`.

use std::process::Command;

use super::services::{free_address, review_console, root};
use crate::support::kafka::broker;

/// The parts of the page that are run.
const PARTS: [&str; 5] = ["A plan", "Any language", "Python", "Java", "Look at it"];
/// Beginnings of lines that fetch or compile.
const LEFT_OUT: [&str; 2] = ["python3 -m venv ", "mvn "];

/// The lines of the `sh` blocks of those parts.
fn script(page: &str) -> String {
    let (mut part, mut in_block, mut script) = ("", false, String::new());
    for line in page.lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block => {
                if PARTS.contains(&part) && !LEFT_OUT.iter().any(|left_out| line.starts_with(left_out)) {
                    script.push_str(line);
                    script.push('\n');
                }
            }
            line => part = line.strip_prefix("## ").unwrap_or(part),
        }
    }
    script
}

#[test]
fn the_blocks_of_getting_started_do_what_they_say() {
    // Where there is a broker, there are Java and Maven.
    if broker().is_none() {
        return;
    }
    review_console();
    let page = std::fs::read_to_string(root().join("docs/getting-started.md")).expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    let script = script(&page)
        .replace("127.0.0.1:7070", &free_address())
        .replace("python/bin/python ", "python3 ")
        .replace("~/first-link", "first-link");
    assert!(!script.contains(":7070") && script.contains("kill %1"), "{script}");
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_linkloom")).parent().expect("a folder").display();
    let mut bash = Command::new("bash");
    // A server that a failing block leaves behind would outlive the test.
    bash.args([
        "-euo",
        "pipefail",
        "-c",
        &format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"),
    ]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINKLOOM_") {
            bash.env_remove(name);
        }
    }
    let output = bash
        .env("PATH", format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default()))
        .env("LINKLOOM_SOURCE", root())
        .env("LINKLOOM_SPOOL", folder.path().join("spool"))
        .env("PYTHONPATH", root().join("reporters/python"))
        .current_dir(folder.path())
        .output()
        .expect("bash");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}\n{script}");
    for said in [
        "▶ running  order-1 › order › a1",
        "✖ failed  order-1 › order › a1",
        "CarrierAway: nobody answers",
        "✔ completed  order-2 › order › a1",
        "✖ failed  order-3 › order › a1",
        "at Order.main(Order.java:",
    ] {
        assert!(out.contains(said), "{said} in\n{out}\n{err}");
    }
    assert!(!out.contains("unplanned"), "{out}");
}
