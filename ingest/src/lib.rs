//! From raw bytes to classified reports: sources, decoding, dead letters.

pub mod convert;
