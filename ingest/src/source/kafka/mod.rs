//! Topics of Kafka as a source: [`KafkaSource`] for a member of a consumer group, [`KafkaRange`] for a fixed stretch of a
//! topic read beside everybody else.
//!
//! One thread does it all, the pipeline's own: it polls the queue of each partition in turn and copies the payloads once,
//! into the batch of their partition. librdkafka fetches in the background into queues that are bounded in bytes; when
//! the pipeline is slow they fill up, and fetching waits. Nothing is ever paused.
//!
//! A position is committed when the pipeline says it is durable, never before; a partition that is taken away is given
//! up when everything read of it is durable and committed ([`Next::Revoked`](super::Next::Revoked)).

mod behind;
mod commits;
mod committer;
mod complaints;
mod connect;
mod contact;
mod context;
mod figures;
mod group;
mod lane;
mod producer;
mod range;
mod settings;
mod stalled;
mod watch;
mod writer;

pub use behind::Behind;
pub use connect::{Topic, topics};
pub use contact::clients_renewed;
pub use figures::{KafkaFigures, Lag};
pub use group::KafkaSource;
pub use range::{Bound, KafkaRange, RangeSettings, Stretch};
pub use settings::{KafkaSettings, RefusedOption, check_option};
pub use writer::{KafkaWriter, NewRecord, Undelivered, create_topic, record_bytes_max};
