//! Opening the store a command names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail};
use linkloom_storage::embedded::EmbeddedStore;
use linkloom_storage::store::StoreError;

use super::args::StoreArgs;
use super::remote::{self, ReadSource};
use crate::config::Config;
pub(super) use crate::expiry::now;
use crate::service::OpenStore;

/// The folder of the store: `--store`, else `[store] path`.
pub(super) fn path(args: &StoreArgs, config: &Config) -> anyhow::Result<PathBuf> {
    match &args.store {
        Some(path) => Ok(path.clone()),
        None if !config.store.path.is_empty() => Ok(PathBuf::from(&config.store.path)),
        None => bail!(
            "no store: name one with --store PATH, LINKLOOM_STORE, or path in [store] of the configuration"
        ),
    }
}

/// Opens a store for writing; it is made when it is not there.
pub(super) fn create(args: &StoreArgs, config: &Config) -> anyhow::Result<(Arc<EmbeddedStore>, OpenStore)> {
    let store = Arc::new(own(&path(args, config)?, config)?);
    let open = OpenStore::new(store.clone(), config)?;
    Ok((store, open))
}

/// Opens a store for what only its owner can do; it must be there.
pub(super) fn existing(args: &StoreArgs, config: &Config) -> anyhow::Result<OpenStore> {
    let path = path(args, config)?;
    if !EmbeddedStore::is_at(&path) {
        bail!("there is no store at {}; `linkloom ingest` makes one", path.display());
    }
    Ok(OpenStore::new(Arc::new(own(&path, config)?), config)?)
}

fn own(path: &Path, config: &Config) -> anyhow::Result<EmbeddedStore> {
    remote::open_to_own(path, config).map_err(|error| match error {
        StoreError::Owned { .. } => {
            anyhow!("{error}; this command needs the store for itself: wait until that process has ended, or end it")
        }
        other => other.into(),
    })
}

/// Finds the way to a store for reading; it must be there.
pub(super) fn read<'c>(args: &StoreArgs, config: &'c Config) -> anyhow::Result<ReadSource<'c>> {
    Ok(ReadSource::open(&path(args, config)?, config)?)
}
