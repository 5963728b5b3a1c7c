//! Linkloom: configuration, wiring and command line; the one place that knows all parts.

pub mod api;
pub mod cli;
pub mod config;
pub mod definition_files;
pub mod metrics;
pub mod pipeline;
pub mod published;
pub mod service;
pub mod terminal;
pub mod workload;
