//! Live updates: server-sent events about one execution, a business id or a scene.
//!
//! What goes through the store of this process is told by it (`Changes`); what other processes write is found by looking
//! at a bounded rate. Either way an event says how something stands, never a step from somewhere: whoever missed some
//! catches up with the next one. The id of an event is a fingerprint of what was told so far, so a client that comes back
//! with it is told nothing twice, also by another process.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use linkloom_schema::ids::LinkMark;
use linkloom_storage::watch::{Subject, Watch};
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::answers::{Ids, no_mark};
use super::params::Params;
use super::path::part;
use super::problem::Problem;
use super::{Api, now, routes};
use crate::pulse::{Change, Page};
use crate::{ListQuery, QueryError, Reader, json};

/// Entries of a list that are watched when it is not said how many, and at most.
pub(super) const LIMIT_DEFAULT: usize = 50;
pub(super) const LIMIT_MAX: usize = 200;
/// Time between two looks at the same thing, however often it changes.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How often what other processes may write is looked at.
const LOOK_OTHERS: Duration = Duration::from_millis(500);
/// How often everything is looked at: silence turns `running` into `stalled` without a write.
const LOOK_ALWAYS: Duration = Duration::from_secs(10);
/// Silence after which a comment is sent, so that both sides know that the other is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Pause after the store did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The live connections of an API.
#[derive(Clone)]
pub struct Live {
    room: Arc<Semaphore>,
    end: Arc<watch::Sender<bool>>,
}

impl Live {
    /// At most `connections_max` at once; further ones are refused.
    pub fn new(connections_max: usize) -> Self {
        Live { room: Arc::new(Semaphore::new(connections_max)), end: Arc::new(watch::Sender::new(false)) }
    }

    /// Ends all of them: a server that stops waits for what it has begun to answer.
    pub fn end(&self) {
        self.end.send_replace(true);
    }
}

/// What is watched.
#[derive(Clone)]
enum Watched {
    Execution(LinkMark),
    Business(String, ListQuery),
    Scene(String, ListQuery),
}

/// How it stands.
enum Standing {
    /// An execution: the data of its event and its version, unless nothing is stored of it.
    Execution(Option<(String, String)>),
    /// A list: the data of its event, the page, and whether it goes on.
    List(String, Page, bool),
}

impl Watched {
    fn subject(&self) -> Subject {
        match self {
            Watched::Execution(mark) => Subject::execution(mark.as_ref()),
            Watched::Business(id, _) => Subject::business(id),
            Watched::Scene(id, _) => Subject::scene(id),
        }
    }

    fn look(&self, reader: &Reader) -> Result<Standing, QueryError> {
        let list = match self {
            Watched::Execution(mark) => {
                let pulse = reader.pulse(mark, now())?;
                return Ok(Standing::Execution(pulse.map(|pulse| (json::line(&pulse), pulse.version))));
            }
            Watched::Business(id, query) => reader.list(id, query, now())?,
            Watched::Scene(id, query) => reader.scene_list(id, query, now())?,
        };
        Ok(Standing::List(json::text(&list), Page::of(&list), list.next_cursor.is_some()))
    }
}

/// `GET .../executions/{executionId}/live`
pub(super) async fn execution(
    State(api): State<Api>,
    ids: Ids,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::LIVE);
    let last = last_event_id(&headers, &mut params);
    let mark = ids.mark(&mut params);
    params.finish()?;
    open(&api, Watched::Execution(mark.ok_or_else(no_mark)?), last)
}

/// `GET /api/v1/business/{businessId}/live`
pub(super) async fn business(
    State(api): State<Api>,
    ids: Ids,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::BUSINESS_LIVE);
    let (query, last) = (params.list((LIMIT_DEFAULT, LIMIT_MAX)), last_event_id(&headers, &mut params));
    params.finish()?;
    open(&api, Watched::Business(ids.get(part::BUSINESS).to_owned(), query), last)
}

/// `GET /api/v1/scenes/{sceneId}/live`
pub(super) async fn scene(
    State(api): State<Api>,
    ids: Ids,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut params = Params::read(uri.query(), routes::SCENE_LIVE);
    let (query, last) = (params.list((LIMIT_DEFAULT, LIMIT_MAX)), last_event_id(&headers, &mut params));
    params.finish()?;
    open(&api, Watched::Scene(ids.get(part::SCENE).to_owned(), query), last)
}

/// What the client was told last. A browser repeats it in a header by itself, a new page can only say it in the query.
fn last_event_id(headers: &HeaderMap, params: &mut Params) -> Option<String> {
    let asked = params.text("lastEventId");
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or(asked)
}

