//! What the parts counted, published as metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use linkloom_ingest::source::kafka::{KafkaFigures, clients_renewed};
use linkloom_storage::hbase::{HbaseFigures, Method};

use crate::metrics::{self as names, Recorder, call, outcome};
use crate::pipeline::FeedFigures;
use crate::relay::Target;
use crate::service::{AnyStore, Service};

fn get(figure: &AtomicU64) -> u64 {
    figure.load(Ordering::Relaxed)
}

/// Brings the metrics up to date with what a pipeline counted so far.
pub fn publish(feed: &FeedFigures, service: &Service) {
    let (sink, assembler) = (service.sink().figures(), service.assembler().figures());
    for (name, value) in [
        (names::POSITIONS_READ, get(&feed.read)),
        (names::POSITIONS_REPLAYED, get(&feed.replayed)),
        (names::READ_BYTES, get(&feed.read_bytes)),
        (names::AMBIGUOUS_MARKS, get(&feed.marks_with_more_separators)),
        (names::PAYLOADS_CUT, get(&feed.payloads_cut)),
        (names::TIMES_SUBSTITUTED, get(&feed.times_substituted)),
        (names::FLUSHES, get(&sink.flushes)),
        (names::FLUSH_PACKS, get(&sink.packs)),
        (names::STORE_CELLS, get(&sink.cells)),
        (names::STORE_BYTES, get(&sink.bytes)),
        (names::STORE_RETRIES, get(&assembler.retries)),
        (names::ASSEMBLER_CLOSED, get(&assembler.closed)),
        (names::ASSEMBLER_SPILLED, get(&assembler.spilled)),
        (names::ASSEMBLER_UNSPILLED, get(&assembler.unspilled)),
        (names::ASSEMBLER_READ_BACK, get(&assembler.reread)),
        (names::ASSEMBLER_SUMMARIES, get(&assembler.summaries)),
    ] {
        metrics::counter!(name).absolute(value);
    }
    for (became, value) in [
        (outcome::STORED, get(&feed.stored)),
        (outcome::DUPLICATE, get(&feed.duplicates)),
        (outcome::DEAD_LETTERED, get(&feed.dead)),
    ] {
        metrics::counter!(names::POSITIONS, "outcome" => became).absolute(value);
    }
    metrics::gauge!(names::ASSEMBLER_WINDOWS).set(get(&assembler.windows) as f64);
    metrics::gauge!(names::ASSEMBLER_MEMORY_BYTES).set(get(&assembler.bytes) as f64);
    metrics::gauge!(names::ASSEMBLER_OPEN_FLUSHES).set(service.assembler().flushes_open() as f64);
}

/// Brings the metrics of HBase up to date.
pub fn publish_hbase(figures: &HbaseFigures) {
    for method in Method::ALL {
        for (outcome, count) in
            [(call::ANSWERED, figures.answered(method)), (call::FAILED, figures.failed(method))]
        {
            let labels = [("method", method.name()), ("outcome", outcome)];
            metrics::counter!(names::HBASE_CALLS, &labels).absolute(count);
        }
    }
    metrics::counter!(names::HBASE_RECONNECTS).absolute(figures.reconnects());
}

/// Brings the metrics of Kafka up to date.
pub fn publish_kafka(kafka: &KafkaFigures) {
    for (name, value) in [
        (names::KAFKA_REBALANCES, get(&kafka.rebalances)),
        (names::KAFKA_COMMITS, get(&kafka.commits)),
        (names::KAFKA_COMMIT_ERRORS, get(&kafka.commit_errors)),
    ] {
        metrics::counter!(name).absolute(value);
    }
    metrics::counter!(names::KAFKA_CLIENTS_RENEWED).absolute(clients_renewed());
    metrics::gauge!(names::KAFKA_PARTITIONS).set(kafka.partitions() as f64);
    for lag in kafka.lags() {
        let (topic, partition) = (lag.topic.to_string(), lag.partition.to_string());
        metrics::gauge!(names::KAFKA_LAG, "topic" => topic, "partition" => partition).set(lag.records as f64);
    }
}

/// Brings the metrics of what goes to a topic up to date.
pub fn publish_forwarded(target: &Target) {
    let figures = target.figures();
    for (name, value) in [
        (names::RELAY_DELIVERED, get(&figures.delivered)),
        (names::RELAY_RETRIED, get(&figures.retried)),
        (names::RELAY_REFUSED, get(&figures.refused)),
    ] {
        metrics::counter!(name).absolute(value);
    }
    metrics::counter!(names::KAFKA_CLIENTS_RENEWED).absolute(clients_renewed());
    metrics::gauge!(names::RELAY_UNDER_WAY_BYTES).set(get(&figures.under_way) as f64);
}

/// Renders the metrics of a process in the Prometheus text format, up to date at each call.
pub fn renderer(
    recorder: Recorder,
    feed: Arc<FeedFigures>,
    service: &Arc<Service>,
    store: &AnyStore,
) -> impl Fn() -> String + use<> {
    let service = Arc::downgrade(service);
    renderer_of(recorder, feed, move || service.upgrade(), store)
}

/// The same for a pipeline that may come later.
pub fn renderer_of<S: Fn() -> Option<Arc<Service>>>(
    recorder: Recorder,
    feed: Arc<FeedFigures>,
    service: S,
    store: &AnyStore,
) -> impl Fn() -> String + use<S> {
    let hbase = store.hbase().map(Arc::downgrade);
    move || {
        if let Some(store) = hbase.as_ref().and_then(std::sync::Weak::upgrade) {
            publish_hbase(store.figures());
        }
        if let Some(service) = service() {
            publish(&feed, &service);
        }
        recorder.render()
    }
}
