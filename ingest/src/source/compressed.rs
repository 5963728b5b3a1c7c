//! Compressed input, told by its magic number.

use std::io::{self, Cursor, Read};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// `reader` decompressed if it begins as gzip or zstd do (any number of members or frames), else as it is. Says which.
///
/// Reads no more than tells the formats apart, so that plain lines of a live pipe are not held up.
pub(super) fn decompressed<'r>(
    mut reader: impl Read + Send + 'r,
) -> io::Result<(Box<dyn Read + Send + 'r>, bool)> {
    let mut begin = Vec::new();
    let candidate = |begin: &[u8]| GZIP.starts_with(begin) || ZSTD.starts_with(begin);
    while begin.len() < ZSTD.len() && candidate(&begin) && begin != GZIP {
        let mut byte = [0];
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => begin.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let (gzip, zstd) = (begin == GZIP, begin == ZSTD);
    let reader = Cursor::new(begin).chain(reader);
    Ok(match (gzip, zstd) {
        (true, _) => {
            let buffered = io::BufReader::with_capacity(256 << 10, reader);
            (Box::new(flate2::bufread::MultiGzDecoder::new(buffered)), true)
        }
        (_, true) => (Box::new(zstd::stream::read::Decoder::new(reader)?), true),
        _ => (Box::new(reader), false),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<u8>, bool) {
        let (mut reader, compressed) = decompressed(bytes).unwrap();
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        (out, compressed)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        for plain in [&b""[..], b"\x1f", b"(", b"\x28\xb5\x2f", b"{}\n", b"\x1fx"] {
            assert_eq!(read(plain), (plain.to_vec(), false));
        }
        assert_eq!(read(&[gzip(b"one\n"), gzip(b"two\n")].concat()), (b"one\ntwo\n".to_vec(), true));
        let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        assert_eq!(read(&[frame(b"one\n"), frame(b"two\n")].concat()), (b"one\ntwo\n".to_vec(), true));
    }

    #[test]
    fn half_a_compressed_file_is_an_error_after_its_data() {
        let mut whole = gzip(&b"line\n".repeat(1000));
        whole.truncate(whole.len() - 8);
        let (mut reader, _) = decompressed(&whole[..]).unwrap();
        let mut out = Vec::new();
        assert_eq!(reader.read_to_end(&mut out).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(!out.is_empty());
    }
}
