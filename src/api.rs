//! The HTTP API of a process that owns a store: on a thread of its own; without tokens for this machine only.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow};
use axum::Router;
use linkloom_query::http::{self, Access, Intake, LateReader, Live, Page, ServeLimits, Settings};
use linkloom_storage::store::StoreError;
use tokio::runtime;
use tokio::sync::oneshot;

pub use linkloom_query::http::{LateOwner, Process};

use crate::config::Config;
use crate::service::AnyStore;
use crate::{page, tokens};

/// The API at work. Dropping it answers what is under way (for two seconds at most), closes its connections, and lets go
/// of the reader and so of the store.
pub struct ApiServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ApiServer {
    /// Starts to answer from `reader` at the address of `config`, for this process, and to change the store through its
    /// `owner`. Whoever owns the store has to say so in it once the reader is there: [`ApiServer::announce`].
    ///
    /// Errors: the address is in use, or is not one of this machine's own.
    pub fn start(
        reader: impl Into<LateReader>,
        owner: impl Into<LateOwner>,
        config: &Config,
        process: Process,
    ) -> anyhow::Result<Self> {
        let access = Access::new(tokens::read(config)?);
        let page = Page::new(page::FILES, &config.api.frame_ancestors).map_err(|error| anyhow!("{error}"));
        let page = page.context("api.frame_ancestors")?;
        let settings = settings(config, access.clone());
        let live = Live::new(config.api.live_connections_max);
        let router = http::router(reader.into(), owner.into(), live.clone(), page, settings, process);
        ApiServer::listen(router, live, &access, config)
    }

    /// Starts to take reports for a process that passes them on and has no store.
    ///
    /// Errors: the address is in use, or is not one of this machine's own.
    pub fn relay(intake: Arc<dyn Intake>, config: &Config, process: Process) -> anyhow::Result<Self> {
        let access = Access::new(tokens::read(config)?);
        let router = http::relay_router(intake, &settings(config, access.clone()), process);
        ApiServer::listen(router, Live::new(0), &access, config)
    }

    fn listen(router: Router, live: Live, access: &Access, config: &Config) -> anyhow::Result<Self> {
        ApiServer::bind(router, live, access, config)
            .with_context(|| format!("starting the API at {} (api.listen)", config.api.listen))
    }

    fn bind(router: Router, live: Live, access: &Access, config: &Config) -> io::Result<Self> {
        let config = &config.api;
        if !config.listen.ip().is_loopback() && !access.is_by_token() {
            let why =
                format!("{} is not a loopback address; that needs tokens (api.token_file)", config.listen);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let reads_max = config.reads_max;
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // One more looks whether the store answers.
            .max_blocking_threads(reads_max + 1)
            .thread_name("api-read")
            .build()?;
        let limits =
            ServeLimits { connections_max: config.connections_max, head_bytes_max: config.head_bytes_max };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(move || {
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        let stop = async {
                            drop(stopped.await);
                            live.end();
                        };
                        http::serve(listener, router, limits, stop).await
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
        reader: impl Into<LateReader>,
        owner: impl Into<LateOwner>,
        config: &Config,
        process: Process,
    ) -> anyhow::Result<Self> {
        let server = ApiServer::start(reader, owner, config, process)?;
        server.announce(store)?;
        Ok(server)
    }

    /// Says in a store that is owned by one process where its questions are answered from now on.
    pub fn announce(&self, store: &AnyStore) -> Result<(), StoreError> {
        match store {
            AnyStore::Embedded(store) => store.set_api(&self.address.to_string()),
            AnyStore::Hbase(_) => Ok(()),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn settings(config: &Config, access: Access) -> Settings {
    Settings {
        reads_max: config.api.reads_max,
        mark_separator: config.ingest.mark_separator.clone(),
        body_bytes_max: config.api.body_bytes_max,
        posts_max: config.api.connections_max.div_ceil(2),
        access,
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
