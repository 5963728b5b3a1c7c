//! How Linkloom stores: the cell model, packs, the `Store` trait and the stores behind it.

pub mod cell;
pub mod definitions;
pub mod embedded;
pub mod execution;
pub mod flush;
pub mod hbase;
mod key;
pub mod memory;
pub mod note;
pub mod pack;
pub mod read;
pub mod retention;
pub mod store;
pub mod watch;
