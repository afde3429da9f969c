//! One page of the server, over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const LIMIT: Duration = Duration::from_secs(5);

/// What is at `path` of `base`, such as `http://127.0.0.1:8092`.
///
/// HTTP/1.0, where a page ends with its connection: all that a local server's own pages need.
pub(crate) fn get(base: &str, path: &str) -> Result<String> {
    let address = base.strip_prefix("http://").unwrap_or(base);
    let mut answer = String::new();
    exchange(address, path, &mut answer).with_context(|| format!("cannot read {base}{path}"))?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("{base}{path}: the answer ends within its headers");
    };
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{base}{path}: {status}");
    }
    Ok(body.to_owned())
}

fn exchange(address: &str, path: &str, answer: &mut String) -> std::io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(LIMIT))?;
    connection.set_write_timeout(Some(LIMIT))?;
    write!(connection, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    connection.read_to_string(answer)?;
    Ok(())
}
