//! Counters of SmartModules, by module and version, in bounded number.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use rustc_hash::FxHashSet;
use tidemill_modules::Stream;
use tidemill_smartengine::{ChainError, Digest, SmartModuleError, StepReport};

/// Versions that are counted by name. Those after share one line: a scrape must stay small.
const MOST: usize = 1_000;
/// The line that they share; no module can be named so.
const OTHERS: &str = "(others)";
/// Digits of a digest that are shown.
const DIGITS: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    module: String,
    version: String,
}

type Counted = Family<Label, Counter>;

#[derive(Default)]
pub(crate) struct SmartModules {
    calls: Counted,
    records_in: Counted,
    records_out: Counted,
    records_failed: Counted,
    crashes: Counted,
    errors: Counted,
    cpu: Family<Label, Counter<f64, AtomicU64>>,
    memory: Family<Label, Gauge>,
    known: Mutex<FxHashSet<(String, Digest)>>,
}

impl SmartModules {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "smartmodule_calls",
            "Runs of batches through a module",
            self.calls.clone(),
        );
        registry.register(
            "smartmodule_records_in",
            "Records that a module was given",
            self.records_in.clone(),
        );
        registry.register(
            "smartmodule_records_out",
            "Records that went on from a module",
            self.records_out.clone(),
        );
        registry.register(
            "smartmodule_records_failed",
            "Records that a module failed",
            self.records_failed.clone(),
        );
        registry.register(
            "smartmodule_crashes",
            "Times that a module crashed, or was stopped at a limit, and went on with other records",
            self.crashes.clone(),
        );
        registry.register(
            "smartmodule_errors",
            "Times that a stream stopped with a module's error",
            self.errors.clone(),
        );
        registry.register_with_unit(
            "smartmodule_cpu",
            "Processor time of a module",
            Unit::Seconds,
            self.cpu.clone(),
        );
        registry.register_with_unit(
            "smartmodule_memory",
            "Memory of the instance of a module that ran last",
            Unit::Bytes,
            self.memory.clone(),
        );
    }

    /// Batches went through a stream; what each of its modules did.
    pub(crate) fn ran(&self, stream: &Stream, reports: &[StepReport]) {
        for (step, report) in reports.iter().enumerate() {
            let Some((module, digest)) = stream.module(step).filter(|_| report.records_in > 0) else {
                continue;
            };
            let label = self.label(module, digest);
            self.calls.get_or_create(&label).inc();
            self.records_in.get_or_create(&label).inc_by(report.records_in);
            self.records_out.get_or_create(&label).inc_by(report.records_out);
            self.records_failed
                .get_or_create(&label)
                .inc_by(report.records_failed);
            self.crashes.get_or_create(&label).inc_by(report.crashes);
            self.cpu.get_or_create(&label).inc_by(report.cpu.as_secs_f64());
            let memory = i64::try_from(report.memory).unwrap_or(i64::MAX);
            self.memory.get_or_create(&label).set(memory);
        }
    }

    /// A stream stopped with the error of one of its modules.
    pub(crate) fn failed(&self, stream: &Stream, error: &ChainError) {
        let Some((module, digest)) = stream.module(error.step) else {
            return;
        };
        let label = self.label(module, digest);
        self.errors.get_or_create(&label).inc();
        if !matches!(
            error.error,
            SmartModuleError::Failed { .. } | SmartModuleError::Engine(_)
        ) {
            self.crashes.get_or_create(&label).inc();
        }
    }

    fn label(&self, module: &str, digest: Digest) -> Label {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let version = (module.to_owned(), digest);
        if !known.contains(&version) {
            if known.len() >= MOST {
                return Label {
                    module: OTHERS.to_owned(),
                    version: String::new(),
                };
            }
            known.insert(version);
        }
        let text = digest.to_text();
        let digits = text.split_once(':').map_or(text.as_str(), |(_, digits)| digits);
        Label {
            module: module.to_owned(),
            version: digits.chars().take(DIGITS).collect(),
        }
    }
}
