//! What an application links in to report to Linkloom: business logs, nodes, and the link mark that says which execution they belong to.
//!
//! ```
//! use linkloom_reporter::{LinkMark, Reporter, node};
//!
//! // Once, in `main`: where reports go. `LINKLOOM_SERVICE` and `LINKLOOM_OUT` may say so, too.
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("reports.ndjson");
//! let reporting = Reporter::builder()
//!     .service("content-api")
//!     .file(linkloom_reporter::RollingFile::new(&path))
//!     .install();
//!
//! // Where an execution begins: what it is about, which link, which run.
//! let _mark = LinkMark::new("content-42", "realtime-input", "5f2c").enter();
//!
//! // Steps of it, and what is logged within.
//! let run = node("picProcess").start(&["a.png"]).entered();
//! linkloom_reporter::log(linkloom_reporter::Level::Info, "one picture").send();
//! run.complete("ok");
//!
//! drop(reporting); // the end of `main`: what is in memory is written
//! assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
//! ```
//!
//! - **Business logs**: the macros of `tracing` through [`layer()`], those of `log` through [`init_log`], or [`log()`].
//! - **Nodes**: [`#[trace_node]`](macro@trace_node) on a function, or [`node()`].
//! - **The mark** belongs to a thread ([`LinkMark::enter`]) or a future ([`FutureExt::with_mark`]); [`carry`] takes it to other threads,
//!   [`inject`] and [`extract`] to other processes.
//! - **Ways out**: a rolling file, stdout, HTTP with a spool on disk; see [`Builder`].
//! - **Personal data** is masked before anything leaves the process: [`MaskRule`].
//!
//! The application never waits for reports, and nothing here panics or returns an error for what could not be reported: that is counted
//! ([`Reporter::stats`]), reported itself, and warned of on stderr once for each cause.
//!
//! What a line looks like is in `docs/report-format.md`, what all toolkits have in common in `docs/reporters.md`.

mod baggage;
mod context;
mod exception;
mod json;
#[cfg(feature = "tracing")]
mod layer;
mod level;
mod line;
mod log;
mod mark;
mod mask;
mod node;
mod out;
mod payload;
mod payload_key;
mod queue;
mod reporter;
mod settings;
mod stats;
#[cfg(feature = "tokio")]
pub mod task;
mod time;
mod warn;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use baggage::{
    BAGGAGE, Headers, HeadersMut, TRACEPARENT, baggage, extract, inject, inject_context, parse_baggage,
    parse_traceparent,
};
pub use context::{Context, ContextGuard, FutureExt, InContext, carry, carry_map};
pub use exception::Exception;
#[cfg(feature = "tracing")]
pub use layer::{ReporterLayer, layer};
pub use level::Level;
#[cfg(feature = "macros")]
pub use linkloom_reporter_macros::trace_node;
pub use log::{Log, log};
pub use mark::{ID_BYTES_MAX, LinkMark, NAME_BYTES_MAX};
pub use mask::{BadPattern, MASKED, MaskRule};
pub use node::{EnteredNode, Node, NodeRun, node};
pub use out::Captured;
pub use out::file::RollingFile;
pub use reporter::{Reporter, Running};
pub use settings::Builder;
pub use stats::{Dropped, Stats};

/// Makes events of the `log` macros events of `tracing`, and so business logs through [`layer()`]. Returns whether it did: another logger
/// may be there already.
#[cfg(feature = "log")]
pub fn init_log() -> bool {
    tracing_log::LogTracer::init().is_ok()
}

/// The examples of the documents are tested.
#[cfg(all(doctest, feature = "log", feature = "http", feature = "tokio"))]
mod documents {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/reporters.md")]
    mod reporters {}
}
