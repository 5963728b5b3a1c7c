//! Integration tests of the reporter.

mod conformance;
mod context;
mod hostile;
mod layer;
mod node;
mod process;
mod receiver;
mod relay;
mod support;
mod ways;
