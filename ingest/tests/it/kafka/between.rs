//! A proxy between clients and a mock broker. It has the clients believe that it is the broker, and can hide the broker from
//! answers about the brokers, as a cluster does whose only broker is fenced.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;
/// The first version of answers about brokers whose lists are compact, which is what is understood here.
const COMPACT: i16 = 9;

/// What a connection has asked: kind and version, by number of the request.
type Asked = Arc<Mutex<HashMap<i32, (i16, i16)>>>;

pub(super) struct Between {
    /// Where it listens.
    pub(super) address: String,
    to_hide: Arc<AtomicUsize>,
}

impl Between {
    pub(super) fn new(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let to_hide = Arc::new(AtomicUsize::new(0));
        let port_of =
            |address: &str| -> i32 { address.rsplit_once(':').expect("a port").1.parse().expect("a number") };
        let ports = (port_of(broker), i32::from(address.port()));
        let (broker, hiding) = (broker.to_owned(), to_hide.clone());
        // It ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A mock that is gone takes nobody any more.
                if let Ok(server) = TcpStream::connect(&broker) {
                    join(client, server, ports, hiding.clone());
                }
            }
        });
        Between { address: address.to_string(), to_hide }
    }

    /// The next so many answers about brokers name none.
    pub(super) fn hide(&self, answers: usize) {
        self.to_hide.store(answers, Ordering::SeqCst);
    }

    /// How many of them are still to come.
    pub(super) fn to_hide(&self) -> usize {
        self.to_hide.load(Ordering::SeqCst)
    }
}

fn join(client: TcpStream, server: TcpStream, ports: (i32, i32), to_hide: Arc<AtomicUsize>) {
    let asked = Asked::default();
    let (requests, answers) =
        ((client.try_clone().expect("cloned"), server.try_clone().expect("cloned")), (server, client));
    let asks = asked.clone();
    std::thread::spawn(move || {
        pass(requests, |frame| {
            let (kind, version) = (i16_at(frame, 0), i16_at(frame, 2));
            let mut asked = asks.lock().unwrap_or_else(PoisonError::into_inner);
            asked.insert(i32_at(frame, 4), (kind, version));
        })
    });
    std::thread::spawn(move || {
        pass(answers, |frame| {
            let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&i32_at(frame, 0));
            let (kind, version) = asked.expect("an answer to a question");
            if kind == METADATA {
                assert!(version >= COMPACT, "version {version}");
                let hide =
                    to_hide.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if hide.is_ok() {
                    without_brokers(frame);
                }
            }
            if kind == METADATA || kind == FIND_COORDINATOR {
                replace(frame, ports);
            }
        })
    });
}

/// Passes frames on until one side is gone.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut look: impl FnMut(&mut Vec<u8>)) {
    let mut passed = || -> io::Result<()> {
        let mut size = [0; 4];
        from.read_exact(&mut size)?;
        let mut frame = vec![0; i32::from_be_bytes(size) as usize];
        from.read_exact(&mut frame)?;
        look(&mut frame);
        to.write_all(&(frame.len() as i32).to_be_bytes())?;
        to.write_all(&frame)
    };
    while passed().is_ok() {}
    // The other side is to notice, whichever it was.
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn i16_at(frame: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([frame[at], frame[at + 1]])
}

fn i32_at(frame: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(frame[at..at + 4].try_into().expect("four bytes"))
}

/// The port of the broker is that of the proxy, wherever it stands.
fn replace(frame: &mut [u8], (broker, proxy): (i32, i32)) {
    let (broker, proxy) = (broker.to_be_bytes(), proxy.to_be_bytes());
    for at in 0..frame.len().saturating_sub(3) {
        if frame[at..at + 4] == broker {
            frame[at..at + 4].copy_from_slice(&proxy);
        }
    }
}

/// Takes the list of brokers out of an answer: number of the request, tags, throttle time, then the list, each with id, host, port,
/// rack and tags. All numbers of lists and texts are less than 128 here.
fn without_brokers(frame: &mut Vec<u8>) {
    let list = 4 + 1 + 4;
    let brokers = usize::from(frame[list]) - 1;
    let mut end = list + 1;
    for _ in 0..brokers {
        let host = usize::from(frame[end + 4]) - 1;
        let rack = usize::from(frame[end + 4 + 1 + host + 4]).saturating_sub(1);
        end += 4 + 1 + host + 4 + 1 + rack + 1;
    }
    frame.splice(list..end, [1]);
}
