//! The `linkloom` command: parses, runs, and turns what came out into an exit code.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use linkloom::cli::args::Cli;
use linkloom::cli::{self, Output};
use tikv_jemallocator::Jemalloc;

/// Reports cross threads in many small pieces. It serves librdkafka and zstd, too (`.cargo/config.toml` has its settings).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = cli::stdout_style(cli.process.color);
    let mut stdout = BufWriter::new(io::stdout().lock());
    let result = cli::run(cli, &mut Output { out: &mut stdout, style });
    let result = result.and_then(|outcome| Ok(stdout.flush().map(|()| outcome)?));
    match result {
        Ok(outcome) => outcome.into(),
        // Who reads our output has seen enough, as in `linkloom ... | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = String::new();
            for line in format!("linkloom: {error:#}").lines() {
                text.push_str(&linkloom::terminal::plain(line));
                text.push('\n');
            }
            let _ = io::stderr().write_all(text.as_bytes());
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}
