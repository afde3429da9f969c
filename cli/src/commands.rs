//! One file a command.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub(crate) mod consume;
pub(crate) mod produce;
pub(crate) mod serve;
pub(crate) mod topic;

use std::future::Future;
use std::process::ExitCode;

use clap::Args;
use tidemill_client::{Client, Error, ErrorKind};

/// How a client command finds the server.
#[derive(Args, Debug)]
pub(crate) struct Connection {
    /// Server to connect to, as host:port
    #[arg(
        long,
        short = 'b',
        env = "TIDEMILL_BOOTSTRAP",
        default_value = "127.0.0.1:9092",
        global = true
    )]
    bootstrap: String,
}

impl Connection {
    pub(crate) async fn open(&self) -> Result<Client, Error> {
        Client::connect(self.bootstrap.as_str()).await
    }
}

/// Runs a client command on a small runtime of its own.
pub(crate) fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

/// Prints the error and says by the exit code what kind it was: 3 not found, 4 already there or in
/// conflict, 5 no connection, 6 too late, 1 anything else.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    let kind = error.downcast_ref::<Error>().map(Error::kind);
    ExitCode::from(match kind {
        Some(ErrorKind::NotFound) => 3,
        Some(ErrorKind::AlreadyExists | ErrorKind::Conflict) => 4,
        Some(ErrorKind::Unavailable) => 5,
        Some(ErrorKind::Timeout) => 6,
        _ => 1,
    })
}
