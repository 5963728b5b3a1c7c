//! Tests of the whole: what holds across the crates.

mod architecture;
mod bad_input;
mod cli_convert;
mod cli_dead;
mod cli_dsl;
mod cli_verify;
mod command_line;
mod others_data;
mod owned_store;
mod workplace;
