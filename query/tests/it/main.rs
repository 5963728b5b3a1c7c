//! Tests of the reader's answers over HTTP, from outside.

mod http;
mod ids;
mod ready;
mod sockets;
mod world;
