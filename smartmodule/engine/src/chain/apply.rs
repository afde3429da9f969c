//! What an answer makes of the records.

use tidemill_frame::{Answer, AnswerRecords, Body, put_raw};

use super::step::{OnError, StepReport};
use super::work::Work;
use crate::description::Kind;
use crate::error::SmartModuleError;

/// What came of one step.
#[derive(Default)]
pub(super) struct Applied {
    /// The records that go on; `None` when they are the same.
    pub(super) next: Option<Work>,
    /// In numbers.
    pub(super) report: StepReport,
    /// Which of the step's records failed, and why.
    pub(super) failed: Vec<(u32, String)>,
}

/// Applies an answer to the records that it answers.
pub(super) fn apply(
    work: &Work,
    kind: Kind,
    on_error: OnError,
    answer: &Answer<'_>,
) -> Result<Applied, SmartModuleError> {
    let failed: Vec<(u32, String)> = answer
        .failed()
        .map(|failed| (failed.index, failed.message.to_owned()))
        .collect();
    let kept = |index: u32| (on_error == OnError::Pass).then_some(index);
    let passed: Vec<u32> = match kind {
        // A record that a validating module refused is refused, whatever the policy.
        Kind::Validate => Vec::new(),
        _ => failed.iter().filter_map(|(index, _)| kept(*index)).collect(),
    };
    let next = match (answer.body(), kind) {
        (Body::Selection(bits), Kind::Filter | Kind::Validate) => select(work, bits, &failed, &passed)?,
        (Body::Records(records), Kind::Map) => {
            one_of_each(records, work, &failed)?;
            Some(replace(work, records, &passed)?)
        }
        (Body::Records(records), Kind::FilterMap | Kind::Join) => {
            at_most_one_of_each(records)?;
            Some(replace(work, records, &passed)?)
        }
        (Body::Records(records), Kind::FlatMap | Kind::Aggregate) => Some(replace(work, records, &passed)?),
        (Body::Selection(_), kind) => {
            return Err(wrong(kind, "records, not a selection"));
        }
        (Body::Records(_), kind) => return Err(wrong(kind, "a selection, not records")),
    };
    let out = next.as_ref().map_or(work.count(), Work::count);
    Ok(Applied {
        report: StepReport {
            records_in: u64::from(work.count()),
            records_out: u64::from(out),
            records_failed: failed.len() as u64,
            ..StepReport::default()
        },
        next,
        failed,
    })
}

fn wrong(kind: Kind, what: &str) -> SmartModuleError {
    SmartModuleError::Answer(format!("a module of kind `{}` answers with {what}", kind.name()))
}

/// Copies the records that are kept, in runs.
fn select(
    work: &Work,
    bits: &[u8],
    failed: &[(u32, String)],
    passed: &[u32],
) -> Result<Option<Work>, SmartModuleError> {
    let chosen = |index: u32| {
        bits.get(index as usize / 8)
            .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    };
    let keep = |index: u32| {
        let has_failed = !failed.is_empty() && failed.binary_search_by_key(&index, |(at, _)| *at).is_ok();
        if has_failed {
            passed.binary_search(&index).is_ok()
        } else {
            chosen(index)
        }
    };
    if (0..work.count()).all(keep) {
        return Ok(None);
    }
    let body = work.body();
    let mut out = Vec::with_capacity(body.len());
    let mut origins = Vec::with_capacity(work.count() as usize);
    // A run of kept records is copied as one.
    let (mut at, mut run) = (0, None);
    for (index, record) in (0..).zip(work.records()) {
        let length = record?.whole.len();
        if keep(index) {
            run.get_or_insert(at);
            origins.push(work.origin(index));
        } else if let Some(begin) = run.take() {
            out.extend_from_slice(&body[begin..at]);
        }
        at += length;
    }
    if let Some(begin) = run {
        out.extend_from_slice(&body[begin..at]);
    }
    Ok(Some(work.with(out, origins)))
}

/// Writes the answer's records at the offsets of their sources, and between them those that pass as they are.
fn replace(work: &Work, records: AnswerRecords<'_>, passed: &[u32]) -> Result<Work, SmartModuleError> {
    let mut out = Vec::with_capacity(work.body().len());
    let mut origins = Vec::with_capacity(records.len());
    let mut records = records.peekable();
    for (index, source) in (0..).zip(work.records()) {
        let source = source?;
        while let Some(record) = records.next_if(|record| record.source == index) {
            put_raw(&mut out, record.timestamp_delta, source.offset_delta, record.rest);
            origins.push(work.origin(index));
        }
        if passed.binary_search(&index).is_ok() {
            out.extend_from_slice(source.whole);
            origins.push(work.origin(index));
        }
    }
    Ok(work.with(out, origins))
}

fn at_most_one_of_each(records: AnswerRecords<'_>) -> Result<(), SmartModuleError> {
    let mut last = None;
    for record in records {
        if last == Some(record.source) {
            return Err(SmartModuleError::Answer(format!(
                "record {} has more than one answer",
                record.source
            )));
        }
        last = Some(record.source);
    }
    Ok(())
}

/// A map answers every record that it does not fail.
fn one_of_each(
    records: AnswerRecords<'_>,
    work: &Work,
    failed: &[(u32, String)],
) -> Result<(), SmartModuleError> {
    at_most_one_of_each(records)?;
    let answered = records.len() + failed.len();
    if answered == work.count() as usize {
        return Ok(());
    }
    Err(SmartModuleError::Answer(format!(
        "a map answers each record once; {} of {} have an answer",
        answered,
        work.count()
    )))
}
