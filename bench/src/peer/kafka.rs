//! Apache Kafka: one node in KRaft mode, from the jars that `cargo xtask setup kafka` fetches.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a start may take before the run gives up.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long Kafka may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Any id will do: a cluster of one is told from no other.
const CLUSTER_ID: &str = "dGlkZW1pbGwtYmVuY2gtMQ";

/// How the broker is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the jars are: `target/tools/kafka/jars`.
    pub jars: PathBuf,
    /// The broker's directory: its properties, logs and output.
    pub dir: PathBuf,
    /// Size of the JVM's heap in MiB. Kafka's own start script gives 1024.
    pub heap_mib: u32,
    /// More lines for `server.properties`, such as `log.flush.interval.messages`.
    pub properties: Vec<(String, String)>,
}

/// A running Kafka. Dropping it kills it; its directory is the caller's to remove.
#[derive(Debug)]
pub struct Kafka {
    child: Child,
    address: SocketAddr,
    started_in: Duration,
}

impl Kafka {
    /// Formats the directory, starts the broker and waits until it accepts connections.
    ///
    /// # Errors
    /// No Java, no jars, or the broker ended or was not ready within a minute; with the end of its output.
    pub fn start(settings: &Settings) -> Result<Kafka> {
        fs::create_dir_all(&settings.dir)
            .with_context(|| format!("cannot make {}", settings.dir.display()))?;
        let [broker, controller] = free_ports()?;
        let properties = settings.dir.join("server.properties");
        fs::write(&properties, render(settings, broker, controller)?)
            .with_context(|| format!("cannot write {}", properties.display()))?;
        format_storage(settings, &properties)?;
        let output = fs::File::create(settings.dir.join("server.out"))?;
        let begin = Instant::now();
        let mut command = java(settings);
        command.arg("kafka.Kafka").arg(&properties);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command
            .spawn()
            .context("cannot start java: run `cargo xtask setup`")?;
        let address = SocketAddr::from(([127, 0, 0, 1], broker));
        let mut kafka = Kafka {
            child,
            address,
            started_in: Duration::ZERO,
        };
        kafka.wait_ready(begin, &settings.dir)?;
        kafka.started_in = begin.elapsed();
        Ok(kafka)
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process, to read its memory and CPU time by.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process until it accepted connections. Formatting is not counted.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Stops it as an operator would, and kills it when that takes too long.
    ///
    /// # Errors
    /// The process cannot be signalled or waited for.
    pub fn stop(mut self) -> Result<()> {
        let status = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !status.success() {
            bail!("cannot send SIGTERM to Kafka (pid {})", self.child.id());
        }
        let deadline = Instant::now() + STOP_WITHIN;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(()) // dropping it kills it
    }

    fn wait_ready(&mut self, begin: Instant, dir: &Path) -> Result<()> {
        while TcpStream::connect_timeout(&self.address, Duration::from_millis(200)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("Kafka ended with {status}:\n{}", tail(&dir.join("server.out")));
            }
            if begin.elapsed() > READY_WITHIN {
                bail!("Kafka was not ready in time:\n{}", tail(&dir.join("server.out")));
            }
            thread::sleep(Duration::from_millis(5));
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

/// A `java` command with Kafka's jars on its class path, for its tools too.
#[must_use]
pub fn java(settings: &Settings) -> Command {
    let mut command = Command::new("java");
    // The collector and heap of Kafka's own start script.
    command.args([
        format!("-Xmx{}m", settings.heap_mib),
        format!("-Xms{}m", settings.heap_mib),
    ]);
    command.args([
        "-server",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-Djava.awt.headless=true",
        "-cp",
    ]);
    command.arg(settings.jars.join("*"));
    command
}

/// The version, by the name of its client's jar.
///
/// # Errors
/// The jars are not there.
pub fn version(jars: &Path) -> Result<String> {
    let entries = fs::read_dir(jars).with_context(|| format!("cannot read {}", jars.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut versions = names.filter_map(|name| {
        let version = name.strip_prefix("kafka-clients-")?.strip_suffix(".jar")?;
        version
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| version.to_owned())
    });
    versions
        .next()
        .context("no kafka-clients among the jars: run `cargo xtask setup kafka`")
}

fn format_storage(settings: &Settings, properties: &Path) -> Result<()> {
    let output = java(settings)
        .args([
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
        ])
        .arg(properties)
        .stdin(Stdio::null())
        .output()
        .context("cannot start java: run `cargo xtask setup`")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("Kafka cannot format its directory (are its jars there? `cargo xtask setup kafka`): {said}");
    }
    Ok(())
}

/// `server.properties` of one node that is broker and controller.
fn render(settings: &Settings, broker: u16, controller: u16) -> Result<String> {
    let mut text = format!(
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
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n",
        settings.dir.join("logs").display()
    );
    for (name, value) in &settings.properties {
        writeln!(text, "{name}={value}")?;
    }
    Ok(text)
}

/// Two ports that are free now. Held together, so that they differ.
fn free_ports() -> Result<[u16; 2]> {
    let one = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    let two = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok([one.local_addr()?.port(), two.local_addr()?.port()])
}

fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Settings, render};

    #[test]
    fn properties_end_with_what_the_caller_adds() {
        let settings = Settings {
            jars: PathBuf::from("jars"),
            dir: PathBuf::from("peer"),
            heap_mib: 1024,
            properties: vec![("log.flush.interval.messages".to_owned(), "1".to_owned())],
        };
        let text = render(&settings, 19092, 19093).unwrap();
        assert!(text.contains("listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093\n"));
        assert!(text.contains("log.dirs=peer/logs\n"));
        assert!(text.ends_with("log.flush.interval.messages=1\n"));
    }
}
