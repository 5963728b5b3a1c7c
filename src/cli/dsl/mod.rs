//! `linkloom dsl check|put|graph|import`.

mod check;
mod graph;
mod import;
mod pretty;
mod put;

use super::args::{DslCommand, DslImportCommand};
use super::{Outcome, Output};
use crate::config::Config;

pub(super) fn run(
    command: &DslCommand,
    config: &Config,
    stderr_color: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    match command {
        DslCommand::Check(args) => check::run(args, out),
        DslCommand::Put(args) => put::run(args, config, stderr_color, out),
        DslCommand::Graph(args) => graph::run(args, config, stderr_color, out),
        DslCommand::Import(DslImportCommand::Conductor(args)) => import::run(args, out),
    }
}
