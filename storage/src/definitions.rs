//! The definition log of a store, in memory with its plans made ready.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use linkloom_schema::definition::{Definition, DefinitionLog, DefinitionVersion, VersionHash, parse_json};
use linkloom_schema::ids::SceneId;
use linkloom_schema::panorama::Plans;
use linkloom_schema::row_key;
use linkloom_schema::time::Timestamp;

use crate::cell::{Cell, CellBatch, Family, Table};
use crate::store::{Rows, Scan, Store, StoreError};

const QUALIFIER: &str = "definition";

/// The log at one moment.
#[derive(Debug, Default)]
pub struct DefinitionSnapshot {
    log: DefinitionLog,
    plans: HashMap<(SceneId, VersionHash), Arc<Plans>>,
    /// Rows it was read from, or written to.
    rows: BTreeSet<String>,
}

impl DefinitionSnapshot {
    /// The log itself.
    pub fn log(&self) -> &DefinitionLog {
        &self.log
    }

    /// The version an execution of a scene ran under and its plans, given the time of its earliest report.
    pub fn resolve(
        &self,
        scene_id: &str,
        earliest: Option<Timestamp>,
    ) -> Option<(&DefinitionVersion, &Plans)> {
        let version = self.log.resolve(scene_id, earliest)?;
        let plans = self.plans.get(&(version.definition.scene_id.clone(), version.hash))?;
        Some((version, plans))
    }

    fn put(&mut self, definition: Definition, valid_from: Option<Timestamp>) -> bool {
        let key = (definition.scene_id.clone(), definition.version_hash());
        self.plans.entry(key).or_insert_with(|| Arc::new(Plans::new(&definition)));
        self.log.put(definition, valid_from)
    }

    fn copy(&self) -> Self {
        DefinitionSnapshot { log: self.log.clone(), plans: self.plans.clone(), rows: self.rows.clone() }
    }
}

/// The definition log of a store: read once, kept in step with what this process puts.
pub struct Definitions {
    store: Arc<dyn Store>,
    now: RwLock<Arc<DefinitionSnapshot>>,
}

impl Definitions {
    /// Reads the log of a store. Errors: `Corrupt` names the row of a definition that does not parse.
    pub fn load(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let snapshot = Self::read(&*store)?;
        Ok(Definitions { store, now: RwLock::new(Arc::new(snapshot)) })
    }

    /// Reads the log again if the store holds definitions this process does not know; says whether it did.
    ///
    /// Errors: as those of [`Definitions::load`]; the log stays as it was.
    pub fn refresh(&self) -> Result<bool, StoreError> {
        let mut stored = 0;
        self.store.scan(&Scan::new(Table::Definition, Rows::Prefix("")).keys_only(), &mut |_| {
            stored += 1;
            ControlFlow::Continue(())
        })?;
        // Definitions are never changed and never go: as many are the same ones.
        if stored == self.snapshot().rows.len() {
            return Ok(false);
        }
        let read = Arc::new(Self::read(&*self.store)?);
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        // What was put here meanwhile is stored, but may not have been read.
        if now.rows.is_subset(&read.rows) {
            *now = read;
        }
        Ok(true)
    }

    fn read(store: &dyn Store) -> Result<DefinitionSnapshot, StoreError> {
        let mut snapshot = DefinitionSnapshot::default();
        let mut failed = None;
        store.scan(&Scan::new(Table::Definition, Rows::Prefix("")), &mut |cell| {
            let read = || -> Result<(Definition, Option<Timestamp>), String> {
                let mut parts = cell.row.split('|');
                let scene =
                    row_key::decode_id(parts.next().unwrap_or("")).map_err(|error| error.to_string())?;
                let micros: i64 =
                    parts.next().and_then(|micros| micros.parse().ok()).ok_or("no valid-from")?;
                let problem = |problems: Vec<linkloom_schema::definition::Problem>| {
                    problems.first().map_or_else(|| "it does not parse".to_owned(), ToString::to_string)
                };
                let definition = parse_json(cell.row, &scene, cell.value).map_err(problem)?;
                Ok((definition, (micros > 0).then_some(Timestamp(micros))))
            };
            match read() {
                Ok((definition, valid_from)) => {
                    snapshot.rows.insert(cell.row.to_owned());
                    snapshot.put(definition, valid_from);
                    ControlFlow::Continue(())
                }
                Err(why) => {
                    let (store, what) = (store.name().to_owned(), format!("definition {}", cell.row));
                    failed = Some(StoreError::Corrupt { store, what, why });
                    ControlFlow::Break(())
                }
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(snapshot),
        }
    }

    /// The log as it is now.
    pub fn snapshot(&self) -> Arc<DefinitionSnapshot> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores versions; returns how many the log did not hold yet. They hold from `valid_from` on, `None`: from the
    /// beginning.
    pub fn put(
        &self,
        definitions: Vec<Definition>,
        valid_from: Option<Timestamp>,
    ) -> Result<usize, StoreError> {
        let mut batch = CellBatch::default();
        for definition in &definitions {
            let hash = definition.version_hash().to_string();
            batch.cells.push(Cell {
                table: Table::Definition,
                row: row_key::definition(&definition.scene_id, valid_from, &hash),
                family: Family::Link,
                qualifier: QUALIFIER.to_owned(),
                value: definition.to_canonical_json().into_bytes(),
                expires_by: None,
            });
        }
        self.store.write(&batch)?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = now.copy();
        next.rows.extend(batch.cells.into_iter().map(|cell| cell.row));
        let new =
            definitions.into_iter().map(|definition| next.put(definition, valid_from)).filter(|new| *new);
        let new = new.count();
        *now = Arc::new(next);
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    fn definition(scene: &str, text: &str) -> Definition {
        parse_json("sample", scene, text.as_bytes()).expect("a good definition")
    }

    #[test]
    fn what_another_process_put_is_taken_over() {
        let sample = include_str!("../../dsl-samples/sample-link.json");
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let [one, other] = [(); 2].map(|()| Definitions::load(store.clone()).expect("read"));
        let known = |definitions: &Definitions| definitions.snapshot().resolve("sample-link", None).is_some();
        assert!(!one.refresh().expect("read"), "nothing is there");
        assert_eq!(other.put(vec![definition("sample-link", sample)], None).expect("put"), 1);
        assert!(!known(&one));
        assert!(one.refresh().expect("read"));
        assert!(known(&one));
        assert!(!one.refresh().expect("read"), "it is known now");
        assert!(!other.refresh().expect("read"), "its own is no news");
        assert_eq!(one.put(vec![definition("sample-link", sample)], None).expect("put"), 0);
    }
}
