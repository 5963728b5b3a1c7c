//! From raw bytes to classified reports: sources, decoding, dead letters.

pub mod classify;
pub mod dead_letter;
pub mod decode;
pub mod source;