fn open(api: &Api, watched: Watched, last: Option<String>) -> Result<Response, Problem> {
    let Ok(room) = api.live.room.clone().try_acquire_owned() else {
        let why = "as many live connections are open as may be (api.live_connections_max)";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let reader = api.reader()?.clone();
    let told = Arc::new(Notify::new());
    let tell = told.clone();
    let watch = reader.changes().map(|changes| changes.watch(watched.subject(), move || tell.notify_one()));
    let look_every = match &watch {
        Some(_) if !reader.others_write() => LOOK_ALWAYS,
        _ => LOOK_OTHERS,
    };
    let events = Events {
        reads: api.reads.clone(),
        reader,
        watched,
        told,
        _watch: watch,
        _room: room,
        end: api.live.end.subscribe(),
        look_every,
        last,
        page: None,
        waiting: VecDeque::from([Bytes::from_static(b"retry: 1000\n\n")]),
        looked: None,
        look_again: Instant::now(),
        said: Instant::now(),
    };
    let stream = stream::unfold(events, |mut events| async move {
        let next = events.next().await?;
        Some((Ok::<Bytes, Infallible>(next), events))
    });
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// One live connection.
struct Events {
    reads: Arc<Semaphore>,
    reader: Reader,
    watched: Watched,
    told: Arc<Notify>,
    _watch: Option<Watch>,
    _room: OwnedSemaphorePermit,
    end: watch::Receiver<bool>,
    look_every: Duration,
    /// Id of the last event the client has.
    last: Option<String>,
    /// The page the client has, once it was told one.
    page: Option<Page>,
    waiting: VecDeque<Bytes>,
    /// When it was looked last.
    looked: Option<Instant>,
    look_again: Instant,
    /// When something was sent last.
    said: Instant,
}

/// What is told of an execution that does not belong in a list any more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gone<'e> {
    business_id: &'e str,
    scene_id: &'e str,
    execution_id: &'e str,
}

impl Events {
    /// What is sent next; `None`: the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.end.borrow() {
                return None;
            }
            if let Some(next) = self.waiting.pop_front() {
                self.said = Instant::now();
                return Some(next);
            }
            let keep_alive = self.said + KEEP_ALIVE;
            if self.looked.is_some() {
                tokio::select! {
                    () = self.told.notified() => {}
                    () = tokio::time::sleep_until(self.look_again) => {}
                    () = tokio::time::sleep_until(keep_alive) => {
                        self.waiting.push_back(Bytes::from_static(b": keep-alive\n\n"));
                        continue;
                    }
                    _ = self.end.changed() => return None,
                }
            }
            if let Some(looked) = self.looked {
                tokio::time::sleep_until(looked + LOOK_PAUSE).await;
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        // The semaphore is never closed.
        let permit = self.reads.clone().acquire_owned().await.ok();
        let (reader, watched) = (self.reader.clone(), self.watched.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            watched.look(&reader)
        });
        let standing = looked.await;
        let now = Instant::now();
        self.looked = Some(now);
        self.look_again = now + self.look_every;
        match standing {
            Ok(Ok(standing)) => self.tell(standing),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a live connection cannot be told how things stand");
                self.look_again = now + ASK_AGAIN;
            }
            Err(_) => self.look_again = now + ASK_AGAIN,
        }
    }

    fn tell(&mut self, standing: Standing) {
        match standing {
            Standing::Execution(None) => {}
            Standing::Execution(Some((data, version))) => {
                if self.last.as_ref() != Some(&version) {
                    self.event("execution", &version, &data);
                }
            }
            Standing::List(data, page, more) => {
                let version = page.version();
                match &self.page {
                    _ if self.last.as_ref() == Some(&version) => {}
                    None => self.event("list", &version, &data),
                    Some(known) => {
                        for change in known.changes(&page, more) {
                            match change {
                                Change::Execution(entry) => {
                                    self.event("execution", &version, &json::line(&entry));
                                }
                                Change::Gone(entry) => {
                                    let gone = Gone {
                                        business_id: &entry.business_id,
                                        scene_id: &entry.scene_id,
                                        execution_id: &entry.execution_id,
                                    };
                                    self.event("gone", &version, &json::line(&gone));
                                }
                            }
                        }
                    }
                }
                self.page = Some(page);
            }
        }
    }

    /// `data` is one line.
    fn event(&mut self, kind: &str, id: &str, data: &str) {
        let event = format!("event: {kind}\nid: {id}\ndata: {}\n\n", data.trim_end());
        self.waiting.push_back(Bytes::from(event));
        self.last = Some(id.to_owned());
    }
}
