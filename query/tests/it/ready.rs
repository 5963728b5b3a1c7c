//! Whether the process is of use, and what it says while it is not.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use expect_test::expect;
use http::{Request, StatusCode};
use linkloom_query::Reader;
use linkloom_query::http::{LateOwner, LateReader, Live, Settings, router};
use linkloom_schema::idle::IdleTimes;
use linkloom_storage::definitions::Definitions;
use linkloom_storage::memory::{Call, MemoryStore};
use linkloom_storage::store::Store;

use crate::world::{api, api_of, get, page, process, reply, stored};

const EXECUTION: &str = "/api/v1/business/content-42/scenes/intake/executions/e1";

#[test]
fn it_is_ready_while_its_store_answers() {
    let reply = get(&api(), "/readyz");
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "ready\n"));
    let (memory, reader) = stored();
    let api = api_of(reader);
    memory.fail_reads(1);
    let reply = get(&api, "/readyz");
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    expect![[r#"
        get on memory: injected: the read failed
    "#]]
    .assert_eq(&reply.body);
    assert_eq!(get(&api, "/readyz").status, StatusCode::OK, "it answers again");
}

#[test]
fn what_is_missing_beside_the_store_is_named() {
    let missing = Arc::new(Mutex::new(vec!["partitions".to_owned(), "two\nlines".to_owned()]));
    let lacks = missing.clone();
    let process = process().that_lacks(move || lacks.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let (memory, reader) = stored();
    let api = router(reader, LateOwner::default(), Live::new(4), page(), Settings::default(), process);
    memory.fail_reads(1);
    let reply = get(&api, "/readyz");
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.body, "get on memory: injected: the read failed\npartitions\ntwo lines\n");
    missing.lock().expect("not poisoned").clear();
    assert_eq!(get(&api, "/readyz").status, StatusCode::OK);
}

#[test]
fn until_there_is_a_reader_questions_are_answered_with_what_to_look_at() {
    let late = LateReader::default();
    let api = api_of(late.clone());
    assert_eq!(get(&api, "/healthz").status, StatusCode::OK);
    assert_eq!(get(&api, "/readyz").body, "the store was not opened yet\n");
    let reply = get(&api, EXECUTION);
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    expect![[r#"
        {"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the store has not answered yet; /readyz says what is missing"}
    "#]]
    .assert_eq(&reply.body);
    late.put(stored().1);
    assert_eq!(get(&api, "/readyz").status, StatusCode::OK);
    assert_eq!(get(&api, EXECUTION).status, StatusCode::OK);
}

#[test]
fn a_store_that_hangs_is_not_waited_for() {
    let hangs = Arc::new(Mutex::new(()));
    let waited_for = hangs.clone();
    // Reads wait for as long as somebody holds the lock.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::watched("a store that hangs", move |call| {
        if matches!(call, Call::Read) {
            drop(waited_for.lock());
        }
        Ok(())
    }));
    let definitions = Arc::new(Definitions::load(store.clone()).expect("loaded"));
    let api = api_of(Reader::new(store, definitions, Arc::new(IdleTimes::default())));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    let ask = || {
        let request = Request::get("/readyz").body(Body::empty()).expect("a request");
        runtime.block_on(reply(&api, request))
    };
    let guard = hangs.lock().expect("not poisoned");
    // The second one does not even come to look.
    for _ in 0..2 {
        let reply = ask();
        assert_eq!(reply.body, "a store that hangs: no answer within 2 s\n");
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    drop(guard);
    assert_eq!(ask().status, StatusCode::OK, "it answers again");
}
