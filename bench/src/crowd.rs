//! Many connections that do nothing, or next to nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::peer::Subject;

/// Files that a process needs beside its connections.
const OTHER_FILES: u64 = 512;
/// How long a server may take to accept all, and to answer one.
const PATIENCE: Duration = Duration::from_secs(60);
/// A response larger than this is none.
const MOST: usize = 1 << 20;

/// Lets this process, and the servers that it starts from now on, have as many connections.
///
/// # Errors
/// The system does not allow it.
pub fn allow_files(connections: usize) -> Result<()> {
    let needed = connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let mend = || {
        format!(
            "{connections} connections need {needed} open files, and the limit is {}: raise it with `ulimit -Hn \
             {needed}` as root, or ask for fewer with --connections (0 leaves them out)",
            limit.maximum.unwrap_or_default()
        )
    };
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        bail!(mend());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).with_context(mend)
}

/// Open connections to one server.
pub struct Crowd {
    connections: Vec<TcpStream>,
    next: i32,
}

impl Crowd {
    /// Connects `count` times, and waits until the server has taken all.
    ///
    /// # Errors
    /// The server refuses, or is not done within a minute.
    pub fn gather(subject: &Subject, count: usize) -> Result<Crowd> {
        let before = open_sockets(subject.pid())?;
        let address = subject.bootstrap();
        let mut connections = Vec::with_capacity(count);
        for at in 0..count {
            let stream = TcpStream::connect(&address)
                .with_context(|| format!("connection {at} of {count} to {address} failed"))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let begin = Instant::now();
        while open_sockets(subject.pid())? < before + count {
            if begin.elapsed() > PATIENCE {
                let held = open_sockets(subject.pid())?.saturating_sub(before);
                bail!("{} took {held} of {count} connections only", subject.name());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Crowd { connections, next: 0 })
    }

    /// Has each connection do what a client does first: ask for the API's versions and for metadata.
    ///
    /// # Errors
    /// One of them is not answered, or not this question.
    pub fn speak(&mut self) -> Result<()> {
        for stream in &mut self.connections {
            // ApiVersions version 0; Metadata version 1, of all topics.
            for (api, version, body) in [(18, 0, &[][..]), (3, 1, &[0xff; 4])] {
                self.next = self.next.wrapping_add(1);
                ask(stream, (api, version), self.next, body)?;
            }
        }
        Ok(())
    }
}

fn ask(stream: &mut TcpStream, (api, version): (i16, i16), correlation: i32, body: &[u8]) -> Result<()> {
    let mut request = Vec::new();
    request.extend(api.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(correlation.to_be_bytes());
    request.extend(5_i16.to_be_bytes());
    request.extend(b"bench");
    request.extend(body);
    let mut frame = i32::try_from(request.len())?.to_be_bytes().to_vec();
    frame.extend(request);
    stream.write_all(&frame)?;
    let mut head = [0; 8];
    stream
        .read_exact(&mut head)
        .context("a connection was closed, or its request was not answered")?;
    let [a, b, c, d, e, f, g, h] = head;
    ensure!(
        i32::from_be_bytes([e, f, g, h]) == correlation,
        "an answer to another question"
    );
    let rest = usize::try_from(i32::from_be_bytes([a, b, c, d]))?.saturating_sub(4);
    ensure!(rest <= MOST, "an answer of {rest} bytes is none");
    stream.read_exact(&mut vec![0; rest])?;
    Ok(())
}

/// How many of a process's open files are sockets: a server opens and closes other files all the time.
fn open_sockets(pid: u32) -> Result<usize> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).context("the process is gone")?;
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    Ok(targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count())
}
