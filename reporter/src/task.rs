//! Tasks of tokio that stay in the context they were spawned in.

use tokio::task::JoinHandle;

use crate::context::{FutureExt, carry};

/// `tokio::spawn` in the current context.
///
/// Panics: outside of a runtime, as `tokio::spawn` does.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_context())
}

/// `tokio::task::spawn_blocking` in the current context.
///
/// Panics: outside of a runtime, as `spawn_blocking` does.
pub fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(carry(work))
}
