//! Logs of the process: on stderr, as text or JSON lines.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use super::args::ProcessArgs;
use super::output::colored;
use crate::config::{LogConfig, LogFormat};

/// Begins logging. `--log` goes over the configuration.
pub(super) fn init(config: &LogConfig, process: &ProcessArgs) -> anyhow::Result<()> {
    let level = process.log.as_deref().unwrap_or(&config.level);
    let filter = EnvFilter::try_new(level).with_context(|| format!("log level {level:?}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let result = match config.format {
        LogFormat::Text => lines.with_ansi(colored(process.color, io::stderr().is_terminal())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    result.map_err(|cause| anyhow::anyhow!("cannot begin logging: {cause}"))
}
