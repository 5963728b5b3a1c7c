//! Live updates, read from the body of an answer that does not end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use linkloom_query::Reader;
use linkloom_query::http::{LateOwner, Live, Settings, router};
use linkloom_storage::watch::Changes;
use tower::ServiceExt;

use crate::world::{Store, page, process};

const BUSINESS: &str = "/api/v1/business/content-42/live";
const EXECUTION: &str = "/api/v1/business/content-42/scenes/intake/executions/e2/live";
const CLOSES: &str = r#"{"businessId":"content-42","sceneId":"intake","executionId":"e2","nodeName":"receive","status":"FAILED","time":"2026-11-21T10:05:00Z","service":"api","instance":"a:1"}"#;
const ANOTHER: &str = r#"{"businessId":"content-42","sceneId":"intake","executionId":"e3","nodeName":"receive","status":"RUNNING","time":"2026-11-21T10:06:00Z","service":"api","instance":"a:1"}"#;

struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(api: &Router, path: &str, last: Option<&str>) -> Result<Self, StatusCode> {
        let mut request = Request::get(path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response =
            api.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Stream { body: response.into_body(), text: String::new() })
    }

    /// The next event: its kind, id and data; `None` when the stream has ended.
    async fn event(&mut self) -> Option<[String; 3]> {
        loop {
            while let Some((block, rest)) =
                self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                self.text = rest;
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                if block.starts_with("event:") {
                    return Some([field("event:"), field("id:"), field("data:")]);
                }
            }
            let frame =
                tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.expect("in time")?;
            let data = frame.expect("a frame").into_data().expect("data");
            self.text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
        }
    }
}

fn api_of(reader: Reader, live: &Live) -> Router {
    router(reader, LateOwner::default(), live.clone(), page(), Settings::default(), process())
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(test);
}

#[test]
fn an_execution_is_told_as_it_changes() {
    // Told by the store, and found by looking.
    for told in [true, false] {
        run(async {
            let mut store = Store::new();
            let live = Live::new(4);
            let reader = match told {
                true => store.reader().told_by(store.changes.clone(), false),
                false => store.reader(),
            };
            let api = api_of(reader, &live);
            let mut stream = Stream::open(&api, EXECUTION, None).await.expect("open");
            let [kind, first, data] = stream.event().await.expect("how it stands");
            assert_eq!(kind, "execution");
            assert!(data.contains(r#""executionId":"e2","status":"stalled""#), "{data}");
            store.store(CLOSES);
            let [kind, second, data] = stream.event().await.expect("a change");
            assert_eq!(kind, "execution");
            assert_ne!(first, second);
            assert!(data.contains(r#""status":"failed""#), "{data}");

            // Who has seen it is told nothing; who has seen what was before is.
            let mut stream = Stream::open(&api, EXECUTION, Some(&first)).await.expect("open");
            assert_eq!(stream.event().await.expect("what it missed")[1], second);
            let mut stream = Stream::open(&api, EXECUTION, Some(&second)).await.expect("open");
            store.store(&CLOSES.replace("10:05", "10:07"));
            let [_, third, _] = stream.event().await.expect("the next change");
            assert_ne!(second, third);
        });
    }
}

#[test]
fn a_list_is_told_whole_and_then_what_changes() {
    run(async {
        let mut store = Store::new();
        let live = Live::new(4);
        let api = api_of(store.reader().told_by(store.changes.clone(), false), &live);
        let mut all = Stream::open(&api, BUSINESS, None).await.expect("open");
        let mut stalled =
            Stream::open(&api, "/api/v1/scenes/intake/live?status=stalled", None).await.expect("open");
        let [kind, _, data] = all.event().await.expect("the list");
        assert_eq!((kind.as_str(), data.matches("executionId").count()), ("list", 3));
        let [kind, _, data] = stalled.event().await.expect("the list");
        assert_eq!((kind.as_str(), data.matches("executionId").count()), ("list", 1));

        store.store(ANOTHER);
        for stream in [&mut all, &mut stalled] {
            let [kind, _, data] = stream.event().await.expect("a new one");
            assert_eq!(kind, "execution");
            assert!(data.contains(r#""executionId":"e3","status":"stalled""#), "{data}");
        }
        store.store(CLOSES);
        let [kind, id, data] = all.event().await.expect("a change");
        assert_eq!(kind, "execution");
        assert!(data.contains(r#""executionId":"e2","status":"failed""#), "{data}");
        let [kind, _, data] = stalled.event().await.expect("one that went");
        assert_eq!(kind, "gone");
        assert_eq!(data, r#"{"businessId":"content-42","sceneId":"intake","executionId":"e2"}"#);

        let mut again =
            Stream::open(&api, &format!("{BUSINESS}?lastEventId={id}"), None).await.expect("open");
        store.store(&ANOTHER.replace("e3", "e4"));
        let [kind, _, data] = again.event().await.expect("the list, as it is not the one that was told");
        assert_eq!((kind.as_str(), data.matches("executionId").count()), ("list", 5), "{data}");
    });
}

#[test]
fn live_connections_are_bounded_and_end_with_the_server() {
    run(async {
        let store = Store::new();
        let live = Live::new(1);
        let api = api_of(store.reader().told_by(Arc::new(Changes::default()), false), &live);
        let mut stream = Stream::open(&api, BUSINESS, None).await.expect("open");
        assert_eq!(Stream::open(&api, BUSINESS, None).await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
        stream.event().await.expect("the list");
        live.end();
        assert_eq!(stream.event().await, None);
        drop(stream);
        assert!(Stream::open(&api, BUSINESS, None).await.expect("there is room").event().await.is_none());
    });
}
