//! The static page: files that were built into the binary, and `index.html` for every other path of the page.

use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::problem::{Problem, clip};
use super::representation::{Coding, Wants, coded, tag};

/// The file every path of the page is answered with.
const INDEX: &str = "index.html";
/// Files below it have a hash of their content in their names.
const HASHED: &str = "assets/";
/// What is answered where there is no page.
const WITHOUT: &str = include_str!("without_page.html");

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct PageFile {
    /// Its path below the root, without a slash before it.
    pub path: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

/// The page.
pub struct Page {
    files: Vec<Served>,
    policy: HeaderValue,
}

/// A file with the codings it was asked for in.
struct Served {
    file: PageFile,
    tag: String,
    coded: [OnceLock<(Coding, Bytes)>; 3],
}

impl Served {
    /// The file in a coding, which is made once.
    fn bytes(&self, coding: Coding) -> (Coding, Bytes) {
        let plain = || (Coding::Identity, Bytes::from_static(self.file.bytes));
        let made = self.coded[coding as usize].get_or_init(|| match coding {
            Coding::Gzip | Coding::Zstd if is_text(self.file.path) => {
                let (coding, bytes) = coding.encode(self.file.bytes.to_vec());
                (coding, Bytes::from(bytes))
            }
            _ => plain(),
        });
        made.clone()
    }
}

impl Page {
    /// A page of these files, empty when it was not built. `frame_ancestors`: the sources that may show it in a frame, as
    /// a Content-Security-Policy has them.
    ///
    /// Errors: `frame_ancestors` cannot stand in a header.
    pub fn new(files: &[PageFile], frame_ancestors: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors {frame_ancestors}"
        );
        let files =
            files.iter().map(|file| Served { file: *file, tag: tag(file.bytes), coded: Default::default() });
        Ok(Page { files: files.collect(), policy: HeaderValue::try_from(policy)? })
    }

    /// The answer for a path: its file, else `index.html`.
    pub(super) fn respond(&self, wants: &Wants, path: &str) -> Result<Response, Problem> {
        let path = path.trim_start_matches('/');
        let find = |path: &str| self.files.iter().find(|served| served.file.path == path);
        let found = find(path).filter(|_| !path.is_empty());
        if found.is_none() && path.starts_with(HASHED) {
            // A page of another build asks: the index would only be taken for a script.
            return Err(Problem::not_found(format!("there is nothing at /{}", clip(path))));
        }
        let Some(served) = found.or_else(|| find(INDEX)) else {
            let mut response = wants.respond("text/html; charset=utf-8", WITHOUT.as_bytes().to_vec());
            self.secure(&mut response, false);
            return Ok(response);
        };
        let file = &served.file;
        let mut response = wants.tagged(&served.tag, || {
            let (coding, bytes) = served.bytes(wants.coding);
            coded(media_type(file.path), coding, Body::from(bytes))
        });
        self.secure(&mut response, file.path.starts_with(HASHED));
        Ok(response)
    }

    fn secure(&self, response: &mut Response, is_hashed: bool) {
        let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
    }
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn is_text(path: &str) -> bool {
    !matches!(extension(path), "png" | "jpg" | "webp" | "woff2" | "ico")
}

fn media_type(path: &str) -> &'static str {
    match extension(path) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A path of the API or of what watches the process: never one of the page.
pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Nothing but what is read is a page.
pub(super) fn not_of_the_page(method: &http::Method, path: &str) -> Problem {
    let what = format!("{} at {}; allowed is GET, HEAD", clip(method.as_str()), clip(path));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, what)
}
