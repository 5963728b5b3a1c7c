//! A fixed set of connections, each on a thread of its own, and a bounded queue in front of them.
//!
//! The client of Thrift blocks and holds one call at a time, so a connection is a thread. Callers wait for a place in the
//! queue and then for their answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::connection::Connection;
use super::failure::Failure;
use super::gateways::{Gateways, Next};

/// Calls in the queue for each connection.
const QUEUED_PER_CONNECTION: usize = 4;
/// How often a connection that fell over to another gateway looks whether its own is back.
const LOOK_HOME: Duration = Duration::from_secs(15);

/// A kind of call, for the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Cells written.
    Write,
    /// One cell or one row read.
    Get,
    /// A page of a scan.
    Scan,
    /// A cell removed.
    Forget,
    /// Tables looked at or made.
    Admin,
}

impl Method {
    /// All of them, in a fixed order.
    pub const ALL: [Method; 5] = [Method::Write, Method::Get, Method::Scan, Method::Forget, Method::Admin];

    /// Its name, as a label of metrics.
    pub fn name(self) -> &'static str {
        match self {
            Method::Write => "write",
            Method::Get => "get",
            Method::Scan => "scan",
            Method::Forget => "forget",
            Method::Admin => "admin",
        }
    }
}

/// What the connections counted so far.
#[derive(Debug, Default)]
pub struct HbaseFigures {
    answered: [AtomicU64; Method::ALL.len()],
    failed: [AtomicU64; Method::ALL.len()],
    reconnects: AtomicU64,
}

impl HbaseFigures {
    /// Calls that were answered.
    pub fn answered(&self, method: Method) -> u64 {
        self.answered[method as usize].load(Ordering::Relaxed)
    }

    /// Calls that failed, each try counted.
    pub fn failed(&self, method: Method) -> u64 {
        self.failed[method as usize].load(Ordering::Relaxed)
    }

    /// Connections that were opened after the first of each thread.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Relaxed)
    }
}

/// How connections are made.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) connections: usize,
    pub(super) framed: bool,
    pub(super) timeout: Duration,
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// The connections of a store.
pub(super) struct Pool {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    gateways: Gateways,
    settings: Settings,
    figures: HbaseFigures,
    closing: AtomicBool,
    closed: (Mutex<()>, Condvar),
}

impl Pool {
    pub(super) fn start(addresses: Vec<String>, settings: Settings) -> std::io::Result<Self> {
        let connections = settings.connections.max(1);
        let (jobs, queue) = bounded::<Job>(connections * QUEUED_PER_CONNECTION);
        let shared = Arc::new(Shared {
            gateways: Gateways::new(addresses),
            settings,
            figures: HbaseFigures::default(),
            closing: AtomicBool::new(false),
            closed: (Mutex::default(), Condvar::new()),
        });
        let mut pool = Pool { jobs: Some(jobs), threads: Vec::new(), shared };
        for number in 0..connections {
            let (queue, shared) = (queue.clone(), pool.shared.clone());
            let thread = std::thread::Builder::new().name(format!("hbase-{number}"));
            pool.threads.push(thread.spawn(move || run(number, shared, &queue))?);
        }
        Ok(pool)
    }

    pub(super) fn figures(&self) -> &HbaseFigures {
        &self.shared.figures
    }

    /// Puts calls into the queue and waits for all their answers, in the order of the calls.
    ///
    /// A call may be made more than once: on a connection that turned out to be closed, or another gateway.
    pub(super) fn run<T, C>(
        &self,
        method: Method,
        calls: impl IntoIterator<Item = C>,
    ) -> Vec<Result<T, Failure>>
    where
        T: Send + 'static,
        C: FnMut(&mut Connection) -> thrift::Result<T> + Send + 'static,
    {
        let mut answers: Vec<Receiver<Result<T, Failure>>> = Vec::new();
        for mut call in calls {
            let (answer, answered) = bounded(1);
            answers.push(answered);
            let job: Job = Box::new(move |worker| {
                // Whoever asked may be gone.
                let _ = answer.send(worker.call(method, &mut call));
            });
            if let Some(jobs) = &self.jobs {
                // It fails when all threads are gone; then so is the sender of the answer.
                let _ = jobs.send(job);
            }
        }
        let gone = || Failure::NotNow("a connection thread ended in a panic".to_owned());
        answers.into_iter().map(|answer| answer.recv().unwrap_or_else(|_| Err(gone()))).collect()
    }

    /// One call.
    pub(super) fn one<T, C>(&self, method: Method, call: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        C: FnMut(&mut Connection) -> thrift::Result<T> + Send + 'static,
    {
        let none = || Err(Failure::NotNow("nothing was asked".to_owned()));
        self.run(method, [call]).pop().unwrap_or_else(none)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.jobs = None;
        {
            let _guard = self.shared.closed.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.closed.1.notify_all();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a connection thread ended in a panic");
            }
        }
    }
}

