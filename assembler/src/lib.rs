//! Windows per execution: digests in, summaries out. The core is pure: time is an argument.

pub mod journal;
pub mod settings;
pub mod spill;
pub mod watermark;
pub mod window;
pub mod windows;
