//! The files of the page as they were built into this binary; none when it was built without `web/dist`.

use linkloom_query::http::PageFile;

/// All of them.
pub const FILES: &[PageFile] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));
