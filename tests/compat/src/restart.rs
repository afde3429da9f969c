//! The server is killed under each client and started again on its port: nothing is lost, nothing comes twice.

use std::process::Command;

use anyhow::Result;

use crate::case::Results;
use crate::java;
use crate::program::run_asking;
use crate::server::Server;
use crate::suite::{Target, node, python};

/// The settings are the server's own: every acknowledged record is on disk.
const SETTINGS: &str = "";

/// Runs the program of each client against one server, which they have killed.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    let Some(binary) = &target.binary else {
        eprintln!("  | skipped: a foreign broker is not killed");
        return Ok(());
    };
    let mut server = Server::start(binary, SETTINGS)?;
    let mut target = target.clone();
    server.kafka().clone_into(&mut target.bootstrap);
    let programs: [Command; 3] = [
        python(&target, "restart_suite.py"),
        node(&target, "restart_suite.js"),
        java::program(&target, "RestartSuite")?,
    ];
    for mut program in programs {
        run_asking(&mut program, results, |ask| match ask {
            "restart" => server.restart(),
            other => anyhow::bail!("the suite asks for {other:?}, which there is not"),
        })?;
    }
    for wound in server.wounds() {
        results.record(&wound.case, wound.ok, &wound.detail)?;
    }
    Ok(())
}
