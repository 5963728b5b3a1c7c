//! Stdout and stderr as they are: an error is an error, where the standard library hides that they are closed.

use std::io::{self, Write};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standard {
    Out,
    Err,
}

impl Standard {
    /// Writes whole lines.
    pub(crate) fn write(self, lines: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::fd::AsFd as _;
            let (out, err) = (io::stdout(), io::stderr());
            // The lock keeps lines of others whole, and what they buffered goes first.
            let (mut out_lock, err_lock);
            let handle = match self {
                Standard::Out => {
                    out_lock = out.lock();
                    out_lock.flush()?;
                    out_lock.as_fd().try_clone_to_owned()
                }
                Standard::Err => {
                    err_lock = err.lock();
                    err_lock.as_fd().try_clone_to_owned()
                }
            };
            std::fs::File::from(handle?).write_all(lines)
        }
        #[cfg(not(unix))]
        match self {
            Standard::Out => {
                let mut out = io::stdout().lock();
                out.write_all(lines)?;
                out.flush()
            }
            Standard::Err => io::stderr().lock().write_all(lines),
        }
    }
}
