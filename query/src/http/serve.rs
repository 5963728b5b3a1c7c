//! The API behind a socket: HTTP/1.1 with a bound on everything a client can take up.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Time for a client to send the head of a request, also the next one on a connection it keeps open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for requests under way to be answered when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after connections could not be accepted: the process has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Least room for the head of a request, in bytes: four encoded ids fit.
pub const HEAD_BYTES_MIN: usize = 8 * 1024;

/// What clients may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once. One more waits until another is let go, as those that are only kept open are.
    pub connections_max: usize,
    /// Longest head of a request (path, query and headers), in bytes, at least [`HEAD_BYTES_MIN`]; a longer one is
    /// refused with status 431.
    pub head_bytes_max: usize,
}

/// Serves until `stop` is ready; then requests under way are answered and connections closed.
///
/// Needs a tokio runtime with I/O and time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServeLimits,
    stop: impl Future<Output = ()>,
) {
    let room = limits.connections_max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
    let connections = Arc::new(Semaphore::new(room));
    // Whoever is told lets its connection go when the request under way is answered.
    let (let_go, told) = watch::channel(());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(limits.head_bytes_max.max(HEAD_BYTES_MIN));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &connections, &let_go) => accepted,
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut told = told.clone();
        // What was told before it came is not for it.
        told.mark_unchanged();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                _ = told.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection broke");
            }
            drop(permit);
        });
    }
    drop(listener);
    let_go.send_replace(());
    let all = connections.acquire_many(room as u32);
    if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
        tracing::warn!("some requests were not answered before the API ended");
    }
}

/// The next connection, once there is room for it. Where there is none, connections that are only kept open are let go.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    let_go: &watch::Sender<()>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if connections.available_permits() == 0 {
                    let_go.send_replace(());
                }
                // The semaphore is never closed.
                let permit = connections.clone().acquire_owned().await.ok();
                // Answers are written whole: there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                return (stream, peer, permit);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "the API cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a connection was gone before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
