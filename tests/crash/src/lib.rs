//! The real server as a child process, to be killed and started again, and a load that can tell what
//! was lost, doubled or mixed up.

mod ledger;
mod server;

pub use ledger::{Ledger, Verdict};
pub use server::Server;
