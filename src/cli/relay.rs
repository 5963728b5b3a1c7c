//! `linkloom relay`: posted reports and the lines of files into a topic of Kafka, until the process is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use linkloom_ingest::source::{Tail, TailOptions};

use super::Outcome;
use super::args::RelayArgs;
use super::ingest::stop_on_signal;
use crate::api::{ApiServer, Process};
use crate::config::Config;
use crate::figures::publish_forwarded;
use crate::metrics::Recorder;
use crate::relay::{Following, Relay, Target};
use crate::service::{kafka_settings, line_bytes_max, reports_topic};

/// Bytes read at once of a file.
const BLOCK_BYTES: usize = 256 << 10;
/// How soon the process sees a signal.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &RelayArgs, config: &Config) -> anyhow::Result<Outcome> {
    let mut config = config.clone();
    config.api.listen = args.listen.unwrap_or(config.api.listen);
    config.relay.topic = args.topic.clone().unwrap_or(config.relay.topic);
    let settings = kafka_settings(&config, args.kafka.brokers.as_deref())?;
    let target = Arc::new(Target::new(settings, reports_topic(&config)?)?);
    let files = files(args, &config)?;

    let stop = stop_on_signal()?;
    let recorder = Recorder::install()?;
    let process = {
        let (publishes, lacks) = (target.clone(), target.clone());
        Process::new(move || {
            publish_forwarded(&publishes);
            recorder.render()
        })
        .that_lacks(move || lacks.trouble().into_iter().collect())
    };
    let relay = Relay::forward(&target, &config)?;
    let api = ApiServer::relay(relay.posted(), &config, process)?;
    let following = files.map(|files| Following::start(files, &target, &config)).transpose()?;
    tracing::info!(topic = %target.topic(), api = %format!("http://{}", api.address()), "passing reports on");
    while !stop.load(Ordering::Acquire) {
        std::thread::park_timeout(LOOK);
    }
    tracing::info!("stopping: what was taken is handed over");
    // What is posted meanwhile is refused, and what was is answered.
    drop((following, relay));
    drop(api);
    let delivered = target.figures().delivered.load(Ordering::Relaxed);
    tracing::info!(delivered, "stopped");
    Ok(Outcome::Done)
}

/// The files that are followed, if there are any.
fn files(args: &RelayArgs, config: &Config) -> anyhow::Result<Option<Tail>> {
    let patterns = if args.files.is_empty() { config.relay.files.clone() } else { args.files.clone() };
    if patterns.is_empty() {
        return Ok(None);
    }
    let configured = Some(PathBuf::from(&config.relay.state)).filter(|folder| !folder.as_os_str().is_empty());
    let state = args.state.clone().or(configured).context(
        "files are followed, but it cannot be written down how far they were read: name a folder with --state, or state in \
         [relay] of the configuration",
    )?;
    let options = TailOptions {
        patterns,
        state,
        files_max: config.relay.files_max,
        block_bytes: BLOCK_BYTES,
        line_bytes_max: line_bytes_max(config),
    };
    Ok(Some(Tail::open(options)?))
}
