//! Payloads that are longer than their limit.

use std::borrow::Cow;

use super::Payload;
use super::json_text::push_string;

impl Payload<'_> {
    /// Cuts a payload of more than `bytes_max` bytes: what is left is a JSON string with the beginning of the text, at
    /// most `bytes_max` bytes with its quotes and escapes, ended between characters. Says whether it cut.
    pub fn cut_to(&mut self, bytes_max: usize) -> bool {
        if self.json.len() <= bytes_max {
            return false;
        }
        let mut room = bytes_max.saturating_sub(2);
        let kept = self.json.char_indices().find(|&(_, character)| {
            let bytes = escaped_bytes(character);
            let full = bytes > room;
            room = room.saturating_sub(bytes);
            full
        });
        let end = kept.map_or(self.json.len(), |(end, _)| end);
        let mut json = Vec::with_capacity(bytes_max);
        push_string(&mut json, &self.json[..end]);
        self.cut_from = Some(self.json.len() as u64);
        self.json = Cow::Owned(String::from_utf8(json).expect("an escaped string is UTF-8"));
        true
    }
}

/// Length of a character in [`push_string`]'s form; payload texts have no control characters.
fn escaped_bytes(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, bytes_max: usize, want: &str, cut_from: Option<u64>) {
        let mut payload = Payload { json: Cow::Borrowed(json), cut_from: None };
        assert_eq!(payload.cut_to(bytes_max), cut_from.is_some());
        assert_eq!((&*payload.json, payload.cut_from), (want, cut_from));
        assert!(payload.json.len() <= bytes_max.max(2));
    }

    #[test]
    fn the_beginning_is_kept_as_a_string() {
        check(r#"{"a":1}"#, 7, r#"{"a":1}"#, None);
        check(r#"{"a":1}"#, 6, r#""{\"a""#, Some(7));
        check(r#"{"a":1}"#, 5, r#""{\"""#, Some(7));
        check(r#"{"a":1}"#, 4, r#""{""#, Some(7));
        check(r#""ééé""#, 7, r#""\"é""#, Some(8));
        check(r#""ééé""#, 5, r#""\"""#, Some(8));
        check("12345", 0, r#""""#, Some(5));
        check(r#""\\\\""#, 5, r#""\"""#, Some(6));
    }
}
