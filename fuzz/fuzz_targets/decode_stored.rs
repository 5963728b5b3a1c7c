//! Any bytes are a stored line or not one; what is one is written again the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_schema::report::{decode_stored, encode_stored};

fuzz_target!(|line: &[u8]| {
    let Ok(report) = decode_stored(line, None) else { return };
    let mut first = Vec::new();
    encode_stored(&report, &mut first);
    let again = decode_stored(&first, None).unwrap();
    assert_eq!(again, report);
    let mut second = Vec::new();
    encode_stored(&again, &mut second);
    assert_eq!(first, second);
});
