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
    // Closed before the thread is waited for: what comes meanwhile is told so.
    door: Door,
    failed: Arc<AtomicBool>,
    _work: Work,
}

/// Where posted reports come in. Dropping it lets no more in.
struct Door(Arc<Posted>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A thread that is told to stop and waited for when this is dropped.
struct Work {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Stores what is posted. `stops` is set when the store takes no more reports: the process is of no use then.
    pub fn store(
        service: &Arc<Service>,
        figures: &Arc<FeedFigures>,
        config: &Config,
        stops: &Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        let (service, figures, stops) = (service.clone(), figures.clone(), stops.clone());
        let failed = Arc::new(AtomicBool::new(false));
        let fails = failed.clone();
        let relay = Relay::start(config, None, move |source, stop| {
            if let Err(error) = service.feed(source, &figures, stop) {
                tracing::error!(%error, "posted reports cannot be stored");
                fails.store(true, Ordering::Release);
                stops.store(true, Ordering::Release);
            }
        })?;
        Ok(Relay { failed, ..relay })
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
        let door = Door(Arc::new(Posted::new(sender, limits(config), target)));
        Ok(Relay { door, failed: Arc::default(), _work: work })
    }

    /// Whether what was posted could not be stored; also known when this is gone.
    pub fn failed(&self) -> Arc<AtomicBool> {
        self.failed.clone()
    }

    /// Who takes posted reports.
    pub fn posted(&self) -> Arc<Posted> {
        self.door.0.clone()
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
