//! Any bytes, read as a definition in the notation they look like.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_schema::definition::fuzz;

fuzz_target!(|bytes: &[u8]| fuzz::definition(bytes));
