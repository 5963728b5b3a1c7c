//! Commits, on a thread of its own: librdkafka tells the outcome of a commit only to who waits for it, and the thread
//! that reads is not to wait.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaResult;

use super::context::{Context, kafka_offset, list_of};
use super::figures::Partition;

/// A commit, and what came of it.
pub(super) struct Committed {
    pub(super) positions: Vec<(Partition, u64)>,
    pub(super) result: KafkaResult<()>,
}

/// The thread, which does one commit at a time. It ends when this is dropped.
pub(super) struct Committer {
    ask: Option<Sender<Vec<(Partition, u64)>>>,
    answers: Receiver<Committed>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// `wake` is called when an answer is there.
    pub(super) fn start(
        consumer: Arc<BaseConsumer<Context>>,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Committer> {
        let (ask, asked) = bounded::<Vec<(Partition, u64)>>(1);
        let (answer, answers) = bounded(1);
        let thread = std::thread::Builder::new().name("kafka-commit".to_owned()).spawn(move || {
            for positions in asked {
                let list =
                    list_of(positions.iter().map(|(partition, next)| (partition, kafka_offset(*next))));
                let result = list.and_then(|list| consumer.commit(&list, CommitMode::Sync));
                if answer.send(Committed { positions, result }).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Committer { ask: Some(ask), answers, busy: false, thread: Some(thread) })
    }

    /// Whether a commit is under way: another one has to wait.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Begins a commit.
    pub(super) fn commit(&mut self, positions: Vec<(Partition, u64)>) {
        if let Some(ask) = &self.ask {
            self.busy = ask.send(positions).is_ok();
        }
    }

    /// What came of the last one, once that is known.
    pub(super) fn outcome(&mut self) -> Option<Committed> {
        let outcome = self.answers.try_recv().ok()?;
        self.busy = false;
        Some(outcome)
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.ask = None;
        if self.busy {
            // It waits for a broker that may be gone for long, and ends when that is clear. Nothing hangs on it.
            return;
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that commits to kafka ended in a panic");
        }
    }
}
