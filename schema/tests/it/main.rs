//! Tests of the schema crate over files and generated input.

mod definition_conductor;
mod definition_docs;
mod definition_edges;
mod definition_limits;
mod definition_problems;
mod definition_properties;
mod definition_samples;
mod row_keys;
