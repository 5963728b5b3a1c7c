//! The tables as HBase is to have them: names, families, how long cells live, and the script that makes them.

use std::fmt::Write as _;

use crate::cell::{Family, Table};
use crate::retention::Retention;

const SECS_PER_DAY: u64 = 86_400;
/// Cells outlive the horizon by this much, so that clocks of readers and of HBase may differ by it.
const CLOCK_SLACK_SECS: u64 = 3_600;
/// What HBase takes for "forever".
pub(super) const FOREVER_SECS: i32 = i32::MAX;
/// Salts are two hex digits.
const SALTS: u32 = 256;

/// Codec of the blocks in HBase's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// gzip: slow, and there everywhere.
    Gz,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// As HBase calls it.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "NONE",
            Compression::Gz => "GZ",
            Compression::Snappy => "SNAPPY",
            Compression::Lz4 => "LZ4",
            Compression::Zstd => "ZSTD",
        }
    }
}

/// Where the tables are and how long their cells live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The namespace; empty: HBase's default one.
    pub namespace: String,
    /// What the names of all tables begin with.
    pub table_prefix: String,
    /// How long expiring cells are kept.
    pub retention: Retention,
}

impl Layout {
    /// The full name of a table: `namespace:prefixname`.
    pub fn table(&self, table: Table) -> String {
        let name = table.name();
        match self.namespace.as_str() {
            "" | "default" => format!("{}{name}", self.table_prefix),
            namespace => format!("{namespace}:{}{name}", self.table_prefix),
        }
    }

    /// How long cells of a table live, in seconds counted from their timestamp, which is the begin of the day they expire
    /// by; `None`: forever.
    pub fn ttl_secs(&self, table: Table) -> Option<u64> {
        match (self.retention, table) {
            (Retention::Forever, _) | (_, Table::Definition | Table::Meta) => None,
            (Retention::Days(days), _) => Some((u64::from(days) + 1) * SECS_PER_DAY + CLOCK_SLACK_SECS),
        }
    }

    /// The same as HBase counts it, with its own word for forever.
    pub(super) fn ttl_of_hbase(&self, table: Table) -> i32 {
        self.ttl_secs(table).map_or(FOREVER_SECS, |secs| i32::try_from(secs).unwrap_or(FOREVER_SECS))
    }

    /// The script for the HBase shell that makes namespace and tables. `regions`: of the tables whose rows begin with a
    /// salt, 1 to 256.
    pub fn ddl(&self, regions: u32, compression: Compression) -> String {
        let mut out = String::from(
            "# Tables of Linkloom. Run it with `hbase shell -n THIS_FILE`; it stops at a table that is there already.\n",
        );
        if !matches!(self.namespace.as_str(), "" | "default") {
            let name = &self.namespace;
            let _ =
                writeln!(out, "create_namespace '{name}' unless list_namespace('{name}').include?('{name}')");
        }
        for table in Table::ALL {
            let _ = write!(out, "create '{}'", self.table(table));
            for family in table.families() {
                let ttl = match self.ttl_of_hbase(table) {
                    FOREVER_SECS => "'FOREVER'".to_owned(),
                    secs => secs.to_string(),
                };
                let _ = write!(
                    out,
                    ",\n  {{NAME => '{}', VERSIONS => 1, TTL => {ttl}, BLOOMFILTER => '{}', \
                     DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => '{}'}}",
                    family.name(),
                    bloom_filter(),
                    compression.name(),
                );
            }
            let splits = splits(table, regions.clamp(1, SALTS));
            if !splits.is_empty() {
                let _ = write!(out, ",\n  SPLITS => ['{}']", splits.join("', '"));
            }
            out.push('\n');
        }
        out
    }
}

/// Rows are looked up whole: a filter by row and column would be larger and say no more.
pub(super) fn bloom_filter() -> &'static str {
    "ROW"
}

