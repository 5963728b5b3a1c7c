//! What a client still sends when its request is answered already: a body that is too long, or one of a request that is refused
//! before anybody looked at it.
//!
//! A connection that is closed with bytes unread is reset, and who only reads once all is sent then sees a broken connection
//! instead of the answer; browsers do. So the rest of a body is read and thrown away before it is answered, within bounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::poll_fn;
use futures_util::stream;
use http::header;

/// At most so many bytes are thrown away; the connection of who sends more breaks.
const LEFTOVER_BYTES_MAX: usize = 64 << 20;
/// And for at most so long.
const LEFTOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a request, which is still there when its handler is done with it.
#[derive(Clone)]
struct Kept(Arc<Mutex<Inner>>);

struct Inner {
    body: BodyDataStream,
    /// Somebody has begun to read it.
    begun: bool,
    /// Nothing more comes.
    ended: bool,
}

impl Kept {
    fn new(body: Body) -> Self {
        Kept(Arc::new(Mutex::new(Inner { body: body.into_data_stream(), begun: false, ended: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut inner = self.lock();
        inner.begun = true;
        if inner.ended {
            return Poll::Ready(None);
        }
        let polled = inner.body.poll_next_unpin(context);
        inner.ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    /// It, for who handles the request.
    fn lend(&self) -> Body {
        let kept = self.clone();
        Body::from_stream(stream::poll_fn(move |context| kept.poll(context)))
    }

    /// Reads what is left, until its end or a bound.
    async fn throw_away(&self) {
        let mut bytes = 0;
        while bytes < LEFTOVER_BYTES_MAX {
            match poll_fn(|context| self.poll(context)).await {
                Some(Ok(data)) => bytes += data.len(),
                Some(Err(_)) | None => return,
            }
        }
    }
}

/// Answers a request once its whole body was read, or as much of it as the bounds allow.
pub(super) async fn read_off(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who asks before sending is told by the answer not to.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (head, body) = request.into_parts();
    let kept = Kept::new(body);
    let response = next.run(Request::from_parts(head, kept.lend())).await;
    let nothing_comes = asks_first && !kept.lock().begun;
    if !nothing_comes {
        // Too slow or too much: then the connection does break.
        let _ = tokio::time::timeout(LEFTOVER_TIMEOUT, kept.throw_away()).await;
    }
    response
}
