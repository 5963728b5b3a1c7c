//! Packs: the reports of one execution, family and hour from one flush, stored as one immutable cell.
//!
//! What a store costs is cells and calls, not bytes (`docs/decisions/002-packs.md`). The value is a JSON object,
//! zstd-compressed when that is smaller (told by the magic number `28 b5 2f fd`):
//!
//! ```text
//! {"first":1795255200123456,"last":1795255200789012,"nodes":["picProcess"],"reports":[
//! {"type":"node","nodeName":"picProcess","status":"RUNNING","time":1795255200123456,...},
//! {"type":"node","nodeName":"picProcess","status":"COMPLETED","time":1795255200789012,...}
//! ]}
//! ```
//!
//! `first` and `last` are microseconds since the epoch (`null` when no report in the pack has a time); each report
//! stands on a line of its own. The qualifier ([`PackName`]) repeats what a reader needs to skip a pack unread.

mod codec;
mod name;

pub use codec::{Compressor, PackText, decompress};
pub use name::{BadPackName, PackName};

/// Longest pack text, in bytes; a single longer report stands alone.
pub const PACK_BYTES_MAX: usize = 256 * 1024;
/// A shorter pack stays as it is: packs of one or two reports, as they come live, lie side by side in a block of the store,
/// which compresses them together to half of what they take one by one.
pub const PLAIN_BYTES_MAX: usize = 1024;
/// A pack of one node at least this long says the node in its name, so that readers of other nodes skip it.
pub const NAMED_NODE_BYTES_MIN: usize = 16 * 1024;
