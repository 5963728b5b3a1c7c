//! A receiver for tests: an HTTP server on a port of its own that answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// The head: request line and headers.
    pub(crate) head: String,
    /// Its lines, decompressed.
    pub(crate) lines: Vec<String>,
    pub(crate) at: Instant,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status line's number and reason, further headers, a body.
    Status(u16, &'static str, String),
    /// Nothing: the connection is closed.
    Hang,
}

impl Reply {
    pub(crate) fn ok() -> Reply {
        Reply::Status(200, "", r#"{"accepted":0,"refused":[],"refusedMore":0}"#.to_owned())
    }
}

type Script = Box<dyn FnMut(usize, &Post) -> Reply + Send>;

/// The server. Dropping it ends it: connections to its port are then refused.
pub(crate) struct Receiver {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Answers each request with what `script` says, given how many came before.
    pub(crate) fn start(script: impl FnMut(usize, &Post) -> Reply + Send + 'static) -> Receiver {
        Receiver::on(TcpListener::bind("127.0.0.1:0").expect("a port"), script)
    }

    /// The same on a port that is known.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl FnMut(usize, &Post) -> Reply + Send + 'static,
    ) -> Receiver {
        let address = listener.local_addr().expect("an address");
        let posts = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, ends) = (posts.clone(), stop.clone());
        let mut script: Script = Box::new(script);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Acquire) {
                    return;
                }
                // A client that goes away in the middle is its own business.
                let _ = stream.and_then(|stream| serve(stream, &kept, &mut script));
            }
        });
        Receiver { address, posts, stop, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes it, so that it sees that it is to end.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, posts: &Mutex<Vec<Post>>, script: &mut Script) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text)?;
    let post = Post { head, lines: text.lines().map(str::to_owned).collect(), at: Instant::now() };
    let count = posts.lock().unwrap().len();
    let reply = script(count, &post);
    posts.lock().unwrap().push(post);
    if let Reply::Status(status, headers, body) = reply {
        write!(
            stream,
            "HTTP/1.1 {status} Reason\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}
