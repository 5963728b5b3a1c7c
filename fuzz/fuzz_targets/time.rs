//! Any text is a time or not one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_schema::time::Timestamp;

fuzz_target!(|text: &str| {
    let _ = Timestamp::parse(text);
});
