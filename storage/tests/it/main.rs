//! Tests of the stores, from outside: one suite for all of them, and what only one of them promises.

mod contract;
mod damage;
mod embedded;
mod faults;
mod hbase;
mod kill;
mod model;
mod retention;
mod subject;
