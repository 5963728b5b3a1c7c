//! Integration tests of the reporter.

mod conformance;
