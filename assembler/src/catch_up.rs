//! What is caught up on: reports of long ago, whose flushes and summaries nobody waits for.

use linkloom_schema::time::Timestamp;

/// Reports this much older than the present are caught up on.
const LONG_AGO_MICROS: i64 = 60_000_000;
/// So many times longer may wait what is made of them: larger packs, and executions that are over when they are summed up.
pub const LONGER: u32 = 10;

/// Whether a report of this time is caught up on.
pub fn is_long_ago(time: Timestamp, now: Timestamp) -> bool {
    now.micros().saturating_sub(time.micros()) > LONG_AGO_MICROS
}
