//! Any bytes are a stored dead letter or not one; what is one is written again the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_ingest::dead_letter::DeadLetter;
use linkloom_ingest::source::ResumePoint;

fuzz_target!(|json: &[u8]| {
    if let Ok(letter) = DeadLetter::from_json(json) {
        assert_eq!(DeadLetter::from_json(&letter.to_json()).unwrap(), letter);
    }
    if let Ok(point) = ResumePoint::from_json(json) {
        assert_eq!(ResumePoint::from_json(&point.to_json()).unwrap(), point);
    }
});
