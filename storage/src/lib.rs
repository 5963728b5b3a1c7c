//! How Linkloom stores: the cell model, packs, the `Store` trait and the stores behind it.

pub mod cell;
pub mod flush;
pub mod pack;
pub mod read;
pub mod store;
