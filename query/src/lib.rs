//! Reading executions back: store, tree, panorama, answer; and the HTTP API that serves the answers.

mod definition;
pub mod figures;
mod filter;
pub mod http;
pub mod json;
pub mod log_page;
pub mod pulse;
mod reader;
mod resolve;
mod scene;
mod unlinked;

pub use definition::{DefinitionAnswer, VersionEntry};
pub use filter::{ListQuery, Went};
pub use reader::{LogsQuery, QueryError, Reader};
pub use resolve::{Match, ResolveAnswer, SEARCHED, Searched, SeenAs};
pub use scene::{SceneEntry, ScenesAnswer};
pub use unlinked::{Unlinked, UnlinkedAnswer, UnlinkedEntry, UnlinkedReport, UnlinkedReportsAnswer};
