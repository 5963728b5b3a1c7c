//! `docs/cli.md`: every command is in it, and its examples end as it says.

use std::path::Path;
use std::process::Command;

use clap::CommandFactory as _;
use linkloom::cli::args::Cli;

use crate::workplace::{Workplace, files_below};

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    std::fs::read_to_string(path).expect("docs/cli.md")
}

#[test]
fn every_command_is_described() {
    fn visit(command: &clap::Command, name: &str, text: &str) {
        let mut is_group = false;
        for inner in command.get_subcommands() {
            is_group = true;
            visit(inner, &format!("{name} {}", inner.get_name()), text);
        }
        let place = name.split(' ').take(2).collect::<Vec<_>>().join(" ");
        if !is_group {
            // What `bench` measures is said by its help.
            let named = if place == "linkloom bench" { &place } else { name };
            assert!(text.contains(&format!("[`{named}`]")), "docs/cli.md does not list {name}");
            assert!(text.contains(&format!("\n## {place}\n")), "docs/cli.md has no part on {place}");
        }
    }
    visit(&Cli::command(), "linkloom", &text());
}

/// The lines of the `sh` blocks run one after the other in one folder, through a shell, as people would type them.
#[test]
fn the_examples_end_as_they_say() {
    let place = Workplace::new();
    for sample in files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dsl-samples")) {
        let name = sample.file_name().expect("a file").to_string_lossy().into_owned();
        place.copy(&format!("dsl-samples/{name}"));
    }
    let binaries =
        Path::new(env!("CARGO_BIN_EXE_linkloom")).parent().expect("a folder").display().to_string();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default());
    let (mut in_block, mut examples, mut failures) = (false, 0, Vec::new());
    for line in text().lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block => {
                let (line, code) = match line.rsplit_once(" # ") {
                    Some((line, code)) => (line.trim_end(), code.parse().expect("an exit code")),
                    None => (line, 0),
                };
                let mut shell = Command::new("sh");
                shell.args(["-c", line]).current_dir(place.path("")).env("PATH", &path);
                for (name, _) in std::env::vars_os() {
                    if name.to_string_lossy().starts_with("LINKLOOM_") {
                        shell.env_remove(name);
                    }
                }
                let output = shell.output().expect("a shell");
                examples += 1;
                if output.status.code() != Some(code) {
                    let said = String::from_utf8_lossy(&output.stderr);
                    failures
                        .push(format!("{line}\n  ended with {:?}, not {code}: {said}", output.status.code()));
                }
            }
            _ => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(examples >= 40, "only {examples} examples were found");
}
