//! Connections: one task each, that reads requests, has them answered in order, and writes the answers.

mod connection;
mod frames;
mod ledger;
mod listener;
mod piece;
mod progress;
mod reader;
mod room;
mod share;
mod stranger;

pub use frames::Frames;
pub use listener::serve;
pub use piece::Piece;
