//! The `linkloom` command.
fn main() {}
