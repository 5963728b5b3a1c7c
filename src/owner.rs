//! What the API asks of the process that owns the store.

use std::sync::Arc;

use linkloom_query::http::{self, VersionPut};
use linkloom_schema::definition::Definition;
use linkloom_schema::time::Timestamp;
use linkloom_storage::store::StoreError;

use crate::definition_files;
use crate::service::OpenStore;

/// A process that has the store open for writing.
pub struct StoreOwner {
    open: OpenStore,
}

impl StoreOwner {
    /// The owner of an open store, as the API takes it.
    pub fn shared(open: OpenStore) -> Arc<dyn http::Owner> {
        Arc::new(StoreOwner { open })
    }
}

impl http::Owner for StoreOwner {
    fn put_definition(
        &self,
        definition: Definition,
        valid_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<VersionPut, StoreError> {
        let put = definition_files::put(&self.open, vec![definition], valid_from, now)?;
        let put = put.into_iter().next();
        Ok(put.map_or(VersionPut { valid_from, new: false }, |put| VersionPut {
            valid_from: put.valid_from,
            new: put.new,
        }))
    }
}
