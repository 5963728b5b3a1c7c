//! Reports that are posted to the API on their way into the pipeline, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use linkloom_ingest::source::{ChannelSender, channel};

use crate::config::Config;
use crate::pipeline::FeedFigures;
use crate::service::{Service, line_bytes_max};

/// Name of the source in dead letters and positions.
const NAME: &str = "http";
/// Posts that wait to be read.
const POSTS_MAX: usize = 1_024;

/// The pipeline of posted reports. Dropping it stores what was taken and ends it.
pub struct Relay {
    sender: ChannelSender,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts to read. `failed` is set when the store takes no more reports.
    pub fn start(
        service: &Arc<Service>,
        figures: &Arc<FeedFigures>,
        config: &Config,
        failed: &Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        let bytes_max = config.api.reports_bytes_max as u64;
        let (sender, mut source) = channel(NAME, POSTS_MAX, bytes_max, line_bytes_max(config));
        let stop = Arc::new(AtomicBool::new(false));
        let (service, figures) = (service.clone(), figures.clone());
        let (ends, failed) = (stop.clone(), failed.clone());
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
            if let Err(error) = service.feed(&mut source, &figures, &ends) {
                tracing::error!(%error, "posted reports cannot be stored");
                failed.store(true, Ordering::Release);
            }
        })?;
        Ok(Relay { sender, stop, thread: Some(thread) })
    }

    /// Where posted reports are put.
    pub fn sender(&self) -> ChannelSender {
        self.sender.clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that reads posted reports ended in a panic");
        }
    }
}
