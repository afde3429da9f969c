//! What a module may ask of its host.

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the author of the module.
    Debug = 0,
    /// Worth knowing.
    Info = 1,
    /// Worth a look.
    Warn = 2,
    /// Something failed.
    Error = 3,
}

/// Writes a line to the module's log. The host keeps a hundred lines of each call and counts the others. Outside of a
/// host, as in a unit test, it goes to standard error.
pub fn log(level: Level, text: &str) {
    imports::log(level, text);
}

/// Milliseconds since 1970. The host must grant it (`clock: true` among the module's limits); a call without stops
/// the module. Most modules want a record's own timestamp instead, which is the same at every reading.
pub fn now() -> i64 {
    imports::now()
}

/// Writes a formatted line to the module's log, as `log!(Info, "{} records", count)`.
#[macro_export]
macro_rules! log {
    ($level:ident, $($message:tt)*) => {
        $crate::host::log($crate::host::Level::$level, &::std::format!($($message)*))
    };
}

#[cfg(target_family = "wasm")]
mod imports {
    use super::Level;

    #[link(wasm_import_module = "tidemill")]
    unsafe extern "C" {
        #[link_name = "log"]
        fn host_log(level: u32, pointer: *const u8, length: usize);
        #[link_name = "now"]
        fn host_now() -> i64;
    }

    pub(super) fn log(level: Level, text: &str) {
        // SAFETY: the host reads the bytes of `text`, which are there until the call returns.
        unsafe { host_log(level as u32, text.as_ptr(), text.len()) }
    }

    pub(super) fn now() -> i64 {
        // SAFETY: it takes nothing and gives a number.
        unsafe { host_now() }
    }
}

#[cfg(not(target_family = "wasm"))]
mod imports {
    use super::Level;

    pub(super) fn log(level: Level, text: &str) {
        eprintln!("[{level:?}] {text}");
    }

    pub(super) fn now() -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
