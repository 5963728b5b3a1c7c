//! `linkloom config check|print`.

use super::args::{ConfigCommand, ProcessArgs};
use super::{Outcome, Output};
use crate::config::{ConfigError, Loaded, to_toml};

pub(super) fn run(
    command: &ConfigCommand,
    process: &ProcessArgs,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    match command {
        ConfigCommand::Check { file } => match Loaded::read(Some(file)) {
            Ok(_) => {
                out.text(&format!("{}: ok\n", crate::terminal::plain(&file.display().to_string())))?;
                Ok(Outcome::Done)
            }
            Err(ConfigError::Bad { problems }) => {
                for problem in &problems.0 {
                    out.text(&format!("{}\n", crate::terminal::plain(&problem.to_string())))?;
                }
                Ok(Outcome::NotFound)
            }
            Err(error) => Err(error.into()),
        },
        ConfigCommand::Print => {
            out.text(&to_toml(&Loaded::read(process.config.as_deref())?))?;
            Ok(Outcome::Done)
        }
    }
}