/// Where the regions of a table begin, the first one apart.
fn splits(table: Table, regions: u32) -> Vec<String> {
    let salts = (1..regions).map(|region| format!("{:02x}", region * SALTS / regions));
    match table {
        Table::Link | Table::Recent | Table::Trace => salts.collect(),
        // Rows by service, few and by the hour, come first: `s|`, then `t|` and a salt.
        Table::Unlinked if regions > 1 => {
            std::iter::once("t|".to_owned()).chain(salts.map(|salt| format!("t|{salt}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// How what is there differs from what should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is no such table.
    NoTable {
        /// Its full name.
        table: String,
    },
    /// The table lacks a family.
    NoFamily {
        /// Full name of the table.
        table: String,
        /// The family.
        family: Family,
    },
    /// Cells live longer or shorter.
    Ttl {
        /// Full name of the table.
        table: String,
        /// The family.
        family: Family,
        /// Seconds as they are; `None`: forever.
        found: Option<u64>,
        /// Seconds as they should be; `None`: forever.
        wanted: Option<u64>,
    },
    /// Old values are kept, and read by some clients.
    Versions {
        /// Full name of the table.
        table: String,
        /// The family.
        family: Family,
        /// How many are kept; 1 is right.
        found: i32,
    },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ttl = |secs: &Option<u64>| secs.map_or_else(|| "FOREVER".to_owned(), |secs| secs.to_string());
        match self {
            Difference::NoTable { table } => write!(f, "table {table} is missing"),
            Difference::NoFamily { table, family } => {
                write!(f, "table {table} has no family {}", family.name())
            }
            Difference::Ttl { table, family, found, wanted } => write!(
                f,
                "table {table}, family {}: TTL is {}, not {} (store.retention_days)",
                family.name(),
                ttl(found),
                ttl(wanted)
            ),
            Difference::Versions { table, family, found } => {
                write!(f, "table {table}, family {}: VERSIONS is {found}, not 1", family.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn layout(namespace: &str, retention: Retention) -> Layout {
        Layout { namespace: namespace.to_owned(), table_prefix: "p_".to_owned(), retention }
    }

    #[test]
    fn cells_live_until_their_day_is_past_and_an_hour() {
        let layout = layout("", Retention::Days(3));
        assert_eq!(layout.ttl_secs(Table::Link), Some(4 * 86_400 + 3_600));
        assert_eq!(layout.ttl_secs(Table::Meta), None);
        assert_eq!(layout.ttl_secs(Table::Definition), None);
        assert_eq!(self::layout("", Retention::Forever).ttl_secs(Table::Link), None);
        // 36,500 days are more seconds than HBase can count: it never drops them.
        assert_eq!(self::layout("", Retention::Days(36_500)).ttl_of_hbase(Table::Link), FOREVER_SECS);
    }

    #[test]
    fn regions_split_the_salts_evenly() {
        assert_eq!(splits(Table::Link, 4), ["40", "80", "c0"]);
        assert_eq!(splits(Table::Unlinked, 2), ["t|", "t|80"]);
        assert_eq!(splits(Table::Link, 256).len(), 255);
        assert!(splits(Table::Link, 1).is_empty() && splits(Table::Scene, 16).is_empty());
    }

    #[test]
    fn the_script_makes_everything() {
        expect![[r#"
            # Tables of Linkloom. Run it with `hbase shell -n THIS_FILE`; it stops at a table that is there already.
            create_namespace 'tenant' unless list_namespace('tenant').include?('tenant')
            create 'tenant:p_link',
              {NAME => 'b', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              {NAME => 'n', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              SPLITS => ['40', '80', 'c0']
            create 'tenant:p_recent',
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              SPLITS => ['40', '80', 'c0']
            create 'tenant:p_scene',
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'}
            create 'tenant:p_trace',
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              SPLITS => ['40', '80', 'c0']
            create 'tenant:p_unlinked',
              {NAME => 'b', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              {NAME => 'n', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'},
              SPLITS => ['t|', 't|40', 't|80', 't|c0']
            create 'tenant:p_definition',
              {NAME => 'l', VERSIONS => 1, TTL => 'FOREVER', BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'}
            create 'tenant:p_dead',
              {NAME => 'l', VERSIONS => 1, TTL => 7866000, BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'}
            create 'tenant:p_meta',
              {NAME => 'l', VERSIONS => 1, TTL => 'FOREVER', BLOOMFILTER => 'ROW', DATA_BLOCK_ENCODING => 'FAST_DIFF', COMPRESSION => 'SNAPPY'}
        "#]].assert_eq(&layout("tenant", Retention::Days(90)).ddl(4, Compression::Snappy));
    }
}
