//! Apache Kafka itself, one node from the jars that the set-up fetched: the peer of the differential suite.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::java::java;
use crate::program::output;
use crate::suite::Target;

const FORMAT_LIMIT: Duration = Duration::from_secs(60);
const READY_LIMIT: Duration = Duration::from_secs(90);
/// Any id will do: a cluster of one is told from no other.
const CLUSTER_ID: &str = "dGlkZW1pbGwtY29tcGF0MQ";

/// A running Kafka. Dropping it kills it and removes its data.
pub(crate) struct Kafka {
    child: Child,
    address: String,
    _dir: TempDir,
}

impl Kafka {
    /// Formats a directory, starts the broker on it and waits until it accepts connections.
    pub(crate) fn start(target: &Target) -> Result<Kafka> {
        let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
        let [broker, controller] = free_ports()?;
        let properties = dir.path().join("server.properties");
        fs::write(&properties, render(dir.path(), broker, controller))?;
        let mut format = java(target, None);
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
        ]);
        output(format.arg(&properties), &[], FORMAT_LIMIT).context("Kafka cannot format its directory")?;
        let log = File::create(dir.path().join("server.out"))?;
        let mut command: Command = java(target, None);
        command.arg("kafka.Kafka").arg(&properties);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("cannot start Kafka")?;
        let mut kafka = Kafka {
            child,
            address: format!("127.0.0.1:{broker}"),
            _dir: dir,
        };
        kafka.wait_ready()?;
        Ok(kafka)
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_LIMIT;
        while TcpStream::connect(&self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("Kafka ended with {status} before it was ready");
            }
            if Instant::now() > deadline {
                bail!("Kafka was not ready within {} s", READY_LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One node that is broker and controller, with the defaults of Kafka where the number of nodes allows.
fn render(dir: &Path, broker: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n",
        dir.join("logs").display()
    )
}

/// Two ports that are free now. Held together, so that they differ.
fn free_ports() -> Result<[u16; 2]> {
    let one = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    let two = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok([one.local_addr()?.port(), two.local_addr()?.port()])
}
