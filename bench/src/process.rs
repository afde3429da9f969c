//! What a process has used: memory now, CPU time so far. Read from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// Clock ticks a second of `/proc/<pid>/stat`: fixed by the kernel's interface on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Resident memory in MiB.
///
/// # Errors
/// The process is gone.
pub fn resident_mib(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = text
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("no VmRSS")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("no number in VmRSS")?
        .parse()?;
    Ok(kib / 1024.0)
}

/// CPU time used so far, user and system, in seconds.
///
/// # Errors
/// The process is gone.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    // The second field is the name in parentheses and may hold blanks: count from behind it.
    let (_, rest) = text
        .rsplit_once(") ")
        .context("no name in the stat of the process")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let user: f64 = fields.get(11).context("no user time")?.parse()?;
    let system: f64 = fields.get(12).context("no system time")?.parse()?;
    Ok((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, resident_mib};

    #[test]
    fn reads_this_process_and_refuses_one_that_is_gone() {
        let pid = std::process::id();
        assert!(resident_mib(pid).unwrap() > 1.0);
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(resident_mib(u32::MAX).is_err());
    }
}
