//! Tests of the reader's answers over HTTP, from outside.

mod figures;
mod http;
mod ids;
mod intake;
mod live;
mod openapi;
mod page;
mod ready;
mod scenes;
mod sockets;
mod world;
