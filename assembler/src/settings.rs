//! How long windows live and how much they may hold.

/// When windows are summed up, closed and moved out of memory. Law 2: none of this changes an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSettings {
    /// A changed execution's summary is written this long after the change, in milliseconds of the wall clock.
    pub summary_delay_ms: u64,
    /// A window is closed when the watermark is this far past its latest report, or when nothing came for as long by
    /// the wall clock, in milliseconds.
    pub idle_gap_ms: u64,
    /// The same, for an execution that has reached its end (all terminals closed, or failed), in milliseconds.
    pub terminal_gap_ms: u64,
    /// A window is closed when it has been open this long, in milliseconds of the wall clock.
    pub age_max_ms: u64,
    /// Memory for the windows of one shard, in bytes; beyond it those not touched for longest are spilled.
    pub memory_bytes_max: usize,
    /// Closed and spilled windows are looked for this often, in milliseconds of the wall clock.
    pub sweep_ms: u64,
}

impl Default for WindowSettings {
    fn default() -> Self {
        WindowSettings {
            summary_delay_ms: 500,
            idle_gap_ms: 30_000,
            terminal_gap_ms: 5_000,
            age_max_ms: 600_000,
            memory_bytes_max: 64 << 20,
            sweep_ms: 500,
        }
    }
}
