//! Numbers with which a server would start and not work.

use serde_json::Value;
use tidemill_metadata::MAX_PARTITIONS;

use super::ServerConfig;

/// What Kafka's protocol can say.
const MOST: u64 = i32::MAX as u64;
/// A hundred years: sums of times must not overflow.
const LONGEST_MS: u64 = 100 * 365 * 24 * 3_600 * 1_000;
/// Least bytes of anything that requests or tables of keys must fit into.
const LEAST_BYTES: u64 = 1 << 10;

/// Names of settings, with the least and the most that each may be.
const RANGES: [(&str, u64, u64); 22] = [
    ("node-id", 0, MOST),
    ("default-partitions", 1, MAX_PARTITIONS as u64),
    ("max-connections", 1, u64::MAX),
    ("max-connections-per-ip", 1, u64::MAX),
    ("max-request-bytes", LEAST_BYTES, MOST),
    ("request-memory-bytes", LEAST_BYTES, u64::MAX),
    ("response-memory-bytes", LEAST_BYTES, u64::MAX),
    ("idle-timeout-ms", 1, LONGEST_MS),
    ("request-read-timeout-ms", 1, LONGEST_MS),
    ("fetch-max-bytes", 1, MOST),
    ("maintenance-interval-ms", 1, LONGEST_MS),
    ("offsets-partitions", 1, MAX_PARTITIONS as u64),
    ("offsets-segment-bytes", LEAST_BYTES, MOST),
    ("compaction-backoff-ms", 1, LONGEST_MS),
    ("compaction-threads", 1, 1 << 10),
    ("compaction-memory-bytes", LEAST_BYTES, u64::MAX),
    ("group-initial-rebalance-delay-ms", 0, LONGEST_MS),
    ("group-min-session-timeout-ms", 1, MOST),
    ("http-max-connections", 1, u64::MAX),
    ("http-max-watches", 1, u64::MAX),
    ("http-max-uploads", 1, 1 << 10),
    ("smartmodule-max-bytes", LEAST_BYTES, MOST),
];

/// Finds the first number that is outside what it may be.
pub(super) fn check(config: &ServerConfig) -> Result<(), String> {
    let settings = serde_json::to_value(config).map_err(|error| error.to_string())?;
    let outside = |(name, least, most): &(&str, u64, u64)| {
        // A negative number is none.
        let number = settings.get(name).and_then(Value::as_u64);
        number.is_none_or(|number| number < *least || number > *most)
    };
    match RANGES.into_iter().find(outside) {
        None => Ok(()),
        Some((name, least, u64::MAX)) => Err(format!("{name}: use a number of at least {least}")),
        Some((name, least, most)) => Err(format!("{name}: use a number from {least} to {most}")),
    }
}
