//! A store in memory with a few executions in it, and the API over it without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use expect_test::Expect;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use linkloom_assembler::settings::WindowSettings;
use linkloom_assembler::summarise::Summariser;
use linkloom_assembler::{AssemblerSettings, SteppedAssembler};
use linkloom_ingest::decode::{Limits, decode};
use linkloom_query::Reader;
use linkloom_query::http::{
    DeadQuery, Intake, LateOwner, LateReader, Live, NotTaken, Owner, Page, PageFile, Problem, Process,
    RefusedLine, Replay, Settings, Taken, VersionPut, router,
};
use linkloom_schema::definition::{Definition, parse};
use linkloom_schema::idle::IdleTimes;
use linkloom_schema::time::Timestamp;
use linkloom_storage::definitions::Definitions;
use linkloom_storage::flush::{Flush, Sealer};
use linkloom_storage::memory::MemoryStore;
use linkloom_storage::store::{self as storage, StoreError};
use linkloom_storage::watch::{Changes, Watched};
use tower::ServiceExt;

/// An hour after the last report below: what is open by then has stalled.
pub(crate) const LATER: &str = "2026-11-21T11:00:00Z";

const LINK: &str = r#"[
    {"nodeName": "receive", "nodeType": "local"},
    {"nodeName": "check", "nodeType": "rpc"},
    {"nodeName": "publish", "nodeType": "rpc"}
]"#;

const REPORTS: &str = r##"
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"RUNNING","time":"2026-11-21T10:00:00Z","input":{"contentId": 42},"service":"api","instance":"a:1"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"receive","status":"COMPLETED","time":"2026-11-21T10:00:00.002Z","service":"api","instance":"a:1"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"check","status":"RUNNING","time":"2026-11-21T10:00:00.003Z","service":"check","instance":"c:1"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"check","level":"INFO","time":"2026-11-21T10:00:00.004Z","message":"looking at content 42"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"check","level":"ERROR","time":"2026-11-21T10:00:00.005Z","message":"no answer","data":{"tries": 3},"exception":{"type":"Timeout"}}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","nodeName":"check","status":"FAILED","time":"2026-11-21T10:00:00.006Z","service":"check","instance":"c:1"}
{"businessId":"content-42","sceneId":"intake","executionId":"e1","level":"INFO","time":"2026-11-21T10:00:00.007Z","message":"given up"}
{"businessId":"content-42","sceneId":"intake","executionId":"e2","nodeName":"receive","status":"RUNNING","time":"2026-11-21T10:01:00Z","service":"api","instance":"a:1"}
{"businessId":"content-42","sceneId":"retry","executionId":"e1","nodeName":"again","status":"RUNNING","time":"2026-11-21T10:02:00Z","service":"api","instance":"a:1"}
{"businessId":"content-42","sceneId":"retry","executionId":"e1","nodeName":"again","status":"COMPLETED","time":"2026-11-21T10:02:01Z","output":{"ok":true},"service":"api","instance":"a:1"}
{"businessId":"a/b c|ü?%2F","sceneId":"in take/../x","executionId":"#1&2=3+4","nodeName":"no;de %25/","status":"COMPLETED","time":"2026-11-21T10:03:00Z"}
"##;

/// A store that holds the reports above, read under the definition above.
pub(crate) fn reader() -> Reader {
    stored().1
}

/// The same, with the store.
pub(crate) fn stored() -> (Arc<MemoryStore>, Reader) {
    let store = Store::new();
    (store.memory.clone(), store.reader())
}

/// A store that takes reports and sums them up.
pub(crate) struct Store {
    memory: Arc<MemoryStore>,
    store: Arc<dyn storage::Store>,
    definitions: Arc<Definitions>,
    /// Who is told what is written.
    pub(crate) changes: Arc<Changes>,
    assembler: SteppedAssembler,
    now: u64,
}

impl Store {
    /// One that holds the reports above, under the definition above.
    pub(crate) fn new() -> Self {
        let memory = Arc::new(MemoryStore::default());
        let changes = Arc::new(Changes::default());
        let store: Arc<dyn storage::Store> = Arc::new(Watched::new(memory.clone(), changes.clone()));
        let definitions = Arc::new(Definitions::load(store.clone()).expect("an empty log"));
        let summariser = Summariser { definitions: definitions.clone(), idle: Arc::default() };
        let settings = AssemblerSettings {
            shards: 1,
            windows: WindowSettings::default(),
            queue_flushes_max: 1,
            spill: None,
        };
        let assembler =
            SteppedAssembler::start(store.clone(), summariser, &settings, 0).expect("an assembler");
        let mut store = Store { memory, store, definitions, changes, assembler, now: 0 };
        store.define("intake", LINK);
        store.store(REPORTS);
        store
    }

    /// Puts the definition of a scene.
    pub(crate) fn define(&self, scene_id: &str, nodes: &str) {
        let definition = parse("the definition", scene_id, nodes.as_bytes()).expect("a good definition");
        self.definitions.put(vec![definition], None).expect("stored");
    }

