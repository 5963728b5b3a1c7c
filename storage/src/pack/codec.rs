//! The text of a pack, its compression, and taking it apart again.

use std::io::Read;

use zstd::zstd_safe::CParameter;

use super::{PACK_BYTES_MAX, PLAIN_BYTES_MAX, PackName};

/// First bytes of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Largest text a reader accepts: a pack of one report of the largest configurable size.
const TEXT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Shortest match looked for. Field names and ids repeat in longer pieces than level 1 looks for by itself: this is a tenth
/// faster and no larger.
const MIN_MATCH: u32 = 6;

/// Compresses values; keeps its context between calls.
pub struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    packed: Vec<u8>,
}

impl Compressor {
    /// `level`: a zstd level, 1 unless the configuration says otherwise.
    pub fn new(level: i32) -> std::io::Result<Self> {
        let mut zstd = zstd::bulk::Compressor::new(level)?;
        if level == 1 {
            zstd.set_parameter(CParameter::MinMatch(MIN_MATCH))?;
        }
        Ok(Compressor { zstd, packed: Vec::new() })
    }

    /// `text` itself when it is short (see [`PLAIN_BYTES_MAX`]), else a zstd frame of it when that is smaller.
    pub fn value(&mut self, text: &[u8]) -> Vec<u8> {
        if text.len() < PLAIN_BYTES_MAX {
            return text.to_vec();
        }
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(text.len()));
        match self.zstd.compress_to_buffer(text, &mut self.packed) {
            Ok(length) if length < text.len() => self.packed[..length].to_vec(),
            _ => text.to_vec(),
        }
    }
}

/// The text of a stored value: decompressed when it is a zstd frame, else as it is.
///
/// Errors: a text saying why (not a frame, longer than 64 MiB, not UTF-8).
pub fn decompress(value: &[u8]) -> Result<String, String> {
    let bytes = if value.starts_with(&ZSTD_MAGIC) {
        let mut text = Vec::with_capacity(value.len().saturating_mul(5).min(2 * PACK_BYTES_MAX));
        let decoder = zstd::stream::read::Decoder::with_buffer(value).map_err(|error| error.to_string())?;
        let mut decoder = decoder.take(TEXT_BYTES_MAX + 1);
        decoder.read_to_end(&mut text).map_err(|error| error.to_string())?;
        if text.len() as u64 > TEXT_BYTES_MAX {
            return Err(format!("longer than {TEXT_BYTES_MAX} bytes when decompressed"));
        }
        text
    } else {
        value.to_vec()
    };
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// The text of one pack, being made or taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackText {
    text: String,
}

impl PackText {
    /// Joins stored report lines, which are compact JSON objects without line breaks, into a pack's text and names it.
    ///
    /// `lines` and `nodes` come in their final order; `only_node` is said in the name.
    pub(crate) fn build<'a>(
        out: &mut Vec<u8>,
        span: Option<(linkloom_schema::time::Timestamp, linkloom_schema::time::Timestamp)>,
        nodes: impl Iterator<Item = &'a str>,
        lines: impl Iterator<Item = &'a [u8]>,
        only_node: Option<&str>,
    ) -> PackName {
        out.clear();
        match span {
            Some((first, last)) => {
                out.extend_from_slice(b"{\"first\":");
                out.extend_from_slice(itoa::Buffer::new().format(first.micros()).as_bytes());
                out.extend_from_slice(b",\"last\":");
                out.extend_from_slice(itoa::Buffer::new().format(last.micros()).as_bytes());
            }
            None => out.extend_from_slice(b"{\"first\":null,\"last\":null"),
        }
        out.extend_from_slice(b",\"nodes\":[");
        for (index, node) in nodes.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            // A string always serialises, and a vector takes it.
            let _ = serde_json::to_writer(&mut *out, node);
        }
        out.extend_from_slice(b"],\"reports\":[");
        for (index, line) in lines.enumerate() {
            out.extend_from_slice(if index > 0 { b",\n" } else { b"\n" });
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b"\n]}");
        PackName { span, hash: xxhash_rust::xxh3::xxh3_64(out), node: only_node.map(str::to_owned) }
    }

    /// Wraps the decompressed value of a pack cell. Errors: a text saying what is not as it should be.
    pub fn new(text: String) -> Result<Self, String> {
        if !text.starts_with("{\"first\":") || !text.ends_with("\n]}") {
            return Err("not the text of a pack".to_owned());
        }
        Ok(PackText { text })
    }

    /// The stored report lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let body = self.text.split_once('\n').map_or("", |(_, body)| body.strip_suffix("\n]}").unwrap_or(""));
        body.split('\n').filter(|line| !line.is_empty()).map(|line| line.strip_suffix(',').unwrap_or(line))
    }

    /// Bytes of text.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkloom_schema::time::Timestamp;

    fn pack(lines: &[&str]) -> (PackName, String) {
        let mut out = Vec::new();
        let span = Some((Timestamp(1_795_255_200_000_000), Timestamp(1_795_255_200_000_009)));
        let name = PackText::build(
            &mut out,
            span,
            ["a", "b\""].into_iter(),
            lines.iter().map(|l| l.as_bytes()),
            None,
        );
        (name, String::from_utf8(out).expect("a pack is text"))
    }

    #[test]
    fn a_pack_is_plain_json_and_gives_its_lines_back() {
        let lines = [r#"{"type":"node","message":"line\nbreak"}"#, r#"{"type":"log"}"#];
        let (_, text) = pack(&lines);
        let json: serde_json::Value = serde_json::from_str(&text).expect("plain JSON");
        assert_eq!(json["reports"].as_array().map(Vec::len), Some(2));
        assert_eq!(json["nodes"][1], "b\"");
        let read = PackText::new(text).expect("a pack");
        assert_eq!(read.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_pack_is_named_by_its_content() {
        let (one, _) = pack(&[r#"{"id":"x","message":"a"}"#]);
        let (same, _) = pack(&[r#"{"id":"x","message":"a"}"#]);
        let (other, _) = pack(&[r#"{"id":"x","message":"b"}"#]);
        assert_eq!(one, same);
        assert_ne!(one, other, "another content under the same identity must not overwrite");
    }

    #[test]
    fn values_compress_when_it_helps_and_come_back() {
        let mut compressor = Compressor::new(1).expect("level 1 exists");
        let long = "abc ".repeat(1_000);
        let packed = compressor.value(long.as_bytes());
        assert!(packed.starts_with(&ZSTD_MAGIC) && packed.len() < 100);
        assert_eq!(decompress(&packed), Ok(long));
        assert_eq!(compressor.value(b"{}"), b"{}");
        assert_eq!(decompress(b"{}"), Ok("{}".to_owned()));
        assert!(decompress(&[0x28, 0xb5, 0x2f, 0xfd, 9, 9]).is_err());
        assert!(decompress(&[0xff]).is_err());
    }
}
