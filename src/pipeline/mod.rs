//! The way of the data: source, decode and classify, packs, store; digests, windows, summaries.
//!
//! ```text
//! Source -> RawBatch -> Feed (decode, classify) -> Flush -> Sink (seal, write) -> digests -> Assembler -> summaries
//!    ^------------------- commit, when durable without a gap ---------'
//! ```

pub mod commit;
pub mod dead;
mod digests;
mod feed;
mod reach;
mod sink;

pub use digests::{DigestFeed, DigestTopic, Ending};
pub use feed::{Feed, FeedError, FeedFigures, FeedOutcome, FeedSettings, SharedWatermark};
pub use sink::{Digests, Outlets, Sink, SinkFigures, SinkSettings, with_journal};
