//! The store in HBase, on real servers (`tests/servers/hbase.sh`).

#[path = "../../../../tests/servers/hbase.rs"]
pub(crate) mod servers;
pub(crate) mod subject;
