//! Integration tests of the ingest crate.

mod decode;
mod files;
mod json_schema;
mod round_trip;
