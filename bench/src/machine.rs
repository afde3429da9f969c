//! The machine that the figures are of.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

/// Processor, cores, memory and kernel, in one line.
#[must_use]
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
        .map_or_else(String::new, |kib| {
            format!(", {} GiB of memory", (kib + (1 << 19)) >> 20)
        });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split('-').next().unwrap_or_default().trim().to_owned();
    format!("{processor}, {cores} cores{memory}, Linux {kernel}; server, peer and clients share it")
}

/// Makes at least `bytes` of free memory present: writes a file in `dir` and removes it.
///
/// A virtual machine may give free memory back to its host within seconds. The first touch of each page then waits for
/// the host: 2 s of system time a GiB, three times what taking in the records costs, for whoever comes first.
///
/// # Errors
/// The file cannot be written.
pub fn take_memory(dir: &Path, bytes: u64) -> Result<()> {
    let path = dir.join("memory");
    let context = || format!("cannot write {}", path.display());
    let piece = vec![0; 64 << 10];
    let mut file = File::create(&path).with_context(context)?;
    for _ in 0..bytes.div_ceil(piece.len() as u64) {
        file.write_all(&piece).with_context(context)?;
    }
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
