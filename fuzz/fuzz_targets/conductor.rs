//! Any bytes, read as Conductor workflow definitions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_schema::definition::fuzz;

fuzz_target!(|bytes: &[u8]| fuzz::conductor(bytes));
