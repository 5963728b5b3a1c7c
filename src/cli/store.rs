//! Opening the store a command names.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use linkloom_storage::embedded::EmbeddedStore;
use linkloom_storage::store::StoreError;

use super::args::StoreArgs;
use super::remote::{self, ReadSource};
use crate::config::Config;
pub(super) use crate::expiry::now;
use crate::service::{AnyStore, OpenStore, StorePlace, open_hbase};

/// Where the store is: `--store` or `--hbase`, else what the configuration says.
pub(super) fn place(args: &StoreArgs, config: &Config) -> anyhow::Result<StorePlace> {
    let hbase = (!args.hbase.is_empty()).then(|| StorePlace::Hbase(args.hbase.clone()));
    let embedded = args.store.clone().map(StorePlace::Embedded);
    match (hbase, embedded) {
        (Some(hbase), Some(embedded)) => {
            // What the command says goes over what the environment says.
            let said = |name, value: &str| std::env::var_os(name).is_none_or(|set| set != value);
            let path = args.store.as_deref().unwrap_or(Path::new("")).to_string_lossy();
            match (said("LINKLOOM_HBASE", &args.hbase.join(",")), said("LINKLOOM_STORE", &path)) {
                (true, false) => Ok(hbase),
                (false, true) => Ok(embedded),
                _ => bail!("--store and --hbase name two stores; one is needed"),
            }
        }
        (Some(place), None) | (None, Some(place)) => Ok(place),
        (None, None) => match StorePlace::of(config) {
            Some(place) => Ok(place),
            None => bail!(
                "no store: name one with --store PATH, LINKLOOM_STORE, or path in [store] of the configuration; or HBase with \
                 --hbase HOST:PORT, or gateways in [hbase]"
            ),
        },
    }
}

/// The folder of the store, for what needs one.
pub(super) fn path(args: &StoreArgs, config: &Config) -> anyhow::Result<PathBuf> {
    match place(args, config)? {
        StorePlace::Embedded(path) => Ok(path),
        StorePlace::Hbase(_) => bail!("this command works on an embedded store: name one with --store PATH"),
    }
}

/// Opens a store for writing; an embedded one is made when it is not there. HBase is not asked anything yet.
pub(super) fn any(args: &StoreArgs, config: &Config) -> anyhow::Result<AnyStore> {
    Ok(match place(args, config)? {
        StorePlace::Embedded(path) => AnyStore::from(own(&path, config)?),
        StorePlace::Hbase(gateways) => AnyStore::from(open_hbase(&gateways, config)?),
    })
}

/// The same, with its definition log.
pub(super) fn create(args: &StoreArgs, config: &Config) -> anyhow::Result<(AnyStore, OpenStore)> {
    let store = any(args, config)?;
    let open = OpenStore::of(&store, config)?;
    Ok((store, open))
}

/// Opens a store for what only its owner can do; it must be there.
pub(super) fn existing(args: &StoreArgs, config: &Config) -> anyhow::Result<OpenStore> {
    if let StorePlace::Embedded(path) = place(args, config)?
        && !EmbeddedStore::is_at(&path)
    {
        bail!("there is no store at {}; `linkloom ingest` makes one", path.display());
    }
    Ok(create(args, config)?.1)
}

/// Finds the way to a store for reading, when the first question comes.
pub(super) fn source<'c>(args: &StoreArgs, config: &'c Config) -> anyhow::Result<ReadSource<'c>> {
    Ok(match place(args, config)? {
        StorePlace::Embedded(path) => ReadSource::new(&path, config),
        StorePlace::Hbase(gateways) => {
            ReadSource::shared(AnyStore::from(open_hbase(&gateways, config)?), config)
        }
    })
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
    Ok(source(args, config)?.opened()?)
}
