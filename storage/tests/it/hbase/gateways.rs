//! Gateways that hang, speak something else, or answer what no gateway answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use linkloom_storage::cell::{Family, Table};
use linkloom_storage::hbase::{HbaseOptions, HbaseStore};
use linkloom_storage::retention::Retention;
use linkloom_storage::store::{Retry, Rows, Scan, Store, StoreError};

use super::servers::hbase_servers;
use super::subject;
use crate::subject::{all, batch, cell, noise};

/// Something that listens where a gateway should.
struct Impostor {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Kept open, so that whoever hangs really hangs.
    held: Arc<Mutex<Vec<TcpStream>>>,
}

impl Impostor {
    /// Waits for the first bytes of each connection and does `then`.
    fn new(then: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (stop, held) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopping, holding) = (stop.clone(), held.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.expect("a connection");
                let mut begin = [0; 64];
                let _ = stream.read(&mut begin);
                then(&mut stream);
                holding.lock().expect("not poisoned").push(stream);
            }
        });
        Impostor { port, stop, thread: Some(thread), held }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.held.lock().expect("not poisoned").clear();
        self.thread.take().map(JoinHandle::join);
    }
}

fn quick(gateways: Vec<String>) -> HbaseStore {
    let mut options = HbaseOptions::new(gateways);
    options.timeout = Duration::from_millis(300);
    options.connections = 1;
    HbaseStore::open(options).expect("opened")
}

fn get(store: &HbaseStore) -> Result<Option<Vec<u8>>, StoreError> {
    store.get(Table::Link, "r", Family::Nodes, "q")
}

#[test]
fn without_a_gateway_there_is_no_store() {
    let Err(error) = HbaseStore::open(HbaseOptions::new(Vec::new())) else { panic!("opened") };
    assert_eq!(error.retry(), Retry::Never);
    assert!(error.to_string().contains("at least one gateway is needed, as host:port"), "{error}");
}

#[test]
fn a_gateway_that_is_not_there_is_said_and_can_be_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for gateway in [free.to_string(), "no-such-host.invalid:9090".to_owned(), "no port".to_owned()] {
        let error = get(&quick(vec![gateway.clone()])).expect_err("nobody is there");
        assert_eq!(error.retry(), Retry::WithBackoff, "{error}");
        assert!(error.to_string().starts_with(&format!("get on HBase at {gateway}: {gateway}: ")), "{error}");
    }
}

#[test]
fn a_gateway_that_hangs_is_an_error_in_time_that_names_what_may_be_wrong() {
    let gateway = Impostor::new(|_| {});
    let store = quick(vec![gateway.address()]);
    let began = Instant::now();
    let error = get(&store).expect_err("it hangs");
    assert!(began.elapsed() < Duration::from_secs(60), "after {:?}", began.elapsed());
    assert_eq!(error.retry(), Retry::WithBackoff);
    let text = error.to_string();
    assert!(text.contains("no answer within 300 ms on the first call"), "{text}");
    assert!(text.contains("it hangs, has no thread left"), "{text}");
}

#[test]
fn a_gateway_that_hangs_is_passed_over() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let hanging = Impostor::new(|_| {});
    let mut options = subject::options(servers, Retention::Forever);
    options.gateways.insert(0, hanging.address());
    options.timeout = Duration::from_secs(3);
    let store = HbaseStore::open(options).expect("opened");
    let cells = (0..20).map(|at| cell(Table::Link, "passed over", Family::Nodes, &format!("{at:02}"), b"v"));
    store.write(&batch(cells)).expect("the other one takes it");
    assert_eq!(all(&store, &Scan::new(Table::Link, Rows::One("passed over"))).len(), 20);
}

#[test]
fn framed_against_buffered_ends_in_an_error_that_says_so() {
    let Some(servers) = hbase_servers() else { return };
    let _in_use = servers.shared();
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    servers.call(&["start-thrift", &port.to_string(), "framed"]);
    let framed = format!("127.0.0.1:{port}");
    let options = |gateway: &str, framed: bool| {
        let mut options = subject::options(servers, Retention::Forever);
        options.gateways = vec![gateway.to_owned()];
        options.framed = framed;
        options.timeout = Duration::from_secs(10);
        options
    };
    for (gateway, ours, speaks, set) in [
        (
            &framed,
            false,
            "speaks the framed transport, this client the buffered one",
            "set framed = true in [hbase]",
        ),
        (
            &servers.gateway(),
            true,
            "speaks the buffered transport, this client the framed one",
            "set framed = false in [hbase]",
        ),
    ] {
        let store = HbaseStore::open(options(gateway, ours)).expect("opened");
        let error = get(&store).expect_err("they do not understand each other");
        assert_eq!(error.retry(), Retry::Never, "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("the gateway {gateway} {speaks}: {set}")), "{text}");
    }
    let store = HbaseStore::open(options(&framed, true)).expect("opened");
    let value = noise(3, 3 << 20);
    store.write(&batch([cell(Table::Link, "framed", Family::Nodes, "q", &value)])).expect("written");
    let got = store.get(Table::Link, "framed", Family::Nodes, "q").expect("read");
    assert!(got == Some(value), "the value came back changed");
    servers.call(&["kill-thrift", &port.to_string()]);
}

/// The begin of an answer to the first call.
fn head(kind: u8) -> Vec<u8> {
    [&[0x80, 1, 0, kind, 0, 0, 0, 19][..], b"getThriftServerType", &[0, 0, 0, 1]].concat()
}

#[test]
fn the_gateway_of_thrift2_is_told_apart() {
    // Reply, field 0 of type i32: 2.
    let answer = [&head(2)[..], &[8, 0, 0, 0, 0, 0, 2, 0]].concat();
    let gateway = Impostor::new(move |stream| stream.write_all(&answer).expect("sent"));
    let error = get(&quick(vec![gateway.address()])).expect_err("it is another service");
    assert_eq!(error.retry(), Retry::Never);
    assert!(
        error.to_string().contains("it speaks Thrift2; what is needed is the Thrift1 gateway"),
        "{error}"
    );
}

#[test]
fn what_is_no_gateway_is_an_error_whatever_it_sends() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let mut answers: Vec<Vec<u8>> = vec![
        http,
        vec![0; 4096],
        vec![0xff; 4096],
        // Texts, lists and structures of absurd lengths.
        [0x80, 1, 0, 2, 0x7f, 0xff, 0xff, 0xff].to_vec(),
        [0x80, 1, 0, 2, 0x80, 0, 0, 0].to_vec(),
        [&head(2)[..], &[15, 0, 0, 12, 0x7f, 0xff, 0xff, 0xff]].concat(),
        [&head(2)[..], &[15, 0, 0, 12, 0xff, 0xff, 0xff, 0xff]].concat(),
        [&head(2)[..], &[13, 0, 0, 11, 11, 0x7f, 0xff, 0xff, 0xff]].concat(),
        [&head(2)[..], &[99, 0, 0]].concat(),
        [&head(3)[..], &[11, 0, 1, 0xff, 0xff, 0xff, 0xff]].concat(),
        [&head(9)[..], &[0]].concat(),
        head(2),
        Vec::new(),
    ];
    answers.extend((0..40).map(|seed| [&head(2)[..], &noise(seed, 200)].concat()));
    for answer in answers {
        let sent = answer.clone();
        let gateway = Impostor::new(move |stream| {
            let _ = stream.write_all(&sent);
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
        let store = quick(vec![gateway.address()]);
        match get(&store) {
            Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
            Ok(got) => panic!("{} passed for {got:?}", answer.escape_ascii()),
        }
    }
}
