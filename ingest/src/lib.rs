//! From raw bytes to reports: sources, decoding, dead letters.

pub mod convert;
pub mod dead_letter;
pub mod decode;
pub mod source;
