//! The servers that Tidemill is measured against, each started on a directory and ports of its own.

pub mod kafka;
