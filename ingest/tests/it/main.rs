//! Integration tests of the ingest crate.

mod conformance;
mod convert;
mod decode;
mod files;
mod json_schema;
mod kafka;
mod round_trip;
