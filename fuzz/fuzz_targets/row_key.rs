//! Any text is a row key or not one; what is one belongs to a row that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkloom_schema::row_key;

fuzz_target!(|key: &str| {
    if let Ok((mark, chunk)) = row_key::decode_link(key) {
        let row = row_key::link(mark.as_ref());
        let overflow = format!("{row}|");
        assert!(if chunk.is_some() { key.starts_with(&overflow) } else { key == row });
    }
    if let Ok((mark, _)) = row_key::decode_recent(key) {
        assert_eq!(row_key::decode_link(&row_key::link(mark.as_ref())), Ok((mark, None)));
    }
    if let Ok((mark, status, _)) = row_key::decode_scene(key) {
        assert!(key.starts_with(&row_key::scene_prefix(&mark.scene_id, &status)));
    }
    if let Ok((trace, mark)) = row_key::decode_trace(key) {
        assert_eq!(key, row_key::trace(&trace, mark.as_ref()));
    }
    if let Ok(id) = row_key::decode_id(key) {
        let mut again = String::new();
        row_key::push_id(&mut again, &id);
        assert_eq!(row_key::decode_id(&again).as_deref(), Ok(&*id));
    }
});
