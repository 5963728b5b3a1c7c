//! Lines from blocks of bytes, in bounded memory however long a line is.

use super::RawRecord;

/// Splits a stream of blocks into lines.
///
/// Lines end in LF or CR LF. A line longer than the limit gives one record with its first bytes and its full length.
/// Memory: one block, and one line up to the limit.
#[derive(Debug)]
pub(super) struct Splitter {
    line_bytes_max: usize,
    /// The beginning of the line that has not ended yet: at most one byte more than the limit, for a CR.
    partial: Vec<u8>,
    /// Bytes of that line that were dropped behind `partial`.
    dropped: u64,
    /// The last of all bytes so far.
    last: u8,
    /// Offset of that line's first byte.
    position: u64,
    /// Lines that ended.
    lines: u64,
}

/// What a block gave.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<RawRecord>,
    pub(super) blank: u64,
    /// How many of the block's own bytes belong to lines that ended.
    pub(super) ended: usize,
}

/// A last line without a line feed.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) bytes: Vec<u8>,
    pub(super) record: RawRecord,
}

impl Splitter {
    pub(super) fn new(line_bytes_max: usize, position: u64, lines: u64) -> Self {
        Splitter { line_bytes_max, partial: Vec::new(), dropped: 0, last: 0, position, lines }
    }

    /// Offset of the line that comes next.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Lines before that.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// A buffer that begins with the unfinished line and has room for `block` more bytes. Append the block to it.
    pub(super) fn buffer(&mut self, block: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(self.partial.len() + block);
        buffer.extend_from_slice(&self.partial);
        buffer
    }

    /// Splits a buffer from [`Splitter::buffer`] with a block appended.
    pub(super) fn split(&mut self, bytes: Vec<u8>) -> Lines {
        let fresh = self.partial.len();
        let mut lines = Lines { records: Vec::with_capacity(bytes.len() / 256), ..Lines::default() };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes[fresh..]).map(|at| fresh + at) {
            let length = (end - start) as u64 + self.dropped;
            let kept = if self.dropped > 0 { fresh } else { end };
            let crlf = length > 0 && if end > fresh { bytes[end - 1] } else { self.last } == b'\r';
            self.lines += 1;
            match self.record(&bytes, start, kept, length, crlf) {
                Some(record) => lines.records.push(record),
                None => lines.blank += 1,
            }
            self.position += length + 1;
            self.dropped = 0;
            start = end + 1;
            lines.ended = start - fresh;
        }
        self.last = bytes.last().copied().unwrap_or_default();
        if start == 0 && self.dropped > 0 {
            self.dropped += (bytes.len() - fresh) as u64;
        } else {
            let rest = &bytes[start..];
            let kept = rest.len().min(self.line_bytes_max + 1);
            self.dropped = (rest.len() - kept) as u64;
            self.partial.clear();
            self.partial.extend_from_slice(&rest[..kept]);
        }
        lines.bytes = bytes;
        lines
    }

    /// The unfinished line, if there is one. It stays unfinished until [`Splitter::end`].
    pub(super) fn tail(&self) -> Option<Tail> {
        let length = self.partial.len() as u64 + self.dropped;
        let crlf = self.dropped == 0 && self.partial.last() == Some(&b'\r');
        let mut record = self.record(&self.partial, 0, self.partial.len(), length, crlf)?;
        record.line += 1;
        Some(Tail { bytes: self.partial.clone(), record })
    }

    /// Counts the bytes of the unfinished line as read; its line goes on, in case there will be more of it.
    pub(super) fn end(&mut self) {
        self.position += self.partial.len() as u64 + self.dropped;
        self.partial.clear();
        self.dropped = 0;
    }

    /// The record of a line that is held in `bytes[start..kept]` and is `length` bytes long with its CR; `None`: blank.
    fn record(&self, bytes: &[u8], start: usize, kept: usize, length: u64, crlf: bool) -> Option<RawRecord> {
        let full_length = length - u64::from(crlf);
        let whole = full_length <= self.line_bytes_max as u64;
        let end = if whole { start + full_length as usize } else { kept.min(start + self.line_bytes_max) };
        let blank = whole && bytes[start..end].iter().all(u8::is_ascii_whitespace);
        (!blank).then_some(RawRecord {
            start,
            end,
            full_length,
            position: self.position,
            line: self.lines,
            time: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// (position, line, text, full length)
    type Found = (u64, u64, String, u64);

    /// All records of `input`, given in blocks of `block` bytes; the blank ones, counted.
    fn split(input: &[u8], block: usize, max: usize) -> (Vec<Found>, u64, Splitter) {
        let mut splitter = Splitter::new(max, 0, 0);
        let (mut found, mut blank) = (Vec::new(), 0);
        for part in input.chunks(block) {
            let mut buffer = splitter.buffer(part.len());
            assert!(buffer.len() <= max + 1);
            buffer.extend_from_slice(part);
            let lines = splitter.split(buffer);
            blank += lines.blank;
            for record in &lines.records {
                let text = String::from_utf8_lossy(&lines.bytes[record.start..record.end]).into_owned();
                found.push((record.position, record.line, text, record.full_length));
            }
        }
        (found, blank, splitter)
    }

    #[test]
    fn lines_of_any_ending_at_any_block_size() {
        let input = b"one\r\n\n \t\r\ntwo\nthree of more\r\nfour55\r\nfour666\nhalf";
        for block in 1..=input.len() {
            let (found, blank, splitter) = split(input, block, 6);
            let want = [
                (0, 1, "one".to_owned(), 3),
                (10, 4, "two".to_owned(), 3),
                (14, 5, "three ".to_owned(), 13),
                (29, 6, "four55".to_owned(), 6),
                (37, 7, "four66".to_owned(), 7),
            ];
            assert_eq!(found, want, "blocks of {block}");
            assert_eq!((blank, splitter.position(), splitter.lines()), (2, 45, 7));
            let tail = splitter.tail().unwrap();
            assert_eq!((tail.record.position, tail.record.line, &*tail.bytes), (45, 8, &b"half"[..]));
        }
    }

    proptest! {
        #[test]
        fn blocks_do_not_matter(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x'), Just(b' ')], 0..200),
            block in 1_usize..50,
            max in 1_usize..20,
        ) {
            let (found, blank, splitter) = split(&input, block, max);
            let (whole, whole_blank, whole_splitter) = split(&input, input.len().max(1), max);
            prop_assert_eq!(&found, &whole);
            prop_assert_eq!(blank, whole_blank);
            prop_assert_eq!(splitter.position(), whole_splitter.position());
            // Against the plain definition.
            let text = String::from_utf8(input).unwrap();
            let mut lines: Vec<&str> = text.split('\n').collect();
            lines.pop();
            let want: Vec<(String, u64)> = lines
                .iter()
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .filter(|line| line.len() > max || !line.bytes().all(|byte| byte.is_ascii_whitespace()))
                .map(|line| (line[..line.len().min(max)].to_owned(), line.len() as u64))
                .collect();
            let found: Vec<(String, u64)> = found.into_iter().map(|(_, _, text, length)| (text, length)).collect();
            prop_assert_eq!(found, want);
        }
    }
}
