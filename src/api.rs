//! The HTTP API of a process that owns a store: on a thread of its own, for this machine only.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use linkloom_query::Reader;
use linkloom_query::http::{self, ServeLimits};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::config::ApiConfig;
use crate::service::AnyStore;

/// The API at work. Dropping it answers what is under way (for two seconds at most), closes its connections, and lets go
/// of the reader and so of the store.
pub struct ApiServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ApiServer {
    /// Starts to answer from `reader` at the address of `config`; `metrics` renders those of the process. Whoever owns
    /// the store then has to say so in it: `EmbeddedStore::set_api` with [`ApiServer::address`].
    ///
    /// Errors: the address is in use, or is not one of this machine's own (`InvalidInput`).
    pub fn start(
        reader: Reader,
        config: &ApiConfig,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if !config.listen.ip().is_loopback() {
            let why = format!("{} is not a loopback address; the API has no authentication", config.listen);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let reads_max = config.reads_max;
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(reads_max)
            .thread_name("api-read")
            .build()?;
        let limits =
            ServeLimits { connections_max: config.connections_max, head_bytes_max: config.head_bytes_max };
        let router = http::router(reader, reads_max, Arc::new(metrics));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(move || {
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        http::serve(listener, router, limits, async { drop(stopped.await) }).await
                    }
                    Err(error) => tracing::error!(%error, "the API cannot listen"),
                }
            });
            // Reads that still run are waited for: until they are over the store is in use.
            drop(runtime);
        })?;
        tracing::debug!(%address, "the API listens");
        Ok(ApiServer { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts to answer for a store this process has open, and says in it where if it is owned by one process.
    pub fn of_store(
        store: &AnyStore,
        reader: Reader,
        config: &ApiConfig,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let server = ApiServer::start(reader, config, metrics)
            .with_context(|| format!("starting the API at {} (api.listen)", config.listen))?;
        if let AnyStore::Embedded(store) = store {
            store.set_api(&server.address.to_string())?;
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the API ended in a panic");
        }
    }
}
