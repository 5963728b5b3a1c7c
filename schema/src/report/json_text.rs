//! JSON strings and payloads as text: where their special characters are, escapes there and back, insignificant
//! whitespace. What is read here was checked by the scanner.

use wide::u8x16;

/// A bit for each quote, backslash and control character among the 64 bytes from `block` on. Past the end of the text the
/// bit is set.
#[inline]
pub(super) fn specials(bytes: &[u8], block: usize) -> u64 {
    let rest = bytes.get(block..).unwrap_or_default();
    let mut padded = [0; 64];
    let chunk = rest.first_chunk::<64>().unwrap_or_else(|| {
        let length = rest.len().min(64);
        padded[..length].copy_from_slice(&rest[..length]);
        &padded
    });
    let (parts, _) = chunk.as_chunks::<16>();
    parts.iter().rev().fold(0, |mask, part| mask << 16 | u64::from(specials_of(*part).to_bitmask()))
}

#[inline]
fn specials_of(part: [u8; 16]) -> u8x16 {
    let part = u8x16::new(part);
    part.simd_eq(u8x16::splat(b'"'))
        | part.simd_eq(u8x16::splat(b'\\'))
        | part.min(u8x16::splat(0x1f)).simd_eq(part)
}

/// Whether a short or long text has no quote, backslash or control character.
#[inline(always)]
fn is_plain(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        // The last chunk overlaps the one before it.
        let mut found = specials_of(*first) | specials_of(*last);
        for part in bytes.as_chunks::<16>().0 {
            found |= specials_of(*part);
        }
        !found.any()
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let mut part = [b' '; 16];
        part[..8].copy_from_slice(first);
        part[8..].copy_from_slice(last);
        !specials_of(part).any()
    } else {
        !bytes.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
    }
}

pub(super) fn hex_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.first_chunk::<4>()?;
    digits.iter().try_fold(0_u16, |unit, &digit| {
        let value = (digit as char).to_digit(16)?;
        Some(unit << 4 | value as u16)
    })
}

/// Resolves the escapes of a checked string; lone surrogates become U+FFFD.
#[inline(never)]
pub(super) fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let code = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        text.push(match code {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (decoded, length) = surrogates(rest);
                rest = &rest[length..];
                decoded.unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => char::from(other),
        });
    }
    text.push_str(rest);
    text
}

/// The character of a `\u` escape and how many bytes it has after the `u`; `None`: a lone surrogate.
fn surrogates(rest: &str) -> (Option<char>, usize) {
    let Some(unit) = hex_unit(rest.as_bytes()) else { return (None, 0) };
    let low = rest.as_bytes()[4..].strip_prefix(b"\\u").and_then(hex_unit);
    match (unit, low) {
        (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
            (char::decode_utf16([unit, low]).next().and_then(Result::ok), 10)
        }
        _ => (char::from_u32(u32::from(unit)), 4),
    }
}

/// Copies a checked value without whitespace between tokens and with `\ufffd` for lone surrogates.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let (mut at, mut kept) = (0, 0);
    let mut in_string = false;
    while at < bytes.len() {
        if !in_string {
            match bytes[at] {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    out.push_str(&text[kept..at]);
                    kept = at + 1;
                }
                b'"' => in_string = true,
                _ => {}
            }
            at += 1;
            continue;
        }
        while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\') {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'\\') if bytes.get(at + 1) == Some(&b'u') => {
                let (decoded, length) = surrogates(&text[at + 2..]);
                if decoded.is_none() {
                    out.push_str(&text[kept..at]);
                    out.push_str("\\ufffd");
                    kept = at + 2 + length;
                }
                at += 2 + length;
            }
            Some(b'\\') => at += 2,
            _ => {
                in_string = false;
                at += 1;
            }
        }
    }
    out.push_str(&text[kept.min(text.len())..]);
    out
}

/// Appends a string in its one canonical form: `"`, `\` and control characters escaped (`\b \f \n \r \t`, else
/// `\u00xx` in lower-case hex), everything else as it is.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_escaped(out, text.as_bytes());
    }
    out.push(b'"');
}

#[inline(never)]
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut kept = 0;
    for block in (0..bytes.len()).step_by(64) {
        let mut found = specials(bytes, block);
        while found != 0 {
            let at = block + found.trailing_zeros() as usize;
            found &= found - 1;
            let Some(&byte) = bytes.get(at) else { break };
            out.extend_from_slice(&bytes[kept..at]);
            push_escape(out, byte);
            kept = at + 1;
        }
    }
    out.extend_from_slice(&bytes[kept..]);
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'\\');
    match byte {
        b'"' | b'\\' => out.push(byte),
        0x08 => out.push(b'b'),
        0x0c => out.push(b'f'),
        b'\n' => out.push(b'n'),
        b'\r' => out.push(b'r'),
        b'\t' => out.push(b't'),
        _ => {
            out.extend_from_slice(b"u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}
