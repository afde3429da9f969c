//! The servers that are measured, each started on a directory and ports of its own.

pub mod kafka;
pub mod tidemill;
