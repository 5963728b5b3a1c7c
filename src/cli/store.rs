//! Which store a command works on, and opening it.

use std::path::PathBuf;
use std::sync::Arc;

use linkloom_storage::embedded::EmbeddedStore;

use super::args::StoreArgs;
use crate::config::Config;
use crate::service::{OpenStore, open_embedded};

/// The folder: `--store`, else `[store] path` of the configuration.
pub(super) fn path(args: &StoreArgs, config: &Config) -> anyhow::Result<PathBuf> {
    match (&args.store, config.store.path.as_str()) {
        (Some(path), _) => Ok(path.clone()),
        (None, "") => anyhow::bail!("no store is named: give --store PATH, or set path of [store]"),
        (None, path) => Ok(PathBuf::from(path)),
    }
}

/// Opens a store that is there; commands that only read make none.
pub(super) fn open_existing(args: &StoreArgs, config: &Config) -> anyhow::Result<OpenStore> {
    let path = path(args, config)?;
    if !EmbeddedStore::is_at(&path) {
        anyhow::bail!("there is no store at {}; `linkloom ingest` makes one", path.display());
    }
    open(&path, config)
}

/// Opens a store, made if there is none.
pub(super) fn open_or_make(args: &StoreArgs, config: &Config) -> anyhow::Result<OpenStore> {
    open(&path(args, config)?, config)
}

fn open(path: &std::path::Path, config: &Config) -> anyhow::Result<OpenStore> {
    let store = open_embedded(path, config)?;
    Ok(OpenStore::new(Arc::new(store), config)?)
}
