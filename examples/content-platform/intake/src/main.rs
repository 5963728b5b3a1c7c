//! The content API of the example platform: takes contents in, has them audited, and publishes them, takes them down or has people look.
//!
//! What matters here is how little of it is about reporting: `#[trace_node]` on the steps, [`linkloom_reporter::node`] where a step is no
//! function, the mark entered once a request (`server`), and injected once a call (`pictures`, `tasks`).

mod audits;
mod content;
mod flow;
mod pictures;
mod server;
mod settings;
mod store;
mod tasks;
mod trace;

use std::process::ExitCode;

use linkloom_reporter::{MaskRule, Reporter, RollingFile};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use settings::Settings;

fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("content-api: {wrong}");
            return ExitCode::from(2);
        }
    };
    // `LINKLOOM_OUT=relay:http://…` sends the reports instead.
    let reporting = Reporter::builder()
        .service("content-api")
        .file(RollingFile::new("reports/content-api.ndjson"))
        .mask(MaskRule::email())
        .install();
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .with(linkloom_reporter::layer())
        // What this program says, not what its libraries do.
        .with(Targets::new().with_target("content_platform_intake", LevelFilter::DEBUG))
        .init();
    let served = tokio::runtime::Runtime::new().and_then(|runtime| runtime.block_on(server::serve(settings)));
    drop(reporting); // what is in memory is written
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("content-api: {error}");
            ExitCode::from(2)
        }
    }
}
