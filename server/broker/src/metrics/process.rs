//! The process as the system sees it, under the names that every Prometheus client library uses. Linux only: elsewhere
//! the lines are left out.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Clock ticks a second in `/proc`: fixed at 100 by the kernel's interface on every platform that is supported.
const TICKS: f64 = 100.0;

/// What is known of the process now.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::with_prefix("process");
    // A page without these lines is better than none.
    let _ = fill(&mut registry);
    registry
}

fn fill(registry: &mut Registry) -> Option<()> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| -> Option<u64> { fields.get(number.checked_sub(3)?)?.parse().ok() };

    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(as_seconds(field(14)?.saturating_add(field(15)?)));
    registry.register_with_unit("cpu", "Processor time used, user and system", Unit::Seconds, cpu);

    let memory = Gauge::<i64>::default();
    memory.set(resident_bytes()?);
    registry.register_with_unit("resident_memory", "Memory held", Unit::Bytes, memory);

    let threads = Gauge::<i64>::default();
    threads.set(i64::try_from(field(20)?).ok()?);
    registry.register("threads", "Threads of the process", threads);

    let files = Gauge::<i64>::default();
    files.set(i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()?);
    registry.register("open_fds", "Open files and connections", files);

    let started = Gauge::<f64, AtomicU64>::default();
    started.set(boot_seconds()? + as_seconds(field(22)?));
    registry.register_with_unit(
        "start_time",
        "When the process began, since the Unix epoch",
        Unit::Seconds,
        started,
    );
    Some(())
}

#[allow(clippy::cast_precision_loss, reason = "exact for the first 2.8 million years")]
fn as_seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS
}

/// When the system booted, in seconds since the Unix epoch.
fn boot_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use prometheus_client::encoding::text::encode_registry;

    #[test]
    fn the_process_is_described() {
        let mut page = String::new();
        encode_registry(&mut page, &super::registry()).unwrap();
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {page}"))
                .trim()
                .parse()
                .unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 100_000.0);
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_threads ") >= 1.0);
        assert!(value("process_cpu_seconds_total ") >= 0.0);
        // After this was written, and not in the far future: the unit is right.
        assert!((1.7e9..1.0e11).contains(&value("process_start_time_seconds ")));
    }
}
