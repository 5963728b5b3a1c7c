//! JSON as report lines have it: one way to write everything, and texts and payloads cut to their caps.

/// The mark of what was cut.
pub(crate) const ELLIPSIS: &str = "…";

/// What a byte of a string is written as: 0 as it is, `u` as `\u00xx`, else behind a backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes a byte of UTF-8 takes when written.
#[inline]
fn written(byte: u8) -> usize {
    match ESCAPES[usize::from(byte)] {
        0 => 1,
        b'u' => 6,
        _ => 2,
    }
}

/// Writes the characters of `text` with their escapes, without quotes.
#[inline]
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        if escape == b'u' {
            let [high, low] = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
}

/// Writes `text` as a JSON string.
#[inline]
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// The longest beginning of `text`, whole characters, that takes at most `room` bytes when written; all of it, if it fits.
pub(crate) fn fitting(text: &str, mut room: usize) -> &str {
    // Nothing takes more than six bytes a byte: most texts are not looked at.
    if text.len().saturating_mul(6) <= room {
        return text;
    }
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let bytes = written(byte);
        if bytes > room {
            return &text[..text.floor_char_boundary(at)];
        }
        room -= bytes;
    }
    text
}

/// Writes `text` as a JSON string of at most `cap` bytes between its quotes; what is too long ends with `…`.
pub(crate) fn push_capped(out: &mut Vec<u8>, text: &str, cap: usize) {
    if fitting(text, cap).len() == text.len() {
        return push_string(out, text);
    }
    out.push(b'"');
    push_escaped(out, fitting(text, cap.saturating_sub(ELLIPSIS.len())));
    out.extend_from_slice(ELLIPSIS.as_bytes());
    out.push(b'"');
}

/// Writes a stack as a JSON string of at most `cap` bytes between its quotes: whole lines, the last one `…` if some are missing.
pub(crate) fn push_stack(out: &mut Vec<u8>, stack: &str, cap: usize) {
    if fitting(stack, cap).len() == stack.len() {
        return push_string(out, stack);
    }
    // Two more bytes: the line feed before the last line.
    let beginning = fitting(stack, cap.saturating_sub(ELLIPSIS.len() + 2));
    let whole = if stack.as_bytes().get(beginning.len()) == Some(&b'\n') {
        Some(beginning)
    } else {
        beginning.rfind('\n').map(|end| &beginning[..end])
    };
    let Some(whole) = whole else { return push_capped(out, stack, cap) };
    out.push(b'"');
    push_escaped(out, whole);
    out.extend_from_slice(b"\\n");
    out.extend_from_slice(ELLIPSIS.as_bytes());
    out.push(b'"');
}

/// Replaces the JSON from `start` on, which is longer than `cap` bytes or was not written to its end, by a JSON string of its
/// beginning with `…`, of at most `cap` bytes.
pub(crate) fn cut_payload(out: &mut Vec<u8>, start: usize, cap: usize) {
    let json = out.split_off(start);
    // What is written in pieces may end within a character only if a piece did, which strings never do.
    let text = match std::str::from_utf8(&json) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&json[..error.valid_up_to()]).unwrap_or_default(),
    };
    out.push(b'"');
    push_escaped(out, fitting(text, cap.saturating_sub(ELLIPSIS.len() + 2)));
    out.extend_from_slice(ELLIPSIS.as_bytes());
    out.push(b'"');
}

/// Writes a whole number.
#[inline]
pub(crate) fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number of `f64`, shortest; what JSON has no form for as a string.
pub(crate) fn push_float(out: &mut Vec<u8>, number: f64) {
    use std::io::Write as _;
    let _ = match number {
        number if number.is_nan() => write!(out, "\"NaN\""),
        f64::INFINITY => write!(out, "\"Infinity\""),
        f64::NEG_INFINITY => write!(out, "\"-Infinity\""),
        number => write!(out, "{number:?}"),
    };
}

/// The first bytes of a text, whole characters.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_cut_text_fills_its_cap() {
        for (text, cap, want) in [
            ("abc", 3, r#""abc""#),
            ("abcd", 3, r#""…""#),
            ("abcde", 4, r#""a…""#),
            ("éé", 4, r#""éé""#),
            ("ééé", 5, r#""é…""#),
            ("\n\n\n", 5, r#""\n…""#),
            ("abcd", 0, r#""…""#),
        ] {
            assert_eq!(made(|out| push_capped(out, text, cap)), want, "{text:?} in {cap}");
        }
    }

    #[test]
    fn a_cut_stack_ends_with_a_line() {
        for (text, cap, want) in [
            ("a\nb", 4, r#""a\nb""#),
            ("a\nbbbbbb", 6, r#""a\n…""#),
            ("a\nbbbbbb", 5, r#""a\…""#),
            ("aaaaaaaa\nb", 8, r#""aaaaa…""#),
            ("aa\nb\nccccccc", 10, r#""aa\nb\n…""#),
        ] {
            let made = made(|out| push_stack(out, text, cap));
            if want.ends_with("\\…\"") {
                // Not even the first line fits with a line feed behind it: cut like a message.
                assert!(!made.contains("\\n…") && made.ends_with("…\""), "{made}");
            } else {
                assert_eq!(made, want, "{text:?} in {cap}");
            }
        }
    }

    proptest! {
        #[test]
        fn strings_are_what_other_parsers_read(text in any::<String>()) {
            let made = made(|out| push_string(out, &text));
            prop_assert_eq!(serde_json::from_str::<String>(&made).unwrap(), text);
        }

        #[test]
        fn what_is_cut_is_within_its_cap(text in any::<String>(), cap in 8_usize..64) {
            for made in [
                made(|out| push_capped(out, &text, cap)),
                made(|out| push_stack(out, &text, cap)),
            ] {
                prop_assert!(made.len() <= cap + 2, "{}", made);
                let read: String = serde_json::from_str(&made).unwrap();
                let kept = read.strip_suffix('…').map_or(read.as_str(), |kept| kept.trim_end_matches('\n'));
                prop_assert!(text.starts_with(kept));
            }
        }

        #[test]
        fn a_cut_payload_is_within_its_cap(text in any::<String>(), cap in 8_usize..64) {
            let made = made(|out| {
                push_string(out, &text);
                cut_payload(out, 0, cap);
            });
            prop_assert!(made.len() <= cap, "{}", made);
            serde_json::from_str::<String>(&made).unwrap();
        }
    }
}
