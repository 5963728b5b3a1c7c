//! Any bytes are a report that survives being stored, or a refusal; what is accepted is JSON to others too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_ingest::decode::Decoder;
use linkloom_schema::report::{decode_stored, encode_stored, is_complete_object};

fuzz_target!(|line: &[u8]| {
    let json = serde_json::from_slice::<&serde_json::value::RawValue>(line);
    if is_complete_object(line) {
        assert!(json.is_ok());
    }
    let Ok(report) = Decoder::default().decode(line, None) else { return };
    let mut stored = Vec::new();
    encode_stored(&report, &mut stored);
    let back = decode_stored(&stored, report.mark.as_ref().map(|mark| mark.as_ref())).unwrap();
    assert_eq!(back, report);
});