    /// Stores reports, one a line, and their summaries.
    pub(crate) fn store(&mut self, lines: &str) {
        let mut flush = Flush::new();
        for line in lines.lines().filter(|line| !line.is_empty()) {
            flush.push(&decode(line.as_bytes(), None, &Limits::default()).expect("a good report"));
        }
        let sealed = Sealer::new(1, 64, 64).expect("a sealer").seal(&flush);
        self.store.write(&sealed.batch).expect("stored");
        let flush = self.assembler.next_flush();
        self.assembler.accept(flush, &sealed.digests, None, self.now).expect("taken over");
        self.now += 10_000;
        self.assembler.step(self.now);
        assert_eq!(self.assembler.flushes_open(), 0, "all summaries are written");
    }

    /// Reads it.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.store.clone(), self.definitions.clone(), Arc::new(IdleTimes::default()))
    }
}

/// The API over [`reader`].
pub(crate) fn api() -> Router {
    api_of(reader())
}

/// The API over a reader.
pub(crate) fn api_of(reader: impl Into<LateReader>) -> Router {
    router(
        reader,
        LateOwner::default(),
        Live::new(4),
        page(),
        Settings { reads_max: 2, ..Settings::default() },
        process(),
    )
}

/// The API of a process that owns the store.
pub(crate) fn put_api() -> Router {
    let reader = reader();
    let owner: Arc<dyn Owner> = Arc::new(Definers(reader.definitions().clone()));
    router(reader, LateOwner::from(owner), Live::new(4), page(), Settings::default(), process())
}

/// Puts definitions; of the rest it does what the request says.
struct Definers(Arc<Definitions>);

impl Owner for Definers {
    fn put_definition(
        &self,
        definition: Definition,
        valid_from: Option<Timestamp>,
        _now: Timestamp,
    ) -> Result<VersionPut, StoreError> {
        Ok(VersionPut { valid_from, new: self.0.put(vec![definition], valid_from)? > 0 })
    }

    fn dead(&self, query: &DeadQuery) -> Result<String, Problem> {
        assert!(query.limit > 0);
        Ok("{\"deadLetters\":[],\"nextCursor\":null}\n".to_owned())
    }

    fn replay(&self, id: &str) -> Result<Replay, Problem> {
        Ok(match id {
            "a|00000|7#x" => Replay::Refused { reason: "mark", detail: "no".to_owned() },
            "replayed" => Replay::Replayed,
            _ => Replay::Unknown,
        })
    }
}

impl Intake for Definers {
    fn accept(
        &self,
        lines: Vec<u8>,
        _at: Timestamp,
        durable: Box<dyn FnOnce() + Send>,
    ) -> Result<Taken, NotTaken> {
        match lines.as_slice() {
            b"full" => return Err(NotTaken::Full),
            b"closed" => return Err(NotTaken::Closed),
            b"never" => return Err(NotTaken::Never("not here")),
            b"lost" => drop(durable),
            _ => durable(),
        }
        let line = RefusedLine { line: 2, reason: "malformed", detail: "no JSON".to_owned() };
        Ok(Taken { accepted: 1, refused: vec![line], refused_more: 0 })
    }
}

/// Asks the API over [`reader`], and compares the answer.
#[track_caller]
pub(crate) fn check(path: &str, want: Expect) {
    let reply = get(&api(), path);
    want.assert_eq(&format!("{} {}\n{}", reply.status.as_u16(), reply.header("content-type"), reply.body));
}

/// A page of three files.
pub(crate) fn page() -> Page {
    let files = [
        PageFile { path: "index.html", bytes: b"<!doctype html><title>Linkloom</title>" },
        PageFile { path: "assets/main-1a2b.js", bytes: SCRIPT },
        PageFile { path: "icon.svg", bytes: b"<svg/>" },
    ];
    Page::new(&files, "'self'").expect("a good policy")
}

/// Long enough to be compressed.
pub(crate) const SCRIPT: &[u8] = &[b' '; 4096];

/// What the process says of itself.
pub(crate) fn process() -> Process {
    Process::new(|| "# TYPE up gauge\nup 1\n".to_owned())
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// A header, `-` for none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("-", |value| value.to_str().unwrap_or("?"))
    }
}

/// Asks without a socket.
pub(crate) fn ask(api: &Router, request: Request<Body>) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(reply(api, request))
}

/// The same within a runtime.
pub(crate) async fn reply(api: &Router, request: Request<Body>) -> Reply {
    let response = api.clone().oneshot(request).await.expect("a router never fails");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    Reply { status: head.status, headers: head.headers, body }
}

/// `GET` of a path and query.
pub(crate) fn get(api: &Router, path: &str) -> Reply {
    ask(api, Request::get(path).body(Body::empty()).expect("a request"))
}

/// The instant [`LATER`].
pub(crate) fn later() -> Timestamp {
    Timestamp::from_rfc3339(LATER).expect("a time")
}
