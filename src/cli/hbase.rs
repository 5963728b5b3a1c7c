//! `linkloom hbase ddl|init|check`.

use anyhow::bail;
use linkloom_storage::hbase::{Compression, HbaseStore};

use super::args::{CompressionArg, HbaseCommand, HbaseGatewayArgs};
use super::{Outcome, Output};
use crate::config::Config;
use crate::service::{hbase_layout, open_hbase};
use crate::terminal::plain;

pub(super) fn run(command: &HbaseCommand, config: &Config, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    match command {
        HbaseCommand::Ddl(args) => {
            out.text(&hbase_layout(config).ddl(args.regions, compression(args.compression)))?;
            Ok(Outcome::Done)
        }
        HbaseCommand::Init(args) => {
            for made in open(&args.gateways, config)?.create_tables(compression(args.compression))? {
                let word = if made.new { "made" } else { "there already" };
                out.text(&format!("{word:<14} {}\n", plain(&made.table)))?;
            }
            Ok(Outcome::Done)
        }
        HbaseCommand::Check(gateways) => {
            let differences = open(gateways, config)?.differences()?;
            for difference in &differences {
                out.text(&format!("{}\n", plain(&difference.to_string())))?;
            }
            if differences.is_empty() {
                out.text("all tables are as they should be\n")?;
                return Ok(Outcome::Done);
            }
            Ok(Outcome::NotFound)
        }
    }
}

fn open(args: &HbaseGatewayArgs, config: &Config) -> anyhow::Result<HbaseStore> {
    let gateways = if args.hbase.is_empty() { &config.hbase.gateways } else { &args.hbase };
    if gateways.is_empty() {
        bail!(
            "no HBase: name its gateways with --hbase HOST:PORT, LINKLOOM_HBASE, or gateways in [hbase] of the configuration"
        );
    }
    Ok(open_hbase(gateways, config)?)
}

fn compression(arg: CompressionArg) -> Compression {
    match arg {
        CompressionArg::None => Compression::None,
        CompressionArg::Gz => Compression::Gz,
        CompressionArg::Snappy => Compression::Snappy,
        CompressionArg::Lz4 => Compression::Lz4,
        CompressionArg::Zstd => Compression::Zstd,
    }
}
