//! What a report costs the application.

fn main() {}
