//! Tests of the whole: what holds across the crates.

mod architecture;
mod command_line;
mod owned_store;
