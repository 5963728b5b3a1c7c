//! What the API asks of the process that owns the store.

use std::sync::Arc;

use http::StatusCode;
use linkloom_ingest::decode::{Decoder, Reason};
use linkloom_query::QueryError;
use linkloom_query::http::{self as api, BadParameter, NotTaken, Problem, Replay, Taken, VersionPut};
use linkloom_schema::definition::Definition;
use linkloom_schema::time::Timestamp;
use linkloom_storage::store::StoreError;

use crate::definition_files;
use crate::pipeline::dead::{self, LetterId, Which};
use crate::relay::Posted;
use crate::service::Service;

/// A process that writes the store.
pub struct StoreOwner {
    service: Arc<Service>,
    /// Where posted reports go; else why they are not taken.
    reports: Result<Arc<Posted>, &'static str>,
}

impl StoreOwner {
    /// The owner of the store behind a service, as the API takes it. `reports`: where posted reports go, or why they go
    /// nowhere.
    pub fn shared(service: &Arc<Service>, reports: Result<Arc<Posted>, &'static str>) -> Arc<dyn api::Owner> {
        Arc::new(StoreOwner { service: service.clone(), reports })
    }
}

impl api::Owner for StoreOwner {
    fn put_definition(
        &self,
        definition: Definition,
        valid_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<VersionPut, StoreError> {
        let put = definition_files::put(self.service.open(), vec![definition], valid_from, now)?;
        let put = put.into_iter().next();
        Ok(put.map_or(VersionPut { valid_from, new: false }, |put| VersionPut {
            valid_from: put.valid_from,
            new: put.new,
        }))
    }

    fn dead(&self, query: &api::DeadQuery) -> Result<String, Problem> {
        let reason = match &query.reason {
            None => None,
            Some(text) => {
                let known = Reason::ALL.into_iter().find(|reason| reason.as_str() == text);
                Some(known.ok_or_else(|| {
                    let allowed: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
                    Problem::bad_request(vec![BadParameter::value("reason", text, allowed.join(", "))])
                })?)
            }
        };
        let which =
            dead::DeadQuery { with_replayed: query.with_replayed, reason, source: query.source.clone() };
        let store = &*self.service.open().store;
        let page = dead::list(store, &which, query.limit, query.cursor.as_deref())?;
        serde_json::to_string(&page)
            .map(|text| text + "\n")
            .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    }

    fn replay(&self, id: &str) -> Result<Replay, Problem> {
        let Ok(letter) = id.parse::<LetterId>() else {
            let allowed = "the id of a dead letter, as GET /api/v1/dead lists it";
            return Err(Problem::bad_request(vec![BadParameter::value("letterId", id, allowed)]));
        };
        let done = dead::replay(&self.service, Which::These(vec![letter.clone()]))
            .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
        if !done.unknown.is_empty() {
            return Ok(Replay::Unknown);
        }
        if done.before > 0 {
            return Ok(Replay::Before);
        }
        if done.not_whole > 0 {
            return Ok(Replay::NotWhole);
        }
        if done.refused_in_all() == 0 {
            return Ok(Replay::Replayed);
        }
        let stored = letter.read(&*self.service.open().store).map_err(QueryError::from)?;
        let refusal = stored.and_then(|stored| {
            Decoder::new(self.service.limits().clone()).decode(&stored.raw, stored.time).err()
        });
        Ok(refusal.map_or(Replay::Unknown, |refusal| Replay::Refused {
            reason: refusal.reason.as_str(),
            detail: refusal.detail.to_string(),
        }))
    }
}

impl api::Intake for StoreOwner {
    fn accept(
        &self,
        lines: Vec<u8>,
        at: Timestamp,
        durable: Box<dyn FnOnce() + Send>,
    ) -> Result<Taken, NotTaken> {
        match &self.reports {
            Ok(posted) => posted.accept(lines, at, durable),
            Err(why) => Err(NotTaken::Never(why)),
        }
    }
}
