//! Tests of the whole: what holds across the crates, and the laws.

mod architecture;
mod command_line;
mod kill;
mod laws;
mod simulation;
mod support;
