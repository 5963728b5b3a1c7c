//! Where reading commands read: a store of one's own while the command runs, or the API of the process that owns it.
//!
//! A store is owned by one process at a time. Owners come and go: one may have taken the store and not said yet where it
//! answers, may end between two questions, or be nothing but another reading command, which is over in a moment. So
//! opening has patience, and a question whose owner has gone is asked again of whoever has the store then.

mod client;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use linkloom_query::http::{self, path};
use linkloom_query::json::{self, Answer};
use linkloom_query::{
    ListQuery, LogsQuery, QueryError, Reader, Unlinked, UnlinkedAnswer, UnlinkedReportsAnswer,
};
use linkloom_schema::answer::{ExecutionAnswer, ListAnswer, LogsAnswer, NodeAnswer};
use linkloom_schema::ids::LinkMark;
use linkloom_schema::time::Timestamp;
use linkloom_storage::embedded::EmbeddedStore;
use linkloom_storage::store::StoreError;
use serde::Deserialize;

use self::client::{Client, Unanswered};
use crate::config::Config;
use crate::pipeline::dead::{self, DeadListAnswer, DeadQuery};
use crate::service::{AnyStore, OpenStore, open_embedded};
use crate::tokens;

/// How long an owner may take to say where it answers, to answer, and to end.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for a store whose owner does not say where it answers: another reading command, or one that writes
/// without serving an API.
pub const PATIENCE_WITHOUT_API: Duration = Duration::from_secs(3);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// Between two looks at a store that nobody owns: nothing new can come meanwhile, but its next owner may want to open it.
const LOOK_UNOWNED: Duration = Duration::from_millis(200);

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no store.
    #[error("there is no store at {path}; `linkloom ingest` makes one")]
    NoStore {
        /// Where none is.
        path: PathBuf,
    },
    /// Another process has the store and serves no API.
    #[error(
        "{store} is owned by {}, which serves no API to read it through; wait until it has ended, or end it",
        process(*pid)
    )]
    NoApi {
        /// The store.
        store: String,
        /// Process id of its owner, 0 when it is not known.
        pid: u32,
    },
    /// Another process has the store and says where its API is, but it does not answer there.
    #[error("{store} is owned by {}, whose API at {api} does not answer: {cause}", process(*pid))]
    Silent {
        /// The store.
        store: String,
        /// Process id of its owner.
        pid: u32,
        /// `host:port` of its API.
        api: String,
        /// What came of asking it.
        cause: String,
    },
    /// The owner of the store answered, but not with what was asked for.
    #[error("{store} is owned by {}, whose API at {api} answers: {cause}", process(*pid))]
    Refused {
        /// The store.
        store: String,
        /// Process id of its owner.
        pid: u32,
        /// `host:port` of its API.
        api: String,
        /// What it says.
        cause: String,
    },
    /// Its owner wants a token, and there is none to show.
    #[error("{why}")]
    Token {
        /// Why not.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The question, or the store while it was answered.
    #[error(transparent)]
    Query(#[from] QueryError),
}

fn process(pid: u32) -> String {
    match pid {
        0 => "another process".to_owned(),
        pid => format!("process {pid}"),
    }
}

/// An answer with its text.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a, A> {
    /// The answer.
    pub answer: &'a A,
    /// Its text, if it came as one.
    text: Option<&'a str>,
}

impl<A: Answer> Answered<'_, A> {
    /// What `--output json` prints: the same bytes whoever owns the store.
    pub fn json(&self) -> Cow<'_, str> {
        self.text.map_or_else(|| Cow::Owned(json::text(self.answer)), Cow::Borrowed)
    }
}

/// The way to a store.
#[derive(Clone)]
enum Way {
    /// This process owns it.
    Local(Reader),
    /// Another one does.
    Remote(Client),
}

/// What a question came to so far.
enum Found {
    /// The store is here: read it.
    Local(Reader),
    /// The owner's answer; `None`: it is not there.
    Body(Option<String>),
}

