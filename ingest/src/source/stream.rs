//! Live input: standard input and named pipes. What arrived is delivered within the wait; a thread does the blocking.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::compressed::decompressed;
use super::lines::Splitter;
use super::{InputOptions, Next, RawBatch, SourceError};

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that may wait between the thread and the pipeline; at the limit the thread waits, and so does the writer of
/// the pipe.
const CHUNKS_MAX: usize = 16;

/// A pipe that is being read.
pub(super) struct StreamReader {
    name: Arc<str>,
    chunks: Receiver<Result<Vec<u8>, String>>,
    splitter: Splitter,
    block_bytes: usize,
    ended: bool,
    /// Why reading broke off; told after everything that came before.
    fault: Option<String>,
}

impl StreamReader {
    /// Starts reading. The thread ends with its input, or at the next chunk after this reader was dropped.
    pub(super) fn start(
        name: Arc<str>,
        options: &InputOptions,
        reader: impl Read + Send + 'static,
    ) -> Result<StreamReader, SourceError> {
        let (sender, chunks) = bounded(CHUNKS_MAX);
        let read = move || {
            let mut reader = match decompressed(reader) {
                Ok((reader, _)) => reader,
                Err(error) => return drop(sender.send(Err(error.to_string()))),
            };
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                match reader.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(read) => {
                        chunk.truncate(read);
                        if sender.send(Ok(chunk)).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return drop(sender.send(Err(error.to_string()))),
                }
            }
        };
        std::thread::Builder::new()
            .name("linkloom-input".to_owned())
            .spawn(read)
            .map_err(|error| SourceError::new(&name, "start reading", error))?;
        let splitter = Splitter::new(options.line_bytes_max, 0, 0);
        Ok(StreamReader {
            name,
            chunks,
            splitter,
            block_bytes: options.block_bytes,
            ended: false,
            fault: None,
        })
    }

    /// What arrives within `wait`.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let deadline = Instant::now() + wait;
        while !self.ended {
            let chunk = match self.chunks.recv_deadline(deadline) {
                Ok(Ok(chunk)) => chunk,
                Err(RecvTimeoutError::Timeout) => return Ok(Next::Idle),
                Ok(Err(cause)) => {
                    (self.ended, self.fault) = (true, Some(cause));
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.ended = true;
                    break;
                }
            };
            let mut buffer = self.splitter.buffer(chunk.len());
            buffer.extend_from_slice(&chunk);
            // Whatever else is there already, up to a block.
            while buffer.len() < self.block_bytes && !self.ended {
                match self.chunks.try_recv() {
                    Ok(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                    Ok(Err(cause)) => (self.ended, self.fault) = (true, Some(cause)),
                    Err(_) => break,
                }
            }
            let lines = self.splitter.split(buffer);
            if !lines.records.is_empty() || lines.blank > 0 {
                return Ok(Next::Batch(RawBatch {
                    source: self.name.clone(),
                    partition: 0,
                    bytes: lines.bytes,
                    records: lines.records,
                    blank: lines.blank,
                    next_position: self.splitter.position(),
                    resume: None,
                }));
            }
        }
        // Nobody will finish a last line without a line feed: it is a record as it stands.
        let Some(tail) = self.splitter.tail() else {
            let fault = self.fault.take().map(|cause| SourceError::new(&self.name, "read", cause));
            return fault.map_or(Ok(Next::End), Err);
        };
        self.splitter.end();
        Ok(Next::Batch(RawBatch {
            source: self.name.clone(),
            partition: 0,
            bytes: tail.bytes,
            records: vec![tail.record],
            blank: 0,
            next_position: self.splitter.position(),
            resume: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use super::*;

    const WAIT: Duration = Duration::from_secs(60);

    fn start(reader: impl Read + Send + 'static) -> StreamReader {
        let options = InputOptions { line_bytes_max: 100, ..InputOptions::default() };
        StreamReader::start("-".into(), &options, reader).unwrap()
    }

    #[track_caller]
    fn texts(next: Next) -> Vec<String> {
        let Next::Batch(batch) = next else { panic!("{next:?} is no batch") };
        batch
            .iter()
            .map(|record| format!("{} {}", record.origin, String::from_utf8_lossy(record.bytes)))
            .collect()
    }

    #[test]
    fn what_arrived_is_delivered_and_the_rest_waited_for() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut stream = start(reader);
        assert!(matches!(stream.next(Duration::ZERO).unwrap(), Next::Idle));
        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(texts(stream.next(WAIT).unwrap()), ["-:1 one"]);
        assert!(matches!(stream.next(Duration::ZERO).unwrap(), Next::Idle));
        writer.write_all(b"o\nhalf").unwrap();
        assert_eq!(texts(stream.next(WAIT).unwrap()), ["-:2 two"]);
        drop(writer);
        assert_eq!(texts(stream.next(WAIT).unwrap()), ["-:3 half"]);
        assert!(matches!(stream.next(WAIT).unwrap(), Next::End));
        assert!(matches!(stream.next(WAIT).unwrap(), Next::End));
    }

    #[test]
    fn compressed_streams_are_read_as_well() {
        let bytes = zstd::encode_all(&b"one\ntwo\n"[..], 1).unwrap();
        let mut stream = start(io::Cursor::new(bytes));
        assert_eq!(texts(stream.next(WAIT).unwrap()), ["-:1 one", "-:2 two"]);
    }

    #[test]
    fn a_fault_comes_after_all_that_was_read() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken pipe"))
            }
        }
        let mut stream = start(io::Cursor::new(b"one\nhalf").chain(Broken));
        let (mut found, mut error) = (Vec::new(), None);
        while error.is_none() {
            match stream.next(WAIT) {
                Ok(next) => found.extend(texts(next)),
                Err(fault) => error = Some(fault.to_string()),
            }
        }
        assert_eq!(found, ["-:1 one", "-:2 half"]);
        assert_eq!(error.as_deref(), Some("read -: broken pipe"));
        assert!(matches!(stream.next(WAIT).unwrap(), Next::End));
    }
}
