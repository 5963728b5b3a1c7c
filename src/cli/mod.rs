//! The command line: one file per group of commands, and what they share.

pub mod args;
mod backfill;
mod bench;
mod config;
mod convert;
mod dead;
mod demo;
mod dsl;
mod hbase;
mod ingest;
mod link;
mod logging;
mod node;
mod output;
mod progress;
mod relay;
pub mod remote;
mod replay;
mod rowkey;
mod serve;
mod store;
mod unlinked;
mod verify;

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
    let command = match cli.command {
        // The commands on the configuration say themselves what is wrong with it.
        Command::Config(command) => return config::run(&command, &cli.process, out),
        command => command,
    };
    let loaded = crate::config::Loaded::read(cli.process.config.as_deref())?;
    logging::init(&loaded.config.log, &cli.process)?;
    let config = &loaded.config;
    match command {
        Command::Config(_) => unreachable!("answered above"),
        Command::Verify(args) => verify::run(&args, config, out),
        Command::Dsl(command) => dsl::run(&command, config, output::stderr_color(cli.process.color), out),
        Command::Convert(args) => convert::run(&args, out),
        Command::Dead(command) => dead::run(&command, config, out),
        Command::Unlinked(command) => unlinked::run(&command, config, out),
        Command::Hbase(command) => hbase::run(&command, config, out),
        Command::Rowkey(mark) => rowkey::run(&mark, out),
        Command::Ingest(args) => ingest::run(&args, config),
        Command::Serve(args) => serve::run(&args, config),
        Command::Relay(args) => relay::run(&args, config),
        Command::Backfill(args) => backfill::run(&args, config),
        Command::Demo(args) => demo::run(&args, config, out),
        Command::Bench(command) => bench::run(&command, config, out),
        Command::Link(command) => link::run(&command, config, out),
        Command::Node(command) => node::run(&command, config, out),
    }
}