fn run(number: usize, shared: Arc<Shared>, queue: &Receiver<Job>) {
    let home = number % shared.gateways.len();
    let seed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id());
    let mut worker =
        Worker { shared, home, random: seed | 1, open: None, opened: 0, looked_home: Instant::now() };
    while let Ok(job) = queue.recv() {
        job(&mut worker);
    }
}

/// One thread with its connection.
struct Worker {
    shared: Arc<Shared>,
    /// The gateway it is connected to when all is well.
    home: usize,
    random: u64,
    open: Option<Open>,
    /// Connections opened so far.
    opened: u64,
    looked_home: Instant,
}

struct Open {
    gateway: usize,
    connection: Connection,
    /// A call was answered on it.
    proven: bool,
}

impl Worker {
    /// Makes one call, on another connection when the one there is turns out to be lost.
    fn call<T>(
        &mut self,
        method: Method,
        call: &mut dyn FnMut(&mut Connection) -> thrift::Result<T>,
    ) -> Result<T, Failure> {
        self.look_home();
        let tries = self.shared.gateways.len().max(2);
        let mut last = None;
        for _ in 0..tries {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => match self.connect() {
                    Ok(open) => open,
                    Err(failure) => {
                        self.shared.figures.failed[method as usize].fetch_add(1, Ordering::Relaxed);
                        // What a call ended in says more than that there is no connection after it.
                        return Err(last.unwrap_or(failure));
                    }
                },
            };
            match call(&mut open.connection).map_err(Failure::of) {
                Ok(answer) => {
                    open.proven = true;
                    self.open = Some(open);
                    self.shared.figures.answered[method as usize].fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(Failure::Lost { why, late }) => {
                    self.shared.figures.failed[method as usize].fetch_add(1, Ordering::Relaxed);
                    // A gateway closes connections that were idle for a minute: that is no failure of its own.
                    if late || !open.proven {
                        self.failed(open.gateway);
                    }
                    let why = format!("{}: {why}", self.shared.gateways.address(open.gateway));
                    tracing::debug!(%why, method = method.name(), "a connection to HBase is lost");
                    last = Some(Failure::Lost { why, late });
                }
                Err(other) => {
                    self.shared.figures.failed[method as usize].fetch_add(1, Ordering::Relaxed);
                    open.proven = true;
                    self.open = Some(open);
                    return Err(other);
                }
            }
        }
        Err(last.unwrap_or_else(|| Failure::NotNow("nothing was tried".to_owned())))
    }

    /// Opens a connection to the first gateway that answers, from the own one on.
    fn connect(&mut self) -> Result<Open, Failure> {
        let mut tried: Vec<(usize, Failure)> = Vec::new();
        loop {
            match self.shared.gateways.next(self.home, &tried, Instant::now()) {
                Some(Next::Try(gateway)) => match self.open_at(gateway) {
                    Ok(open) => return Ok(open),
                    Err(failure) => tried.push((gateway, failure)),
                },
                Some(Next::Wait(pause)) => self.pause(pause)?,
                None => break,
            }
        }
        // One that may come back decides: only when none can is it hopeless.
        let place = tried.iter().position(|(_, failure)| !matches!(failure, Failure::Never(_)));
        let (_, failure) = tried.swap_remove(place.unwrap_or(0));
        Err(failure)
    }

    fn open_at(&mut self, gateway: usize) -> Result<Open, Failure> {
        let Settings { framed, timeout, .. } = self.shared.settings;
        let address = self.shared.gateways.address(gateway);
        match Connection::open(address, framed, timeout) {
            Ok(connection) => {
                self.opened += 1;
                if self.opened > 1 {
                    self.shared.figures.reconnects.fetch_add(1, Ordering::Relaxed);
                }
                self.shared.gateways.answered(gateway);
                tracing::debug!(address, "connected to HBase");
                Ok(Open { gateway, connection, proven: false })
            }
            Err(failure) => {
                self.failed(gateway);
                Err(failure)
            }
        }
    }

    /// Goes back to the own gateway once it is well again, so that the load spreads as it did.
    fn look_home(&mut self) {
        let now = Instant::now();
        let away = self.open.as_ref().is_some_and(|open| open.gateway != self.home);
        if away && now - self.looked_home > LOOK_HOME && self.shared.gateways.is_well(self.home, now) {
            self.looked_home = now;
            if let Ok(open) = self.open_at(self.home) {
                self.open = Some(open);
            }
        }
    }

    fn failed(&mut self, gateway: usize) {
        // xorshift64
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let random = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        self.shared.gateways.failed(gateway, Instant::now(), random);
    }

    /// Lets a pause pass, unless the store is closed meanwhile.
    fn pause(&self, pause: Duration) -> Result<(), Failure> {
        let (lock, closed) = &self.shared.closed;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let closing = |_: &mut ()| !self.shared.closing.load(Ordering::Acquire);
        drop(closed.wait_timeout_while(guard, pause, closing));
        if self.shared.closing.load(Ordering::Acquire) {
            return Err(Failure::NotNow("the store is being closed".to_owned()));
        }
        Ok(())
    }
}
