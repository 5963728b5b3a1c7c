//! Linkloom: configuration, wiring and command line; the one place that knows all parts.

pub mod workload;
