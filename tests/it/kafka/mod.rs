//! Topics on a real broker: everything that is in them is stored or a dead letter, whatever happens meanwhile.
//!
//! `LINKLOOM_KAFKA_KILLS=20`, `LINKLOOM_KAFKA_REPORTS=n` and `LINKLOOM_KILL_SEED=n` make the tests that kill longer.

mod killed;
mod rebalance;
mod relayed;
mod revoked;
mod served;
mod trouble;
