//! How the process takes memory from the system.

/// Asks for small pages only. The allocator wants huge ones for its arenas, and clearing 2 MiB at a first touch held
/// a request up for 4 ms, once in a hundred, and tripled the memory under load: see the decision in `docs/adr/0007`.
/// Children inherit it.
pub(crate) fn take_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        // Kernels without huge pages have nothing to turn off.
        tracing::debug!(%error, "huge pages stay on");
    }
}
