//! Windows per execution: digests in, summaries out. The core is pure: time is an argument.

mod assembler;
mod bytes;
pub mod catch_up;
mod completion;
pub mod handed;
pub mod journal;
pub mod settings;
mod shard;
pub mod spill;
pub mod summarise;
pub mod watermark;
pub mod window;
pub mod windows;

pub use assembler::{Assembler, AssemblerSettings, SteppedAssembler};
pub use journal::Settled;
pub use shard::Figures;
