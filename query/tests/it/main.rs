//! Tests of the reader's answers over HTTP, from outside.

mod http;
mod ids;
mod openapi;
mod ready;
mod scenes;
mod sockets;
mod world;
