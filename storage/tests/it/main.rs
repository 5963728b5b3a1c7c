//! Tests of the stores, from outside: one suite for all of them, and what only the embedded store promises.

mod contract;

mod subject;
