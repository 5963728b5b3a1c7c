//! The static page, and who may ask.

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use linkloom_query::http::{Access, LateOwner, Live, Page, Settings, router};

use crate::world::{Reply, SCRIPT, api, ask, get, page, process, put_api, reader};

#[test]
fn every_path_of_the_page_is_its_index() {
    let api = api();
    for path in ["/", "/index.html", "/execution?b=x&s=y&e=z", "/scenes", "/a/b/c.d", "/..%2f"] {
        let reply = get(&api, path);
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(
            (reply.header("cache-control"), reply.body.contains("Linkloom")),
            ("no-cache", true),
            "{path}"
        );
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'self'"),
            "{policy}"
        );
    }
    let script = get(&api, "/assets/main-1a2b.js");
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(script.body.as_bytes(), SCRIPT);
    assert_eq!(get(&api, "/assets/main-other.js").status, 404, "the index is no script");
    assert_eq!(get(&api, "/api/v1/nothing").status, 404);
    assert_eq!(
        get(&api, "/api/v1/nothing").header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'"
    );
    let post = Request::post("/scenes").body(Body::empty()).expect("a request");
    assert_eq!(ask(&api, post).status, 405);
}

#[test]
fn a_file_is_compressed_once_and_not_sent_again() {
    let api = api();
    let ask_with = |name: &str, value: &str| {
        let request = Request::builder().method(Method::HEAD).uri("/assets/main-1a2b.js").header(name, value);
        ask(&api, request.body(Body::empty()).expect("a request"))
    };
    for coding in ["gzip", "zstd", "gzip"] {
        let reply = ask_with("accept-encoding", coding);
        assert_eq!(reply.header("content-encoding"), coding);
        let length: usize = reply.header("content-length").parse().expect("a number");
        assert!(length < 100, "{length}");
    }
    let tag = ask_with("accept-encoding", "gzip").header("etag").to_owned();
    let known = ask_with("if-none-match", &tag);
    assert_eq!((known.status.as_u16(), known.header("content-encoding")), (304, "-"));
}

#[test]
fn without_a_page_it_is_said_how_to_get_one() {
    let page = Page::new(&[], "'none'").expect("a good policy");
    let api = router(reader(), LateOwner::default(), Live::new(1), page, Settings::default(), process());
    let reply = get(&api, "/scenes");
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(reply.body.contains("npm --prefix web"), "{}", reply.body);
    assert!(Page::new(&[], "a\nb").is_err());
}

fn by_token() -> Router {
    let access = Access::new(["0123456789abcdef".to_owned()]);
    let settings = Settings { access, ..Settings::default() };
    router(reader(), LateOwner::default(), Live::new(1), page(), settings, process())
}

fn with(api: &Router, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(api, request.body(Body::empty()).expect("a request"))
}

#[test]
fn where_tokens_are_set_data_needs_one_and_any_host_may_ask() {
    let api = by_token();
    let right = ("authorization", "Bearer 0123456789abcdef");
    let host = ("host", "linkloom.example:7070");
    for path in [
        "/api/v1/scenes",
        "/api/v1/business/content-42/live",
        "/api/v1/openapi.json",
        "/metrics",
        "/api/nothing",
    ] {
        for headers in [&[host][..], &[host, ("authorization", "Bearer 0123456789abcdeg")]] {
            let reply = with(&api, path, headers);
            assert_eq!(
                (reply.status.as_u16(), reply.header("www-authenticate")),
                (401, "Bearer realm=\"linkloom\""),
                "{path}"
            );
            assert!(!reply.body.contains("0123"), "{}", reply.body);
        }
    }
    assert_eq!(with(&api, "/api/v1/scenes", &[host, right]).status, 200);
    assert_eq!(with(&api, "/metrics", &[host, right]).status, 200);
    for open in ["/", "/assets/main-1a2b.js", "/healthz", "/readyz"] {
        assert_eq!(with(&api, open, &[host]).status, 200, "{open}");
    }
}

#[test]
fn a_page_elsewhere_cannot_change_anything() {
    let api = put_api();
    let post = |origin: Option<&str>| {
        let mut request = Request::post("/api/v1/reports").header("host", "127.0.0.1:7070");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        ask(&api, request.body(Body::from("{}")).expect("a request")).status.as_u16()
    };
    assert_eq!(post(None), 200);
    assert_eq!(post(Some("http://127.0.0.1:7070")), 200);
    for foreign in ["https://evil.example", "http://127.0.0.1:7071", "null", "127.0.0.1:7070"] {
        assert_eq!(post(Some(foreign)), 403, "{foreign}");
    }
}
