//! Telling whoever started the server where it is.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

/// Takes away what an earlier server wrote: until this one is ready, nobody must take it for ready.
pub(crate) fn clear(path: &Path) -> std::io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => std::fs::remove_file(path),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes `{"kafka": "host:port", "http": "http://host:port", "pid": n}`: whole or not at all.
pub(crate) fn write(path: &Path, kafka: SocketAddr, http: SocketAddr) -> std::io::Result<()> {
    let ready = serde_json::json!({
        "kafka": kafka.to_string(),
        "http": format!("http://{http}"),
        "pid": std::process::id(),
    });
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    std::fs::write(&temporary, format!("{ready}\n"))?;
    std::fs::rename(&temporary, path)
}
