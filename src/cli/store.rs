//! Opening the store a command names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::bail;
use linkloom_schema::time::Timestamp;
use linkloom_storage::embedded::EmbeddedStore;

use super::args::StoreArgs;
use crate::config::Config;
use crate::service::{OpenStore, open_embedded};

/// The folder of the store: `--store`, else `[store] path`.
pub(super) fn path(args: &StoreArgs, config: &Config) -> anyhow::Result<PathBuf> {
    match &args.store {
        Some(path) => Ok(path.clone()),
        None if !config.store.path.is_empty() => Ok(PathBuf::from(&config.store.path)),
        None => bail!("no store: name one with --store PATH, LINKLOOM_STORE, or path in [store] of the configuration"),
    }
}

/// Opens a store for writing; it is made when it is not there.
pub(super) fn create(args: &StoreArgs, config: &Config) -> anyhow::Result<(Arc<EmbeddedStore>, OpenStore)> {
    let store = Arc::new(open_embedded(&path(args, config)?, config)?);
    let open = OpenStore::new(store.clone(), config)?;
    Ok((store, open))
}

/// Opens a store for reading; it must be there.
pub(super) fn existing(args: &StoreArgs, config: &Config) -> anyhow::Result<OpenStore> {
    let path = path(args, config)?;
    if !path.is_dir() {
        bail!("there is no store at {}", path.display());
    }
    Ok(OpenStore::new(Arc::new(open_embedded(&path, config)?), config)?)
}

/// The present.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
