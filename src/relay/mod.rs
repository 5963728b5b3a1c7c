//! Reports on their way in that no topic brought: posted ones into the pipeline of this process or into Kafka, and the
//! lines of files into Kafka.

mod forward;
mod posted;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use linkloom_ingest::source::{Source, channel};

pub use forward::{Forwarder, Target};
pub use posted::Posted;

use crate::config::Config;
use crate::pipeline::FeedFigures;
use crate::service::{Service, limits, line_bytes_max};

/// Name of the source in dead letters and positions.
const NAME: &str = "http";
/// Posts that wait to be read.
const POSTS_MAX: usize = 1_024;

/// Posted reports on their way. Dropping it stores what was taken and ends it.
pub struct Relay {
    posted: Arc<Posted>,
    _work: Work,
}

/// A thread that is told to stop and waited for when this is dropped.
struct Work {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Stores what is posted. `failed` is set when the store takes no more reports.
    pub fn store(
        service: &Arc<Service>,
        figures: &Arc<FeedFigures>,
        config: &Config,
        failed: &Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        let (service, figures, failed) = (service.clone(), figures.clone(), failed.clone());
        Relay::start(config, None, move |source, stop| {
            if let Err(error) = service.feed(source, &figures, stop) {
                tracing::error!(%error, "posted reports cannot be stored");
                failed.store(true, Ordering::Release);
            }
        })
    }

    /// Writes what is posted to a topic.
    pub fn forward(target: &Arc<Target>, config: &Config) -> std::io::Result<Self> {
        let forwarder = Forwarder::new(target.clone(), config);
        Relay::start(config, Some(target.clone()), move |source, stop| forwarder.run(source, stop))
    }

    fn start(
        config: &Config,
        target: Option<Arc<Target>>,
        work: impl FnOnce(&mut dyn Source, &AtomicBool) + Send + 'static,
    ) -> std::io::Result<Self> {
        let bytes_max = config.api.reports_bytes_max as u64;
        let (sender, mut source) = channel(NAME, POSTS_MAX, bytes_max, line_bytes_max(config));
        let work = Work::start("relay", move |stop| work(&mut source, stop))?;
        Ok(Relay { posted: Arc::new(Posted::new(sender, limits(config), target)), _work: work })
    }

    /// Who takes posted reports.
    pub fn posted(&self) -> Arc<Posted> {
        self.posted.clone()
    }
}

/// Lines of files on their way into a topic. Dropping it waits a little for what was read, and ends it.
pub struct Following {
    _work: Work,
}

impl Following {
    /// Writes what comes of `files` to a topic.
    pub fn start(
        mut files: impl Source + 'static,
        target: &Arc<Target>,
        config: &Config,
    ) -> std::io::Result<Self> {
        let forwarder = Forwarder::new(target.clone(), config);
        let work = Work::start("follow", move |stop| forwarder.run(&mut files, stop))?;
        Ok(Following { _work: work })
    }
}

impl Work {
    fn start(name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let ends = stop.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&ends))?;
        Ok(Work { stop, thread: Some(thread) })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread that takes reports ended in a panic");
        }
    }
}
