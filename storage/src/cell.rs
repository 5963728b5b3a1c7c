//! The cell model both stores share: table, row, family, qualifier, value. The layout is `docs/row-keys.md`.

use linkloom_schema::report::ReportKind;
use linkloom_schema::time::Timestamp;

/// Longest row and qualifier together, in bytes; what every store can hold.
pub const KEY_BYTES_MAX: usize = 32_000;

/// A table. Row keys: `linkloom_schema::row_key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The tree: one row an execution.
    Link,
    /// Executions of a business id, newest first.
    Recent,
    /// Executions of a scene by status and time.
    Scene,
    /// Which executions carry a trace id.
    Trace,
    /// Reports without a mark.
    Unlinked,
    /// The definition log.
    Definition,
    /// Dead letters.
    Dead,
    /// What this store remembers of its sources and writers; not part of any answer.
    Meta,
}

impl Table {
    /// All tables, in a fixed order.
    pub const ALL: [Table; 8] = [
        Table::Link,
        Table::Recent,
        Table::Scene,
        Table::Trace,
        Table::Unlinked,
        Table::Definition,
        Table::Dead,
        Table::Meta,
    ];

    /// The table's name in a store.
    pub fn name(self) -> &'static str {
        match self {
            Table::Link => "link",
            Table::Recent => "recent",
            Table::Scene => "scene",
            Table::Trace => "trace",
            Table::Unlinked => "unlinked",
            Table::Definition => "definition",
            Table::Dead => "dead",
            Table::Meta => "meta",
        }
    }

    /// The families it has, in their order.
    pub fn families(self) -> &'static [Family] {
        match self {
            Table::Link | Table::Unlinked => &[Family::BusinessLogs, Family::Link, Family::Nodes],
            _ => &[Family::Link],
        }
    }
}

/// A column family: one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `b`: business logs.
    BusinessLogs,
    /// `l`: link log: the summary, and everything in tables that have one family.
    Link,
    /// `n`: node reports.
    Nodes,
}

impl Family {
    /// The family a kind of report is stored in.
    pub fn of(kind: ReportKind) -> Self {
        match kind {
            ReportKind::Node => Family::Nodes,
            ReportKind::Log => Family::BusinessLogs,
        }
    }

    /// The family's name in a store.
    pub fn name(self) -> &'static str {
        match self {
            Family::BusinessLogs => "b",
            Family::Link => "l",
            Family::Nodes => "n",
        }
    }
}

/// One cell to be written. Writing the same cell again is harmless; a later value replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where.
    pub table: Table,
    /// Row key, printable.
    pub row: String,
    /// Column family.
    pub family: Family,
    /// Column qualifier, printable.
    pub qualifier: String,
    /// Any bytes.
    pub value: Vec<u8>,
    /// The event time it expires by; `None`: it never expires. A cell is always one or always the other, and what is
    /// written again expires no earlier than before. Cells of `Meta` never expire.
    pub expires_by: Option<Timestamp>,
}

/// Cells written in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellBatch {
    /// In any order; of two cells with the same key the later wins.
    pub cells: Vec<Cell>,
}

impl CellBatch {
    /// Bytes of keys and values, for limits and metrics.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(|c| c.row.len() + c.qualifier.len() + c.value.len() + 2).sum()
    }
}
