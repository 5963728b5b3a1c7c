//! Tests of the whole: what holds across the crates, and the laws.

mod architecture;
mod backfill;
mod bad_input;
mod browser;
mod cli_convert;
mod cli_dead;
mod cli_docs;
mod cli_dsl;
mod cli_ingest;
mod cli_link;
mod cli_verify;
mod command_line;
mod deploy;
mod hbase;
mod kafka;
mod kill;
mod laws;
mod others_data;
mod owned_store;
mod posted;
mod replay;
mod simulation;
mod support;
mod unlinked;
mod whole;
mod workplace;
