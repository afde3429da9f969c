//! What was measured, for programs and for people.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::output;

/// Spans of time, to three digits.
#[derive(Clone)]
pub(super) struct Latency {
    /// In nanoseconds. `None` never comes up, as the bounds are right; nothing is measured then.
    spans: Option<Histogram<u64>>,
}

/// The percentiles shown, with their names.
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

impl Latency {
    pub(super) fn new() -> Self {
        const LONGEST_NS: u64 = 3_600 * 1_000_000_000;
        Self {
            spans: Histogram::new_with_bounds(1, LONGEST_NS, 3).ok(),
        }
    }

    /// Takes in one span; more than an hour counts as an hour.
    #[inline]
    pub(super) fn record(&mut self, ns: u64) {
        if let Some(spans) = &mut self.spans {
            spans.saturating_record(ns);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if let (Some(spans), Some(other)) = (&mut self.spans, &other.spans) {
            // Both have the same bounds.
            let _ = spans.add(other);
        }
    }

    pub(super) fn samples(&self) -> u64 {
        self.spans.as_ref().map_or(0, Histogram::len)
    }

    /// Names and spans: the percentiles, then the longest.
    fn figures(&self) -> Vec<(&'static str, Duration)> {
        let Some(spans) = &self.spans else {
            return Vec::new();
        };
        let percentiles = PERCENTILES
            .iter()
            .map(|(name, quantile)| (*name, spans.value_at_quantile(*quantile)));
        let all = percentiles.chain([("max", spans.max())]);
        all.map(|(name, ns)| (name, Duration::from_nanos(ns))).collect()
    }

    /// In milliseconds; null if nothing was measured.
    pub(super) fn json(&self) -> Value {
        if self.samples() == 0 {
            return Value::Null;
        }
        let mut object = json!({});
        for (name, span) in self.figures() {
            object[name] = rounded(span.as_secs_f64() * 1e3, 4);
        }
        object["samples"] = json!(self.samples());
        object
    }

    /// On one line.
    pub(super) fn text(&self) -> String {
        let figure = |(name, span): (&str, Duration)| format!("{name} {}", output::duration(span));
        let figures: Vec<String> = self.figures().into_iter().map(figure).collect();
        figures.join("  ")
    }
}

/// How much moved in how long.
#[derive(Clone, Copy)]
pub(super) struct Throughput {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// Processor time that this process used meanwhile.
    pub(super) cpu_seconds: f64,
}

impl Throughput {
    fn rate(&self, amount: u64) -> f64 {
        amount as f64 / self.seconds.max(1e-9)
    }

    /// Adds its figures to an object.
    pub(super) fn add_to(&self, object: &mut Value) {
        object["records"] = json!(self.records);
        object["bytes"] = json!(self.bytes);
        object["seconds"] = rounded(self.seconds, 6);
        object["recordsPerSecond"] = rounded(self.rate(self.records), 1);
        object["megabytesPerSecond"] = rounded(self.rate(self.bytes) / 1e6, 3);
        object["clientCpuSeconds"] = rounded(self.cpu_seconds, 3);
    }

    /// On one line.
    pub(super) fn text(&self) -> String {
        format!(
            "{} records/s   {:.1} MB/s   {:.2} s of processor time in this client",
            output::count(self.rate(self.records).round() as u64),
            self.rate(self.bytes) / 1e6,
            self.cpu_seconds
        )
    }
}

/// A number with so many digits after the point.
pub(super) fn rounded(number: f64, digits: i32) -> Value {
    let scale = 10f64.powi(digits);
    json!((number * scale).round() / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latency = Latency::new();
        assert_eq!(latency.json(), Value::Null);
        (1..=1_000).for_each(|n| latency.record(n * 1_000_000));
        let figures = latency.json();
        assert_eq!(figures["samples"], 1_000);
        let ms = |name: &str| figures[name].as_f64().unwrap();
        assert!(
            (ms("p50") - 500.0).abs() < 1.0 && (ms("p99.9") - 999.0).abs() < 1.0,
            "{figures}"
        );
        assert!(latency.text().starts_with("p50 500"), "{}", latency.text());
    }

    #[test]
    fn throughput_is_amount_over_time() {
        let mut object = json!({});
        Throughput {
            records: 500,
            bytes: 3_000_000,
            seconds: 2.0,
            cpu_seconds: 0.5,
        }
        .add_to(&mut object);
        assert_eq!(
            (
                object["recordsPerSecond"].as_f64(),
                object["megabytesPerSecond"].as_f64()
            ),
            (Some(250.0), Some(1.5))
        );
    }
}
