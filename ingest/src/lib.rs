//! From raw bytes to classified reports: sources, decoding, dead letters.

pub mod classify;
pub mod convert;
pub mod decode;
