//! How Linkloom stores: the cell model, packs, the `Store` trait and the stores behind it.

pub mod cell;
pub mod embedded;
mod key;
pub mod memory;
pub mod retention;
pub mod store;
