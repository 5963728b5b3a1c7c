//! What `linkloom bench` measures, each beside the limit it works against, in one run on one machine.

mod ingest;
mod kafka;
mod limits;
mod live;
mod machine;
mod pace;
mod queries;
mod special;

pub use ingest::{Loaded, load};
pub use kafka::{KafkaBench, kafka};
pub use limits::limits;
pub use live::live;
pub use machine::{Usage, human_bytes};
pub use pace::produce;
pub use queries::queries;
pub use special::{many_logs, open_windows};
