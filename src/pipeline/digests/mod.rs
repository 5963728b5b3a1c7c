//! Digests on their way through a topic, so that several processes that share a store sum up each execution once.
//!
//! ```text
//! Sink (packs durable) -> Handed -> DigestTopic -> topic, by execution -> DigestFeed -> Assembler -> summaries
//!                            |                                ^---- commit, when summed up ----'        ^
//!                            '-- Kept: what this process sums up itself; the topic gets a receipt ------'
//! ```
//!
//! Whoever reads reports writes their packs and commits them once the topic has the digests. Whoever reads a partition of
//! digests sums up its executions, and commits when the summaries are durable: the topic is the journal. When a
//! partition changes hands its windows are forgotten; the new owner completes them from the store.

mod feed;
mod kept;
mod parts;
mod topic;

pub use feed::{DigestFeed, Ending};
pub use topic::DigestTopic;
