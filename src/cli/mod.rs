//! The command line: one file per group of commands, and what they share.

pub mod args;
mod config;
mod ingest;
mod link;
mod logging;
mod node;
mod output;
mod progress;
pub mod remote;
mod rowkey;
mod store;

use std::process::ExitCode;

pub use output::{Output, stdout_style};

use args::{Cli, Command};

/// How a command ended when nothing kept it from its work; what did is an error, and exit code 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked to.
    Done,
    /// What was asked for is not there, or a check failed.
    NotFound,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::NotFound => ExitCode::from(1),
        }
    }
}

/// Runs the command; what it answers goes to `out`.
pub fn run(cli: Cli, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    // The commands on the configuration say themselves what is wrong with it.
    if let Command::Config(command) = &cli.command {
        return config::run(command, &cli.process, out);
    }
    let loaded = crate::config::Loaded::read(cli.process.config.as_deref())?;
    logging::init(&loaded.config.log, &cli.process)?;
    match cli.command {
        Command::Rowkey(mark) => rowkey::run(&mark, out),
        Command::Ingest(args) => ingest::run(&args, &loaded.config),
        Command::Link(command) => link::run(&command, &loaded.config, out),
        Command::Node(command) => node::run(&command, &loaded.config, out),
        _ => anyhow::bail!("this command is not part of this build"),
    }
}
