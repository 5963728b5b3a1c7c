//! Linkloom: configuration, wiring and command line; the one place that knows all parts.

pub mod api;
pub mod backfill;
pub mod bench;
pub mod cli;
pub mod config;
pub mod consume;
pub mod definition_files;
pub mod expiry;
pub mod figures;
pub mod metrics;
pub mod owner;
pub mod page;
pub mod pipeline;
pub mod refresh;
pub mod relay;
pub mod replay;
pub mod service;
mod similar;
pub mod terminal;
pub mod tokens;
pub mod verify;
pub mod workload;
