//! Reading through whoever owns the store: the same bytes, and owners that come and go.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use linkloom_ingest::source::{Input, InputOptions, Inputs};
use linkloom_query::{ListQuery, LogsQuery};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::embedded::EmbeddedStore;

use super::{ReadError, ReadSource};
use crate::api::{ApiServer, LateOwner, Process};
use crate::config::Config;
use crate::pipeline::FeedFigures;
use crate::service::{AnyStore, OpenStore, Service, open_embedded, resume_points};

const REPORTS: &str = r#"{"businessId":"b/1","sceneId":"s 1","executionId":"e1","nodeName":"a","status":"RUNNING","time":"2026-11-21T10:00:00Z","input":{"x": 1}}
{"businessId":"b/1","sceneId":"s 1","executionId":"e1","nodeName":"a","level":"ERROR","time":"2026-11-21T10:00:01Z","message":"ü \u001b[31m","data":[1, 2]}
{"businessId":"b/1","sceneId":"s 1","executionId":"e1","nodeName":"a","status":"FAILED","time":"2026-11-21T10:00:02Z","exception":{"type":"T"}}
{"businessId":"b/1","sceneId":"s 1","executionId":"e2","nodeName":"a","status":"RUNNING","time":"2026-11-21T10:00:03Z"}
"#;
const AS_OF: Timestamp = Timestamp(1_795_255_300_000_000);

/// A folder with a store that holds the reports above.
fn stored(config: &Config) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reports.ndjson");
    std::fs::write(&file, REPORTS).expect("written");
    let store = Arc::new(own(&path(&folder), config));
    let open = OpenStore::new(store, config).expect("a definition log");
    let service = Service::start(open, config, None).expect("a service");
    let points = Box::new(resume_points(service.open().store.clone()));
    let inputs = [Input::from_argument(file.to_str().expect("UTF-8"))];
    let mut source = Inputs::new(inputs, InputOptions::default(), points);
    let figures = FeedFigures::default();
    service.feed(&mut source, &figures, &AtomicBool::new(false)).expect("fed");
    service.drain();
    assert_eq!(figures.stored.load(Ordering::Relaxed), 4);
    folder
}

fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("store")
}

fn own(path: &Path, config: &Config) -> EmbeddedStore {
    open_embedded(path, config).expect("a store nobody owns")
}

fn mark() -> LinkMark {
    LinkMark::new("b/1", "s 1", "e1").expect("a mark")
}

fn is_remote(source: &ReadSource<'_>) -> bool {
    matches!(&*source.way.borrow(), Some(super::Way::Remote(_)))
}

/// All answers: their text, and their text after it was made from what was read of them.
#[expect(clippy::redundant_closure, reason = "a function is not general enough over what an answer borrows")]
fn answers(source: &ReadSource<'_>) -> Vec<(String, String)> {
    let list = ListQuery { limit: 1, ..ListQuery::default() };
    let logs = LogsQuery { limit: 10, level: Some("error".to_owned()), ..LogsQuery::default() };
    let mark = mark();
    let unknown = LinkMark::new("b/1", "s 1", "e9").expect("a mark");
    fn both<A: super::Answer>(found: super::Answered<'_, A>) -> (String, String) {
        (found.json().into_owned(), super::json::text(found.answer))
    }
    assert!(source.show(&unknown, AS_OF, |_| ()).expect("asked").is_none());
    assert!(source.node(&mark, "z", None, &logs, AS_OF, |_| ()).expect("asked").is_none());
    assert!(source.logs(&unknown, &logs, |_| ()).expect("asked").is_none());
    vec![
        source.list("b/1", &list, AS_OF, both).expect("a list"),
        source.list("nobody", &list, AS_OF, both).expect("a list"),
        source.show(&mark, AS_OF, |found| both(found)).expect("asked").expect("an execution"),
        source
            .node(&mark, "a", Some("#1"), &logs, AS_OF, |found| both(found))
            .expect("asked")
            .expect("a node"),
        source.logs(&mark, &logs, |found| both(found)).expect("asked").expect("logs"),
    ]
}

