//! The generated client of Thrift alone, to set up what the store itself never makes.

use hbase_thrift::hbase::{ColumnDescriptor, HbaseSyncClient, THbaseSyncClient};
use thrift::protocol::{TBinaryInputProtocol, TBinaryOutputProtocol};
use thrift::transport::{
    ReadHalf, TBufferedReadTransport, TBufferedWriteTransport, TIoChannel, TTcpChannel, WriteHalf,
};

type Input = TBinaryInputProtocol<TBufferedReadTransport<ReadHalf<TTcpChannel>>>;
type Output = TBinaryOutputProtocol<TBufferedWriteTransport<WriteHalf<TTcpChannel>>>;

/// A client of a buffered gateway.
pub(super) fn client(gateway: &str) -> HbaseSyncClient<Input, Output> {
    let mut channel = TTcpChannel::new();
    channel.open(gateway).expect("connected");
    let (read, write) = channel.split().expect("split");
    HbaseSyncClient::new(
        TBinaryInputProtocol::new(TBufferedReadTransport::new(read), true),
        TBinaryOutputProtocol::new(TBufferedWriteTransport::new(write), true),
    )
}

/// Makes a table with families given as (name, versions, seconds to live).
pub(super) fn create(gateway: &str, table: &str, families: &[(&str, i32, i32)]) {
    let families = families.iter().map(|(name, versions, ttl)| ColumnDescriptor {
        name: Some(format!("{name}:").into_bytes()),
        max_versions: Some(*versions),
        compression: Some("NONE".to_owned()),
        in_memory: Some(false),
        bloom_filter_type: Some("NONE".to_owned()),
        bloom_filter_vector_size: Some(0),
        bloom_filter_nb_hashes: Some(0),
        block_cache_enabled: Some(true),
        time_to_live: Some(*ttl),
    });
    client(gateway).create_table(table.as_bytes().to_vec(), families.collect()).expect("made");
}
