//! A reader that stops when one record takes too much, so that an unclosed quote cannot fill the memory.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Most bytes handed out between two calls of [`Meter::reset`].
pub(super) const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How much the reader gave since the last record ended.
#[derive(Clone, Default)]
pub(super) struct Meter(Rc<Cell<u64>>);

impl Meter {
    /// A record ended.
    pub(super) fn reset(&self) {
        self.0.set(0);
    }

    fn take(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_add(bytes as u64));
    }

    fn check(&self) -> io::Result<()> {
        if self.0.get() > RECORD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "one record is longer than 16 MiB"));
        }
        Ok(())
    }
}

/// Reads from `inner` until one record is longer than [`RECORD_BYTES_MAX`].
pub(super) struct Guarded<R> {
    pub(super) inner: R,
    pub(super) meter: Meter,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.meter.check()?;
        let bytes = self.inner.read(buf)?;
        self.meter.take(bytes);
        Ok(bytes)
    }
}

impl<R: BufRead> BufRead for Guarded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.meter.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.meter.take(bytes);
        self.inner.consume(bytes);
    }
}
