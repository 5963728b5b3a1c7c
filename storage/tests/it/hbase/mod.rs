//! The store in HBase, on real servers (`tests/servers/hbase.sh`).

mod gateways;
mod kill;
mod pages;
mod raw;
mod retention;
#[path = "../../../../tests/servers/hbase.rs"]
pub(crate) mod servers;
pub(crate) mod subject;
mod tables;
