//! Tests of the schema crate over files and generated input.

mod definition_problems;
