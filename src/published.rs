//! The figures of the parts as metrics, taken over when metrics are asked for: counting costs the parts an atomic add.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use linkloom_storage::embedded::EmbeddedStore;

use crate::metrics::{self as names, Recorder, outcome};
use crate::pipeline::FeedFigures;
use crate::service::Service;

/// What has figures. A part that has ended keeps its last ones.
struct Parts {
    feed: Arc<FeedFigures>,
    service: Weak<Service>,
    store: Weak<EmbeddedStore>,
}

/// The metrics of a process that feeds a store.
pub struct Published {
    recorder: Recorder,
    parts: OnceLock<Parts>,
}

impl Published {
    /// Metrics in `recorder`, all 0 until the parts are known.
    pub fn new(recorder: Recorder) -> Self {
        Published { recorder, parts: OnceLock::new() }
    }

    /// Says where the figures are from now on; the first call counts.
    pub fn take_from(&self, feed: &Arc<FeedFigures>, service: &Arc<Service>, store: &Arc<EmbeddedStore>) {
        let parts =
            Parts { feed: feed.clone(), service: Arc::downgrade(service), store: Arc::downgrade(store) };
        let _ = self.parts.set(parts);
    }

    /// All metrics in the Prometheus text format, as of now.
    pub fn render(&self) -> String {
        if let Some(parts) = self.parts.get() {
            parts.publish();
        }
        self.recorder.render()
    }
}

fn get(figure: &AtomicU64) -> u64 {
    figure.load(Ordering::Relaxed)
}

impl Parts {
    fn publish(&self) {
        let total = |name: &'static str, figure: &AtomicU64| metrics::counter!(name).absolute(get(figure));
        let feed = &*self.feed;
        // What became of positions first, then how many were read: at no time is more accounted for than was read.
        for (of, figure) in [
            (outcome::STORED, &feed.stored),
            (outcome::DUPLICATE, &feed.duplicates),
            (outcome::DEAD_LETTERED, &feed.dead),
        ] {
            metrics::counter!(names::POSITIONS, "outcome" => of).absolute(get(figure));
        }
        total(names::POSITIONS_READ, &feed.read);
        total(names::READ_BYTES, &feed.read_bytes);
        total(names::TIMES_SUBSTITUTED, &feed.times_substituted);
        total(names::PAYLOADS_CUT, &feed.payloads_cut);
        total(names::AMBIGUOUS_MARKS, &feed.marks_with_more_separators);
        if let Some(service) = self.service.upgrade() {
            let sink = service.sink().figures();
            total(names::FLUSH_PACKS, &sink.packs);
            total(names::STORE_CELLS, &sink.cells);
            total(names::STORE_BYTES, &sink.bytes);
            let assembler = service.assembler().figures();
            metrics::gauge!(names::ASSEMBLER_WINDOWS).set(get(&assembler.windows) as f64);
            metrics::gauge!(names::ASSEMBLER_MEMORY_BYTES).set(get(&assembler.bytes) as f64);
            total(names::ASSEMBLER_SUMMARIES, &assembler.summaries);
            total(names::ASSEMBLER_SPILLED, &assembler.spilled);
            total(names::ASSEMBLER_READ_BACK, &assembler.reread);
            metrics::counter!(names::STORE_ERRORS, "retry" => "with_backoff")
                .absolute(get(&assembler.retries));
        }
        if let Some(bytes) = self.store.upgrade().and_then(|store| store.disk_bytes().ok()) {
            metrics::gauge!(names::STORE_DISK_BYTES).set(bytes as f64);
        }
    }
}
