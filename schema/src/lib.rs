//! The shared language of Linkloom: ids, reports, link definitions, the panorama, answers and row keys.
//!
//! Everything here is pure: no I/O, no clock (the instant `asOf` is always an argument), no randomness.

pub mod answer;
mod civil;
pub mod definition;
pub mod digest;
pub mod event;
pub mod finding;
pub mod hour;
pub mod idle;
pub mod ids;
pub mod lost;
pub mod panorama;
pub mod report;
pub mod route;
pub mod row_key;
pub mod run;
pub mod summary;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod time;
mod time_format;
