//! An answer on its way: its validator, and how its bytes are coded for who asks.

use std::io::Write;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use xxhash_rust::xxh3::xxh3_128;

/// Shorter answers are not worth compressing.
const COMPRESSED_BYTES_MIN: usize = 1_024;
/// Fast levels: answers are made for one reader.
const GZIP_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 1;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// Its name in headers; none for plain bytes.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Zstd => Some("zstd"),
        }
    }

    /// Bytes in this coding, and which they came to be in.
    pub(super) fn encode(self, bytes: Vec<u8>) -> (Coding, Vec<u8>) {
        let coded = match self {
            Coding::Identity => None,
            _ if bytes.len() < COMPRESSED_BYTES_MIN => None,
            Coding::Gzip => {
                let room = Vec::with_capacity(bytes.len() / 4);
                let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::new(GZIP_LEVEL));
                encoder.write_all(&bytes).and_then(|()| encoder.finish()).ok()
            }
            Coding::Zstd => zstd::bulk::compress(&bytes, ZSTD_LEVEL).ok(),
        };
        // Writing into memory does not fail.
        coded.map_or((Coding::Identity, bytes), |coded| (self, coded))
    }
}

/// What a request says about the form of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) coding: Coding,
    /// Validators of what the client has.
    if_none_match: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Wants {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Wants::of(&parts.headers))
    }
}

impl Wants {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
        let accepted: Vec<&str> =
            accepted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
        let takes = |coding: &str| {
            accepted.iter().any(|item| {
                let (name, weight) = item.split_once(';').unwrap_or((item, ""));
                let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
                name.trim().eq_ignore_ascii_case(coding) && !refused
            })
        };
        let coding = match () {
            () if takes("zstd") => Coding::Zstd,
            () if takes("gzip") => Coding::Gzip,
            () => Coding::Identity,
        };
        let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let values = values.collect::<Vec<_>>().join(",");
        Wants { coding, if_none_match: (!values.is_empty()).then_some(values) }
    }

    fn has(&self, tag: &str) -> bool {
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        self.if_none_match.as_deref().is_some_and(|values| {
            values.trim() == "*" || values.split(',').any(|value| strong(value) == strong(tag))
        })
    }

    /// The response with these bytes, or 304 when the client has them. It compresses, so not where others wait.
    pub(super) fn respond(&self, content_type: &'static str, bytes: Vec<u8>) -> Response {
        let tag = tag(&bytes);
        self.tagged(&tag, || {
            let (coding, bytes) = self.coding.encode(bytes);
            coded(content_type, coding, Body::from(bytes))
        })
    }

    /// The response that `make` makes, with the tag of its bytes, or 304 when the client has them.
    pub(super) fn tagged(&self, tag: &str, make: impl FnOnce() -> Response) -> Response {
        let mut response = if self.has(tag) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            make()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// The validator of bytes. Weak: the same answer has one tag in all codings.
pub(super) fn tag(bytes: &[u8]) -> String {
    format!("W/\"{:032x}\"", xxh3_128(bytes))
}

/// A response with bytes in a coding.
pub(super) fn coded(content_type: &'static str, coding: Coding, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(name) = coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(pairs: &[(header::HeaderName, &'static str)]) -> Wants {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        Wants::of(&headers)
    }

    #[test]
    fn the_coding_is_one_the_client_takes() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("br, deflate", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, ZSTD", Coding::Zstd),
            ("zstd;q=0, gzip;q=0.5", Coding::Gzip),
            ("zstd;q=0.0", Coding::Identity),
            ("zstdx", Coding::Identity),
        ] {
            assert_eq!(wants(&[(header::ACCEPT_ENCODING, accepted)]).coding, coding, "{accepted}");
        }
        let lines = [(header::ACCEPT_ENCODING, "br"), (header::ACCEPT_ENCODING, "gzip")];
        assert_eq!(wants(&lines).coding, Coding::Gzip);
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let response = wants(&[]).respond("text/plain", b"body".to_vec());
        let tag = response.headers()[header::ETAG].to_str().expect("a text").to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (tag.trim_start_matches("W/").to_owned(), StatusCode::NOT_MODIFIED),
            (format!("\"other\", {tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::try_from(&known).expect("a value"));
            let response = Wants::of(&headers).respond("text/plain", b"body".to_vec());
            assert_eq!(response.status(), status, "{known}");
            assert_eq!(response.headers()[header::ETAG], tag);
        }
    }
}
