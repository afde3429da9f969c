//! One Tidemill server: settings in, running node out.
//!
//! **Purpose.** [`Server::start`] wires the metadata, the partitions, the Kafka listener and the control
//! plane together, in an order in which nothing is reachable before it works, and [`Running::shutdown`]
//! takes them down in the reverse order.
//!
//! **Must not know.** The client library and the command line.

mod config;
mod live;
mod lock;
mod modules;
mod ready;
mod start;

pub use config::{ConfigError, ServerConfig};
pub use start::{Running, Server, StartError};
