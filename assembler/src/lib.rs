//! Windows per execution: digests in, summaries out. The core is pure: time is an argument.
