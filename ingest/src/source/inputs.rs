//! The inputs of one call, one after another: files, and standard input as `-`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::file::FileReader;
use super::resume::Lookup;
use super::stream::StreamReader;
use super::{Next, Opened, Position, Source, SourceError};

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file; gzip and zstd are told by their magic numbers. A pipe or device is read as standard input is.
    File(PathBuf),
    /// Standard input; always starts anew.
    Stdin,
}

impl Input {
    /// Reads an argument of the command line: `-` is standard input.
    pub fn from_argument(argument: &str) -> Input {
        if argument == "-" { Input::Stdin } else { Input::File(PathBuf::from(argument)) }
    }
}

/// How inputs are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputOptions {
    /// Bytes read at once; also about the size of a batch.
    pub block_bytes: usize,
    /// Longest line held whole: the longest report there may be. Of longer ones the beginning is kept.
    pub line_bytes_max: usize,
}

impl Default for InputOptions {
    fn default() -> Self {
        InputOptions { block_bytes: 1 << 20, line_bytes_max: 1 << 20 }
    }
}

/// Files and standard input as one source. Each input is its own [`RawBatch::source`](super::RawBatch::source) with
/// partition 0; its position is the byte offset, after decompression.
///
/// Files are remembered through [`RawBatch::resume`](super::RawBatch::resume): write it in one step with the batch's
/// data. There is nothing else to commit, so [`Source::commit`] does nothing.
pub struct Inputs {
    options: InputOptions,
    lookup: Lookup,
    waiting: VecDeque<Input>,
    current: Option<Current>,
}

enum Current {
    File(Box<FileReader>),
    Stream(StreamReader),
}

impl Inputs {
    /// The inputs in order. `lookup` finds what is remembered of a file; give `|_| Ok(vec![])` to start all anew.
    pub fn new(inputs: impl IntoIterator<Item = Input>, options: InputOptions, lookup: Lookup) -> Self {
        Inputs { options, lookup, waiting: inputs.into_iter().collect(), current: None }
    }

    fn open(&mut self, input: Input) -> Result<Opened, SourceError> {
        let (path, name) = match input {
            Input::Stdin => {
                let name = Arc::from("-");
                self.current = Some(Current::Stream(StreamReader::start(
                    Arc::clone(&name),
                    &self.options,
                    std::io::stdin(),
                )?));
                return Ok(Opened { source: name, position: 0, refused: 0, size: None });
            }
            Input::File(path) => {
                let name: Arc<str> = path.to_string_lossy().into();
                (path, name)
            }
        };
        let metadata = std::fs::metadata(&path).map_err(|error| SourceError::new(&name, "open", error))?;
        if metadata.is_dir() {
            return Err(SourceError::new(&name, "open", "it is a directory; allowed are files and -"));
        }
        if !metadata.is_file() {
            let file = std::fs::File::open(&path).map_err(|error| SourceError::new(&name, "open", error))?;
            self.current =
                Some(Current::Stream(StreamReader::start(Arc::clone(&name), &self.options, file)?));
            return Ok(Opened { source: name, position: 0, refused: 0, size: None });
        }
        let (reader, opened) = FileReader::open(&path, name, &self.options, &mut self.lookup)?;
        self.current = Some(Current::File(Box::new(reader)));
        Ok(opened)
    }
}

impl Source for Inputs {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        loop {
            let next = match &mut self.current {
                None => match self.waiting.pop_front() {
                    Some(input) => return self.open(input).map(Next::Opened),
                    None => return Ok(Next::End),
                },
                Some(Current::File(reader)) => reader.next(),
                Some(Current::Stream(reader)) => reader.next(wait),
            };
            match next {
                Ok(Next::End) => self.current = None,
                Err(error) => {
                    self.current = None;
                    return Err(error);
                }
                next => return next,
            }
        }
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<(), SourceError> {
        Ok(())
    }
}
