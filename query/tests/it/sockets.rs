//! The API behind a socket: bounds on clients, and its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use linkloom_query::http::{ServeLimits, serve};
use tokio::sync::oneshot;

use crate::world::api;

/// Serves while `with` runs, then stops; returns once everything has ended.
fn serving(limits: ServeLimits, with: impl FnOnce(SocketAddr)) {
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("somebody waits");
            serve(listener, api(), limits, async { drop(stopped.await) }).await;
        });
    });
    with(told.recv().expect("an address"));
    drop(stop);
    server.join().expect("a clean end");
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    // Far beyond what anything here takes: a bound on a failing test, not a pause.
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

fn request(stream: &mut TcpStream, path: &str, close: bool) {
    let connection = if close { "close" } else { "keep-alive" };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\r\n")
        .expect("sent");
}

fn to_end(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

fn health(stream: &mut TcpStream) {
    request(stream, "/healthz", false);
    let mut text = Vec::new();
    while !text.ends_with(b"ok\n") {
        let mut bytes = [0; 512];
        let count = stream.read(&mut bytes).expect("an answer");
        assert_ne!(count, 0, "closed after {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&bytes[..count]);
    }
}

const LIMITS: ServeLimits = ServeLimits { connections_max: 2, head_bytes_max: 8 * 1024 };

#[test]
fn answers_go_over_a_connection_that_is_kept() {
    serving(LIMITS, |address| {
        let mut stream = connect(address);
        health(&mut stream);
        health(&mut stream);
        request(&mut stream, "/api/v1/business/nobody/executions", true);
        let text = to_end(stream);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n{\"executions\":[],\"nextCursor\":null}\n"), "{text}");
    });
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    serving(LIMITS, |address| {
        let mut stream = connect(address);
        // Not the end of the head: the server has to give up by itself. It may do so while this is still being sent.
        let _ = write!(stream, "GET /{} HTTP/1.1\r\nHost: localhost\r\n", "x".repeat(LIMITS.head_bytes_max));
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        assert!(text.starts_with("HTTP/1.1 431 "), "{text:?}");
    });
}

/// The head of a request that puts a definition, and `more` headers.
fn put_head(more: &str) -> String {
    format!("PUT /api/v1/scenes/s/definition HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
}

/// More than a definition may have.
const LONG: usize = 20 << 20;

#[test]
fn who_reads_once_all_is_sent_is_told_why_it_was_refused() {
    serving(LIMITS, |address| {
        let announced = format!("Content-Length: {LONG}\r\n");
        let foreign = format!("Origin: http://elsewhere.example\r\n{announced}");
        let coded = format!("Content-Encoding: br\r\n{announced}");
        let chunked = "Transfer-Encoding: chunked\r\n";
        for (more, status) in [(announced.as_str(), 413), (chunked, 413), (&foreign, 403), (&coded, 415)] {
            let mut stream = connect(address);
            stream.write_all(put_head(more).as_bytes()).expect("the head is sent");
            let body = vec![b' '; LONG];
            if more == chunked {
                write!(stream, "{LONG:x}\r\n").expect("sent");
                stream.write_all(&body).expect("the body is sent");
                stream.write_all(b"\r\n0\r\n\r\n").expect("the end is sent");
            } else {
                stream.write_all(&body).expect("the body is sent");
            }
            let text = to_end(stream);
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{more}: {text}");
            assert!(text.contains("application/problem+json"), "{text}");
        }
    });
}

#[test]
fn who_asks_before_sending_is_told_at_once() {
    serving(LIMITS, |address| {
        let mut stream = connect(address);
        let head = put_head(&format!("Expect: 100-continue\r\nContent-Length: {LONG}\r\n"));
        stream.write_all(head.as_bytes()).expect("sent");
        let text = to_end(stream);
        assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    });
}

#[test]
fn a_body_without_end_is_not_read_for_ever() {
    serving(LIMITS, |address| {
        let mut stream = connect(address);
        stream.set_write_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream.write_all(put_head("Content-Length: 1000000000000\r\n").as_bytes()).expect("sent");
        let piece = vec![b' '; 1 << 20];
        let refused = (0..1_000).find_map(|_| stream.write_all(&piece).err());
        let error = refused.expect("the server ends what it does not want");
        assert!(!matches!(error.kind(), std::io::ErrorKind::WouldBlock), "{error}");
    });
}

/// A request whose answer has no end.
fn watch(stream: &mut TcpStream) {
    request(stream, "/api/v1/business/b/live", false);
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("data:") {
        let mut bytes = [0; 512];
        let count = stream.read(&mut bytes).expect("an event");
        assert_ne!(count, 0, "closed after {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&bytes[..count]);
    }
}

#[test]
fn connections_that_are_only_kept_make_room_for_others() {
    serving(LIMITS, |address| {
        let (mut first, mut second) = (connect(address), connect(address));
        health(&mut first);
        watch(&mut second);
        let mut third = connect(address);
        request(&mut third, "/healthz", true);
        assert!(to_end(third).ends_with("ok\n"));
        assert_eq!(to_end(first), "", "it was let go");
        second.set_nonblocking(true).expect("a mode");
        let open =
            std::iter::repeat_with(|| second.read(&mut [0; 512])).find(|read| !matches!(read, Ok(1..)));
        let open = open.expect("an end").expect_err("one that is answered goes on");
        assert_eq!(open.kind(), std::io::ErrorKind::WouldBlock);
    });
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    serving(LIMITS, |address| {
        let (mut first, mut second) = (connect(address), connect(address));
        watch(&mut first);
        watch(&mut second);
        let mut third = connect(address);
        request(&mut third, "/healthz", true);
        drop(first);
        assert!(to_end(third).ends_with("ok\n"), "its turn came");
    });
}

#[test]
fn stopping_closes_idle_connections_at_once() {
    let mut kept = None;
    serving(LIMITS, |address| {
        let mut stream = connect(address);
        health(&mut stream);
        kept = Some((stream, address));
    });
    let (stream, address) = kept.expect("a connection");
    assert_eq!(to_end(stream), "");
    TcpStream::connect(address).expect_err("nobody listens any more");
}
