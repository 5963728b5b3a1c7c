//! Notes: empty cells in the family `l` of rows with packs. They say what readers would otherwise look for in vain.
//!
//! A note is written with the packs it speaks of, and lives as long as the latest of them.

/// In the row of an execution, a trace or a service: it has overflow rows.
pub const OVERFLOW: &str = "overflow";
/// In the row of a trace: it holds reports without a mark.
pub const UNMARKED: &str = "unmarked";