/// A store to read, whoever owns it.
pub struct ReadSource<'c> {
    path: PathBuf,
    /// A store that needs no owner, instead of one at `path`.
    shared: Option<AnyStore>,
    config: &'c Config,
    /// Patience ends here, whatever else it would be.
    until: Option<Instant>,
    /// `None`: to be found when the next question comes.
    way: RefCell<Option<Way>>,
}

impl<'c> ReadSource<'c> {
    /// The embedded store at `path`, which the first question opens.
    pub fn new(path: &Path, config: &'c Config) -> Self {
        ReadSource { path: path.to_owned(), shared: None, config, until: None, way: RefCell::new(None) }
    }

    /// A store that any number of processes may have open.
    pub fn shared(store: AnyStore, config: &'c Config) -> Self {
        ReadSource { shared: Some(store), ..ReadSource::new(Path::new(""), config) }
    }

    /// Opens the embedded store at `path`, or finds out who has it.
    ///
    /// Errors: `NoStore`; `NoApi` when its owner serves none, which is found out after [`PATIENCE_WITHOUT_API`]; a store
    /// that cannot be opened.
    pub fn open(path: &Path, config: &'c Config) -> Result<Self, ReadError> {
        ReadSource::new(path, config).opened()
    }

    /// The same, once the way to the store is found.
    ///
    /// Errors: as those of [`ReadSource::open`].
    pub fn opened(self) -> Result<Self, ReadError> {
        self.way()?;
        Ok(self)
    }

    /// A store this process owns already.
    pub fn owned(path: &Path, config: &'c Config, reader: Reader) -> Self {
        ReadSource { way: RefCell::new(Some(Way::Local(reader))), ..ReadSource::new(path, config) }
    }

