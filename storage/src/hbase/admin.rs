//! The tables made through a gateway, and compared with what they should be.

use std::collections::BTreeMap;

use hbase_thrift::hbase::{ColumnDescriptor, THbaseSyncClient};

use super::connection::Connection;
use super::failure::Failure;
use super::layout::{Compression, Difference, FOREVER_SECS, bloom_filter};
use super::pool::Method;
use super::{HbaseStore, Layout};
use crate::cell::{Family, Table};
use crate::store::StoreError;

/// What became of a table that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its full name.
    pub table: String,
    /// Whether it was missing; else it was there and was left as it is.
    pub new: bool,
}

type Families = BTreeMap<Vec<u8>, ColumnDescriptor>;

impl HbaseStore {
    /// Makes the tables that are missing; those that are there are left as they are. They get one region each: HBase splits
    /// them as they grow. The namespace has to be there: Thrift1 cannot make one.
    pub fn create_tables(&self, compression: Compression) -> Result<Vec<Made>, StoreError> {
        let there = self.tables_there().map_err(self.error("create the tables"))?;
        let mut made = Vec::new();
        for table in Table::ALL {
            let name = self.layout().table(table);
            let new = !there.contains(&name);
            if new {
                self.create(table, &name, compression)?;
            }
            made.push(Made { table: name, new });
        }
        Ok(made)
    }

    /// Removes the tables with everything in them: for measurements and tests, which make their own. Those that are missing
    /// are passed over.
    pub fn drop_tables(&self) -> Result<(), StoreError> {
        const OP: &str = "drop the tables";
        let there = self.tables_there().map_err(self.error(OP))?;
        for name in Table::ALL.map(|table| self.layout().table(table)) {
            if !there.contains(&name) {
                continue;
            }
            let bytes = name.clone().into_bytes();
            let call = move |connection: &mut Connection| {
                let (client, name) = (connection.client(), || bytes.clone());
                if client.is_table_enabled(name())? {
                    client.disable_table(name())?;
                }
                client.delete_table(name())
            };
            let dropped = self.pool.one(Method::Admin, call);
            // A call whose answer came too late is made once more, and then finds nothing.
            if dropped.is_err() && !self.tables_there().map_err(self.error(OP))?.contains(&name) {
                continue;
            }
            dropped.map_err(self.error(OP))?;
        }
        Ok(())
    }

    /// Compares the tables with what they should be; an empty list is a good one.
    pub fn differences(&self) -> Result<Vec<Difference>, StoreError> {
        const OP: &str = "look at the tables";
        let there = self.tables_there().map_err(self.error(OP))?;
        let mut differences = Vec::new();
        for table in Table::ALL {
            let name = self.layout().table(table);
            if !there.contains(&name) {
                differences.push(Difference::NoTable { table: name });
                continue;
            }
            let asked = name.clone();
            let call = move |connection: &mut Connection| {
                connection.client().get_column_descriptors(asked.clone().into_bytes())
            };
            let found = self.pool.one(Method::Admin, call).map_err(self.error(OP))?;
            compare(self.layout(), table, &name, &found, &mut differences);
        }
        Ok(differences)
    }

    /// Full names of all tables there are.
    pub(super) fn tables_there(&self) -> Result<Vec<String>, Failure> {
        let call = |connection: &mut Connection| connection.client().get_table_names();
        let names = self.pool.one(Method::Admin, call)?;
        Ok(names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect())
    }

    /// Makes one table. That it is there already is as good: a call whose answer was lost is repeated.
    fn create(&self, table: Table, name: &str, compression: Compression) -> Result<(), StoreError> {
        let ttl = self.layout().ttl_of_hbase(table);
        let families: Vec<ColumnDescriptor> = table
            .families()
            .iter()
            .map(|family| ColumnDescriptor {
                // Every field is given: the defaults of the generated type are no defaults of HBase.
                name: Some(format!("{}:", family.name()).into_bytes()),
                max_versions: Some(1),
                compression: Some(compression.name().to_owned()),
                in_memory: Some(false),
                bloom_filter_type: Some(bloom_filter().to_owned()),
                bloom_filter_vector_size: Some(0),
                bloom_filter_nb_hashes: Some(0),
                block_cache_enabled: Some(true),
                time_to_live: Some(ttl),
            })
            .collect();
        let asked = name.to_owned();
        let call = move |connection: &mut Connection| {
            connection.client().create_table(asked.clone().into_bytes(), families.clone())
        };
        match self.pool.one(Method::Admin, call) {
            Ok(()) | Err(Failure::Exists) => Ok(()),
            Err(failure) => Err(self.error("create the tables")(failure)),
        }
    }
}

fn compare(layout: &Layout, table: Table, name: &str, found: &Families, differences: &mut Vec<Difference>) {
    let secs = |ttl: i32| (ttl != FOREVER_SECS).then_some(u64::try_from(ttl).unwrap_or(0));
    for &family in table.families() {
        let table_name = || name.to_owned();
        let descriptor =
            found.iter().find(|(name, _)| of_name(name) == Some(family)).map(|(_, family)| family);
        let Some(descriptor) = descriptor else {
            differences.push(Difference::NoFamily { table: table_name(), family });
            continue;
        };
        let ttl = descriptor.time_to_live.unwrap_or(FOREVER_SECS);
        if ttl != layout.ttl_of_hbase(table) {
            let (found, wanted) = (secs(ttl), secs(layout.ttl_of_hbase(table)));
            differences.push(Difference::Ttl { table: table_name(), family, found, wanted });
        }
        let versions = descriptor.max_versions.unwrap_or(1);
        if versions != 1 {
            differences.push(Difference::Versions { table: table_name(), family, found: versions });
        }
    }
}

/// The family of `n:` or `n`.
fn of_name(name: &[u8]) -> Option<Family> {
    let name = name.strip_suffix(b":").unwrap_or(name);
    [Family::BusinessLogs, Family::Link, Family::Nodes]
        .into_iter()
        .find(|family| family.name().as_bytes() == name)
}