#[test]
fn the_same_bytes_whoever_owns_the_store() {
    let config = Config::default();
    let folder = stored(&config);
    let source = ReadSource::open(&path(&folder), &config).expect("a store");
    let local = answers(&source);
    assert!(!is_remote(&source));
    drop(source);
    assert!(local[2].0.contains(r#""status":"failed""#), "{}", local[2].0);
    assert!(!local[0].0.contains(r#""nextCursor":null"#), "there is a second page: {}", local[0].0);

    let store = Arc::new(own(&path(&folder), &config));
    let reader = OpenStore::new(store.clone(), &config).expect("a definition log").reader();
    let api = ApiServer::of_store(
        &AnyStore::Embedded(store.clone()),
        reader,
        LateOwner::default(),
        &config,
        Process::new(String::new),
    )
    .expect("an API");
    let source = ReadSource::open(&path(&folder), &config).expect("a store");
    let remote = answers(&source);
    assert!(is_remote(&source));
    for (local, remote) in local.iter().zip(&remote) {
        assert_eq!(local, remote);
        assert_eq!(remote.0, remote.1, "what was read of an answer is all of it");
    }

    // The owner ends: the same source goes on by itself.
    drop(api);
    assert_eq!(Arc::strong_count(&store), 1, "the API has let go of the store");
    drop(store);
    assert_eq!(answers(&source), local);
    assert!(!is_remote(&source));
}

#[test]
fn what_is_wrong_with_a_question_is_said_alike() {
    let config = Config::default();
    let folder = stored(&config);
    let bad = ListQuery { limit: 1, cursor: Some("abc".to_owned()), ..ListQuery::default() };
    let ask = || {
        let source = ReadSource::open(&path(&folder), &config).expect("a store");
        source.list("b/1", &bad, AS_OF, |_| ()).expect_err("a bad cursor").to_string()
    };
    let local = ask();
    let store = Arc::new(own(&path(&folder), &config));
    let reader = OpenStore::new(store.clone(), &config).expect("a definition log").reader();
    let _api = ApiServer::of_store(
        &AnyStore::Embedded(store.clone()),
        reader,
        LateOwner::default(),
        &config,
        Process::new(String::new),
    )
    .expect("an API");
    let remote = ask();
    for text in [local, remote] {
        assert!(
            text.contains(r#""abc""#) && text.contains("allowed is the nextCursor of an answer"),
            "{text}"
        );
    }
}

/// Answers every connection in its way until the store is given up, which happens after the second.
fn while_somebody_else_answers(reply: &'static str) {
    let config = Config::default();
    let folder = stored(&config);
    let store = own(&path(&folder), &config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    store.set_api(&listener.local_addr().expect("an address").to_string()).expect("said");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = Some(store);
            let mut asked = 0;
            for stream in listener.incoming() {
                if over.load(Ordering::Acquire) {
                    break;
                }
                let mut stream = stream.expect("a connection");
                asked += 1;
                if !reply.is_empty() {
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(reply.as_bytes());
                }
                if asked == 2 {
                    drop(store.take());
                }
            }
            assert!(asked >= 2, "it was asked again");
        });
        let source = ReadSource::open(&path(&folder), &config).expect("a store");
        assert!(is_remote(&source));
        let status = source.show(&mark(), AS_OF, |found| found.answer.status.as_str()).expect("an answer");
        assert_eq!(status, Some("failed"));
        assert!(!is_remote(&source));
        over.store(true, Ordering::Release);
        // Wakes the other side up.
        let _ = std::net::TcpStream::connect(listener.local_addr().expect("an address"));
    });
}

#[test]
fn an_owner_that_goes_while_it_is_asked_is_no_error() {
    while_somebody_else_answers("");
}

#[test]
fn the_answer_of_another_process_at_the_address_is_none() {
    while_somebody_else_answers(
        "HTTP/1.1 200 OK\r\nlinkloom-process: 0\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{}",
    );
}

#[test]
fn an_owner_that_does_not_answer_is_named() {
    let config = Config::default();
    let folder = stored(&config);
    let store = own(&path(&folder), &config);
    let pid = std::process::id();
    let find = || {
        let source = ReadSource::new(&path(&folder), &config).until(Instant::now());
        source.show(&mark(), AS_OF, |_| ()).expect_err("nobody answers")
    };
    let error = find();
    assert!(matches!(error, ReadError::NoApi { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&format!("is owned by process {pid}, which serves no API")),
        "{error}"
    );

    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let nobody = listener.local_addr().expect("an address").to_string();
    drop(listener);
    store.set_api(&nobody).expect("said");
    let error = find();
    assert!(matches!(error, ReadError::Silent { .. }), "{error:?}");
    let want = format!("is owned by process {pid}, whose API at {nobody} does not answer: ");
    assert!(error.to_string().contains(&want), "{error}");
}

#[test]
fn reading_makes_no_store() {
    let config = Config::default();
    let folder = tempfile::tempdir().expect("a folder");
    for place in [folder.path().join("none"), folder.path().to_owned()] {
        let error = ReadSource::open(&place, &config).err().expect("no store");
        assert_eq!(
            error.to_string(),
            format!("there is no store at {}; `linkloom ingest` makes one", place.display())
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}
