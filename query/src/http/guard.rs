//! What holds for every request: who may be asked, and what every response says.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::problem::{Problem, clip};

/// Header of every response: the id of the process that answers, as in the store's `owner.json`.
///
/// Addresses are used again. Who has read an address from a store that has meanwhile changed hands can so tell that
/// somebody else answers there.
pub const PROCESS_HEADER: &str = "linkloom-process";

/// Serves requests to a name of this machine and refuses others.
///
/// A page on the web can make a browser ask `http://its.name:port/` after pointing that name at 127.0.0.1, and read the
/// answer ("DNS rebinding"). The `Host` header then still says `its.name`.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match foreign_host(request.headers()) {
        None => next.run(request).await,
        Some(host) => {
            let detail = format!(
                "host is {host:?}; allowed are localhost, 127.0.0.1 and [::1], with any port: the API has no \
                 authentication and only answers its own machine"
            );
            Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(PROCESS_HEADER), HeaderValue::from(std::process::id()));
    // Answers are about now and hold business data: nobody between keeps a copy, and who has one asks whether it still
    // holds. Nobody takes them for anything else.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
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
}
