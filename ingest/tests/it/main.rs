//! Integration tests of the ingest crate.
