//! Connections.

mod connection;
mod frames;
mod listener;
mod reader;

pub use frames::Frames;
pub use listener::serve;
