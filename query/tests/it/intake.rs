//! Reports that are posted, refused ones, and ones without a mark.

use axum::body::Body;
use expect_test::{Expect, expect};
use http::Request;

use crate::world::{Reply, api, ask, get, put_api};

fn post(path: &str, coding: &str, body: Vec<u8>) -> Reply {
    let request = Request::post(path).header("content-encoding", coding).body(Body::from(body));
    ask(&put_api(), request.expect("a request"))
}

#[track_caller]
fn check(reply: &Reply, want: Expect) {
    want.assert_eq(&format!(
        "{} retry-after: {}\n{}",
        reply.status.as_u16(),
        reply.header("retry-after"),
        reply.body
    ));
}

#[test]
fn posted_reports_are_answered_when_they_are_stored() {
    let reports = |body: &str| post("/api/v1/reports", "identity", body.as_bytes().to_vec());
    check(
        &reports("{}"),
        expect![[r#"
        200 retry-after: -
        {"accepted":1,"refused":[{"line":2,"reason":"malformed","detail":"no JSON"}],"refusedMore":0}
    "#]],
    );
    check(
        &reports("full"),
        expect![[r#"
        429 retry-after: 1
        {"type":"about:blank","title":"Too Many Requests","status":429,"detail":"as many bytes wait to be stored as may (api.reports_bytes_max); send it again"}
    "#]],
    );
    check(
        &reports("closed"),
        expect![[r#"
        503 retry-after: 1
        {"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the process is going down; send it again"}
    "#]],
    );
    check(
        &reports("lost"),
        expect![[r#"
        503 retry-after: 1
        {"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the process ended before the reports were stored; send them again"}
    "#]],
    );
    check(
        &reports("never"),
        expect![[r#"
        501 retry-after: -
        {"type":"about:blank","title":"Not Implemented","status":501,"detail":"not here"}
    "#]],
    );
    check(
        &reports(&"x".repeat((16 << 20) + 1)),
        expect![[r#"
        413 retry-after: -
        {"type":"about:blank","title":"Payload Too Large","status":413,"detail":"the body is longer than 16777216 bytes; send it in several requests"}
    "#]],
    );
}

#[test]
fn a_body_may_be_compressed() {
    let lines = b"full";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, lines).expect("written");
    let gzip = gzip.finish().expect("written");
    assert_eq!(post("/api/v1/reports", "gzip", gzip.clone()).status, 429, "what is in it is full");
    let zstd = zstd::bulk::compress(lines, 1).expect("compressed");
    assert_eq!(post("/api/v1/reports", "zstd", zstd).status, 429);
    assert_eq!(post("/api/v1/reports", "zstd", gzip).status, 400);
    assert_eq!(post("/api/v1/reports", "br", lines.to_vec()).status, 415);
    let bomb = zstd::bulk::compress(&vec![b'x'; 64 << 20], 1).expect("compressed");
    assert!(bomb.len() < 100_000);
    assert_eq!(post("/api/v1/reports", "zstd", bomb).status, 413);
}

#[test]
fn dead_letters_are_replayed_one_by_one() {
    let replay = |id: &str| post(&format!("/api/v1/dead/{id}/replay"), "identity", Vec::new());
    check(
        &replay("replayed"),
        expect![[r#"
        200 retry-after: -
        {"id":"replayed","outcome":"replayed","reason":null,"detail":null}
    "#]],
    );
    check(
        &replay("a%7C00000%7C7%23x"),
        expect![[r#"
        200 retry-after: -
        {"id":"a|00000|7#x","outcome":"refused","reason":"mark","detail":"no"}
    "#]],
    );
    check(
        &replay("other"),
        expect![[r#"
        404 retry-after: -
        {"type":"about:blank","title":"Not Found","status":404,"detail":"there is no dead letter \"other\""}
    "#]],
    );
}

#[test]
fn unlinked_reports_are_listed_or_shown() {
    let api = api();
    assert_eq!(get(&api, "/api/v1/unlinked").body, "{\"unlinked\":[],\"nextCursor\":null}\n");
    assert_eq!(get(&api, "/api/v1/unlinked?trace=t").body, "{\"reports\":[],\"nextCursor\":null}\n");
    assert_eq!(get(&api, "/api/v1/unlinked?trace=t&service=s").status, 400);
    assert_eq!(get(&api, "/api/v1/unlinked?level=ERROR").status, 400);
    assert_eq!(get(&api, "/api/v1/dead").status, 503, "this process only reads");
}
