//! Executions laid over plans by the real code, drawn, and held against snapshots.

mod drawn;
mod hostile;
mod world;