    /// The same, without patience beyond `deadline`.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        ReadSource { until: Some(deadline), ..self }
    }

    /// Executions of a business id; see [`Reader::list`].
    pub fn list<T>(
        &self,
        business_id: &str,
        query: &ListQuery,
        as_of: Timestamp,
        then: impl FnOnce(Answered<'_, ListAnswer>) -> T,
    ) -> Result<T, ReadError> {
        match self.find(&path::executions(business_id, query, as_of))? {
            Found::Local(reader) => {
                Ok(then(Answered { answer: &reader.list(business_id, query, as_of)?, text: None }))
            }
            Found::Body(body) => {
                let body = self.there(body)?;
                Ok(then(Answered { answer: &self.parse(&body)?, text: Some(&body) }))
            }
        }
    }

    /// One execution; `None` when nothing is stored of it. See [`Reader::show`].
    pub fn show<T>(
        &self,
        mark: &LinkMark,
        as_of: Timestamp,
        then: impl FnOnce(Answered<'_, ExecutionAnswer<'_>>) -> T,
    ) -> Result<Option<T>, ReadError> {
        match self.find(&path::execution(mark.as_ref(), as_of))? {
            Found::Local(reader) => {
                Ok(reader.show(mark, as_of, |answer| then(Answered { answer, text: None }))?)
            }
            Found::Body(None) => Ok(None),
            Found::Body(Some(body)) => {
                Ok(Some(then(Answered { answer: &self.parse(&body)?, text: Some(&body) })))
            }
        }
    }

    /// One node with a page of its logs; `None` when the execution or the node is not known. See [`Reader::node`].
    pub fn node<T>(
        &self,
        mark: &LinkMark,
        node: &str,
        run: Option<&str>,
        query: &LogsQuery,
        as_of: Timestamp,
        then: impl FnOnce(Answered<'_, NodeAnswer<'_>>) -> T,
    ) -> Result<Option<T>, ReadError> {
        match self.find(&path::node(mark.as_ref(), node, run, query, as_of))? {
            Found::Local(reader) => {
                let then = |answer: &NodeAnswer<'_>| then(Answered { answer, text: None });
                Ok(reader.node(mark, node, run, query, as_of, then)?)
            }
            Found::Body(None) => Ok(None),
            Found::Body(Some(body)) => {
                Ok(Some(then(Answered { answer: &self.parse(&body)?, text: Some(&body) })))
            }
        }
    }

    /// A page of the logs of an execution; `None` when nothing is stored of it. See [`Reader::logs`].
    pub fn logs<T>(
        &self,
        mark: &LinkMark,
        query: &LogsQuery,
        then: impl FnOnce(Answered<'_, LogsAnswer<'_>>) -> T,
    ) -> Result<Option<T>, ReadError> {
        match self.find(&path::logs(mark.as_ref(), query))? {
            Found::Local(reader) => {
                Ok(reader.logs(mark, query, |answer| then(Answered { answer: &answer, text: None }))?)
            }
            Found::Body(None) => Ok(None),
            Found::Body(Some(body)) => {
                Ok(Some(then(Answered { answer: &self.parse(&body)?, text: Some(&body) })))
            }
        }
    }

    /// A page of the traces and services that have reports without a mark. See [`Reader::unlinked`].
    pub fn unlinked(&self, limit: usize, cursor: Option<&str>) -> Result<UnlinkedAnswer, ReadError> {
        match self.find(&path::unlinked(limit, cursor))? {
            Found::Local(reader) => Ok(reader.unlinked(limit, cursor)?),
            Found::Body(body) => self.parse(&self.there(body)?),
        }
    }

    /// A page of the reports without a mark of a trace or a service; `None` when there are none. See
    /// [`Reader::unlinked_reports`].
    pub fn unlinked_reports<T>(
        &self,
        of: Unlinked<'_>,
        query: &LogsQuery,
        then: impl FnOnce(&UnlinkedReportsAnswer<'_>) -> T,
    ) -> Result<Option<T>, ReadError> {
        let body = match self.find(&path::unlinked_reports(of, query))? {
            Found::Local(reader) => return Ok(reader.unlinked_reports(of, query)?.map(|found| then(&found))),
            Found::Body(body) => self.there(body)?,
        };
        if of == Unlinked::Service(path::NO_SERVICE) {
            return Err(self.refused(format!("a service named {} cannot be asked for", path::NO_SERVICE)));
        }
        let answer: UnlinkedReportsAnswer<'_> = self.parse(&body)?;
        let none = answer == UnlinkedReportsAnswer::default() && query.cursor.is_none();
        Ok((!none).then(|| then(&answer)))
    }

    /// A page of dead letters. See [`dead::list`].
    pub fn dead(
        &self,
        query: &DeadQuery,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<DeadListAnswer, ReadError> {
        let asked = http::DeadQuery {
            source: query.source.clone(),
            reason: query.reason.map(|reason| reason.as_str().to_owned()),
            with_replayed: query.with_replayed,
            limit,
            cursor: cursor.map(str::to_owned),
        };
        match self.find(&path::dead(&asked))? {
            Found::Local(reader) => Ok(dead::list(&**reader.store(), query, limit, cursor)?),
            Found::Body(body) => self.parse(&self.there(body)?),
        }
    }

    /// The body of an answer that is always there.
    fn there(&self, body: Option<String>) -> Result<String, ReadError> {
        body.ok_or_else(|| self.refused("it has no such list".to_owned()))
    }

    /// Lets time pass before the same question is asked again, at most until `deadline`. A store of one's own is let go
    /// meanwhile: whoever wants to write what is waited for has to be able to open it.
    pub fn pause(&self, look: Duration, deadline: Instant) {
        let remote = matches!(&*self.way.borrow(), Some(Way::Remote(_)));
        if !remote {
            self.forget();
        }
        let pause = if remote { look } else { look.max(LOOK_UNOWNED) };
        std::thread::sleep(pause.min(deadline.saturating_duration_since(Instant::now())));
    }

    /// The way to the store, found anew if need be.
    fn way(&self) -> Result<Way, ReadError> {
        if let Some(way) = &*self.way.borrow() {
            return Ok(way.clone());
        }
        let way = self.find_way()?;
        *self.way.borrow_mut() = Some(way.clone());
        Ok(way)
    }

    /// Opens the store, or finds out who has it; waits for owners that do not say where they answer.
    fn find_way(&self) -> Result<Way, ReadError> {
        if let Some(store) = &self.shared {
            // Definitions may have come since.
            return Ok(Way::Local(OpenStore::new(store.store(), self.config)?.reader()));
        }
        let began = Instant::now();
        loop {
            if !EmbeddedStore::is_at(&self.path) {
                return Err(ReadError::NoStore { path: self.path.clone() });
            }
            match open_embedded(&self.path, self.config) {
                Ok(store) => {
                    return Ok(Way::Local(OpenStore::new(Arc::new(store), self.config)?.reader()));
                }
                Err(StoreError::Owned { pid, api: Some(api), .. }) => {
                    let token = tokens::read(self.config)
                        .map_err(|error| ReadError::Token { why: format!("{error:#}") })?;
                    return Ok(Way::Remote(Client::new(pid, api, token.into_iter().next())));
                }
                Err(StoreError::Owned { store, pid, api: None }) => {
                    if self.is_over(began, PATIENCE_WITHOUT_API) {
                        return Err(ReadError::NoApi { store, pid });
                    }
                    std::thread::sleep(TRY_AGAIN);
                }
                Err(other) => return Err(other.into()),
            }
        }
    }

    fn is_over(&self, began: Instant, patience: Duration) -> bool {
        began.elapsed() >= patience || self.until.is_some_and(|until| Instant::now() >= until)
    }

    fn forget(&self) {
        self.way.borrow_mut().take();
    }

    /// Asks the owner, as often as owners go.
    fn find(&self, path: &str) -> Result<Found, ReadError> {
        let began = Instant::now();
        loop {
            let client = match self.way()? {
                Way::Local(reader) => return Ok(Found::Local(reader)),
                Way::Remote(client) => client,
            };
            match client.get(path) {
                Ok(body) => return Ok(Found::Body(Some(body))),
                Err(Unanswered::NotFound) => return Ok(Found::Body(None)),
                Err(Unanswered::Failed(cause)) => return Err(self.refused(cause)),
                Err(Unanswered::Gone(cause)) if self.is_over(began, PATIENCE) => {
                    let (store, pid, api) = (self.path.display().to_string(), client.pid, client.address);
                    return Err(ReadError::Silent { store, pid, api, cause });
                }
                Err(Unanswered::Gone(cause)) => {
                    tracing::debug!(owner = client.pid, %cause, "the owner of the store may have ended");
                    self.forget();
                    std::thread::sleep(TRY_AGAIN);
                }
            }
        }
    }

    fn parse<'t, A: Deserialize<'t>>(&self, text: &'t str) -> Result<A, ReadError> {
        serde_json::from_str(text).map_err(|error| self.refused(format!("what is no answer: {error}")))
    }

    /// The owner does not answer the question.
    fn refused(&self, cause: String) -> ReadError {
        let (pid, api) = match &*self.way.borrow() {
            Some(Way::Remote(client)) => (client.pid, client.address.clone()),
            _ => (0, "?".to_owned()),
        };
        ReadError::Refused { store: self.path.display().to_string(), pid, api, cause }
    }
}

/// Opens a store to write it; waits a moment for owners that serve no API, as reading commands are.
///
/// Errors: `Owned` by a process that serves an API, or that has not ended after [`PATIENCE_WITHOUT_API`].
pub fn open_to_own(path: &Path, config: &Config) -> Result<EmbeddedStore, StoreError> {
    let began = Instant::now();
    loop {
        match open_embedded(path, config) {
            Err(StoreError::Owned { api: None, .. }) if began.elapsed() < PATIENCE_WITHOUT_API => {
                std::thread::sleep(TRY_AGAIN);
            }
            other => return other,
        }
    }
}
