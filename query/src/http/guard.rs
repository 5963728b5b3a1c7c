//! What holds for every request: who may ask, and what every response says.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use xxhash_rust::xxh3::xxh3_128;

use super::path;
use super::problem::{Problem, clip};

/// Header of every response: the id of the process that answers, as in the store's `owner.json`.
///
/// Addresses are used again. Who has read an address from a store that has meanwhile changed hands can so tell that
/// somebody else answers there.
pub const PROCESS_HEADER: &str = "linkloom-process";

/// Who may ask.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Tokens one of which a request has to carry; none: only requests to names of this machine are served.
    tokens: Arc<[String]>,
}

impl std::fmt::Debug for Access {
    /// Tokens are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access({} tokens)", self.tokens.len())
    }
}

impl Access {
    /// Requests that carry one of these tokens; with none, requests to names of this machine.
    pub fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        Access { tokens: tokens.into_iter().collect() }
    }

    /// Whether a request has to carry a token.
    pub fn is_by_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whether a request carries a token, and a right one.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else { return false };
        let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let token = token.trim();
        // Hashes are compared, all of them: the time it takes says nothing of a token.
        let hash = xxh3_128(token.as_bytes());
        let known = self.tokens.iter().fold(false, |known, right| {
            known | (xxh3_128(right.as_bytes()) == hash && right.len() == token.len() && right == token)
        });
        scheme.eq_ignore_ascii_case("bearer") && known
    }

    /// Why a request is not served.
    fn refuses(&self, request: &Request) -> Option<Problem> {
        let headers = request.headers();
        if self.is_by_token() {
            if needs_token(request.uri().path()) && !self.admits(headers) {
                let detail = "a token is needed: Authorization: Bearer TOKEN, one of api.token_file";
                return Some(Problem::new(StatusCode::UNAUTHORIZED, detail));
            }
        } else if let Some(host) = foreign_host(headers) {
            let detail = format!(
                "host is {host:?}; allowed are localhost, 127.0.0.1 and [::1], with any port: without tokens \
                 (api.token_file) the API only answers its own machine"
            );
            return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if changes && let Some(origin) = foreign_origin(headers) {
            let detail = format!("origin is {origin:?}; only pages of this server may change anything");
            return Some(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        None
    }
}

/// The page itself holds no data, and whoever watches the process needs no business data.
fn needs_token(path: &str) -> bool {
    path.starts_with("/api/") || path == path::METRICS
}

/// Serves requests that may be, and refuses others.
///
/// Without tokens only requests to a name of this machine are served. A page on the web can make a browser ask
/// `http://its.name:port/` after pointing that name at 127.0.0.1, and read the answer ("DNS rebinding"). The `Host` header
/// then still says `its.name`. And it can make a browser send what it cannot read the answer of; then `Origin` says so.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let mut response = match access.refuses(&request) {
        None => next.run(request).await,
        Some(problem) => {
            let status = problem.status;
            let mut response = problem.into_response();
            if status == StatusCode::UNAUTHORIZED.as_u16() {
                let scheme = HeaderValue::from_static("Bearer realm=\"linkloom\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(PROCESS_HEADER), HeaderValue::from(std::process::id()));
    // Answers are about now and hold business data: nobody between keeps a copy, and who has one asks whether it still
    // holds. Nobody takes them for anything else, shows them in a frame, or is told where they came from.
    for (name, value) in [
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A host that is not this machine. A request without one (HTTP/1.0, or no socket at all) does not come from a browser.
fn foreign_host(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?;
    let text = String::from_utf8_lossy(host.as_bytes());
    let own = hosts.next().is_none() && text.parse::<Authority>().is_ok_and(|host| is_own(host.host()));
    (!own).then(|| clip(&text))
}

/// The origin of a page that came from another server. A request without one does not come from a page.
fn foreign_origin(headers: &HeaderMap) -> Option<String> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = String::from_utf8_lossy(origins.next()?.as_bytes());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let of = origin.split_once("://").map(|(_, authority)| authority);
    let own = origins.next().is_none() && of.is_some() && of == host;
    (!own).then(|| clip(&origin))
}

fn is_own(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"] {
            assert!(is_own(own), "{own}");
        }
        for foreign in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"]
        {
            assert!(!is_own(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_token_is_one_of_those_that_are_known() {
        let access = Access::new(["first token".to_owned(), "second".to_owned()]);
        let admits = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            access.admits(&headers)
        };
        for good in ["Bearer second", "bearer  second ", "BEARER first token"] {
            assert!(admits(&[good]), "{good}");
        }
        for bad in
            ["second", "Basic second", "Bearer", "Bearer ", "Bearer third", "Bearer secondx", "Bearer Second"]
        {
            assert!(!admits(&[bad]), "{bad}");
        }
        assert!(!admits(&[]) && !admits(&["Bearer second", "Bearer second"]));
        assert_eq!(format!("{access:?}"), "Access(2 tokens)");
    }
}
