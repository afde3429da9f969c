//! What a batch must satisfy before it is stored.
//!
//! A damaged or dishonest batch would otherwise poison every consumer that reads it, so each record is
//! looked at once here, as Kafka's `LogValidator` does.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use tidemill_wire::batch::{Batch, BatchBuilder, BatchError, RecordData, RecordRef, Records, patch};
use tidemill_wire::codec::CodecError;

use crate::config::{PartitionConfig, TimestampType};
use crate::error::AppendError;

/// Uncompressed bytes that a batch may unfold to: a bound on what a small hostile batch can cost.
const MAX_UNCOMPRESSED: usize = 128 << 20;
/// What may be unfolded without leaving the thread that serves connections.
const AT_ONCE: usize = 1 << 20;

/// Records without a key that a producer is told of.
const KEYLESS_TOLD: usize = 1_000;

/// Checks what a producer sent for one partition and gives the batch to store.
pub(crate) fn validate(records: Bytes, config: &PartitionConfig, now_ms: i64) -> Result<Batch, AppendError> {
    let batch = parse(records, config)?;
    let unfolded = batch.records(MAX_UNCOMPRESSED).map_err(|error| refused(&error))?;
    check(batch, &unfolded, config, now_ms)
}

/// As [`validate`], when that is little work; `None` when it is work for a thread of its own.
pub(crate) fn validate_at_once(
    records: &Bytes,
    config: &PartitionConfig,
    now_ms: i64,
) -> Option<Result<Batch, AppendError>> {
    const LIGHT: usize = 16 << 10;
    let compressed = records.get(22).is_some_and(|attributes| attributes & 0x07 != 0);
    if compressed && records.len() > LIGHT {
        return None;
    }
    let batch = match parse(records.clone(), config) {
        Ok(batch) => batch,
        Err(error) => return Some(Err(error)),
    };
    match batch.records(AT_ONCE) {
        Ok(unfolded) => Some(check(batch, &unfolded, config, now_ms)),
        Err(BatchError::Codec(CodecError::TooLarge { .. })) => None,
        Err(error) => Some(Err(refused(&error))),
    }
}

/// The one batch in `records`, sound as far as can be told without unfolding it.
fn parse(mut records: Bytes, config: &PartitionConfig) -> Result<Batch, AppendError> {
    let size = records.len();
    let batch = Batch::parse(&mut records).map_err(|error| refused(&error))?;
    if !records.is_empty() {
        let reason = "a request carries one batch for a partition, and this one carries more".to_owned();
        return Err(AppendError::InvalidRecord { index: 0, reason });
    }
    if size > config.max_message_bytes {
        return Err(AppendError::TooLarge {
            size,
            max: config.max_message_bytes,
        });
    }
    batch.verify_crc().map_err(|error| refused(&error))?;
    check_header(&batch)?;
    Ok(batch)
}

fn check(
    batch: Batch,
    unfolded: &Records,
    config: &PartitionConfig,
    now_ms: i64,
) -> Result<Batch, AppendError> {
    let max_timestamp = check_records(&batch, unfolded, config, now_ms)?;
    let batch = recompress(batch, unfolded, config)?;
    stamp(batch, config, max_timestamp, now_ms)
}

/// Checks what a topic's transforms made of a batch: it may have grown, or lost keys.
pub(crate) fn after_ingest(batch: &Batch, config: &PartitionConfig) -> Result<(), AppendError> {
    let size = batch.bytes.len();
    if size > config.max_message_bytes {
        return Err(AppendError::TooLarge {
            size,
            max: config.max_message_bytes,
        });
    }
    if !config.log.compact || batch.header.is_gap() {
        return Ok(());
    }
    let corrupt = |error: BatchError| AppendError::Corrupt(error.to_string());
    let records = batch.records(MAX_UNCOMPRESSED).map_err(corrupt)?;
    let mut keyless = Vec::new();
    for record in records.iter() {
        let record = record.map_err(corrupt)?;
        if record.key.is_none() && keyless.len() < KEYLESS_TOLD {
            let index = record.offset.wrapping_sub(batch.header.base_offset);
            keyless.extend(usize::try_from(index));
        }
    }
    match keyless.is_empty() {
        true => Ok(()),
        false => Err(AppendError::MissingKeys { indexes: keyless }),
    }
}

fn refused(error: &BatchError) -> AppendError {
    match error {
        BatchError::UnsupportedMagic(magic) => AppendError::UnsupportedFormat { magic: *magic },
        // Sent again it would be the same: not damage, which clients answer by trying again.
        BatchError::UnknownCodec(_) => invalid(error.to_string()),
        BatchError::Codec(CodecError::TooLarge { .. }) => {
            invalid(format!("{error}; send smaller batches (batch.size)"))
        }
        other => AppendError::Corrupt(other.to_string()),
    }
}

fn invalid(reason: String) -> AppendError {
    AppendError::InvalidRecord { index: 0, reason }
}

fn check_header(batch: &Batch) -> Result<(), AppendError> {
    let header = &batch.header;
    let reason = if header.attributes.control() {
        Cow::from("control batches are written by the server alone")
    } else if header.attributes.transactional() {
        Cow::from("transactions are not supported yet; produce without a transactional id")
    } else if header.record_count <= 0 || header.last_offset_delta != header.record_count - 1 {
        let (count, delta) = (header.record_count, header.last_offset_delta);
        Cow::from(format!(
            "the batch says it holds {count} records with last offset delta {delta}"
        ))
    } else if header.producer_id >= 0 && (header.producer_epoch < 0 || header.base_sequence < 0) {
        Cow::from("an idempotent batch needs a producer epoch and a sequence of 0 or more")
    } else {
        return Ok(());
    };
    Err(AppendError::InvalidRecord {
        index: 0,
        reason: reason.into_owned(),
    })
}

/// Walks the records; gives the largest timestamp.
fn check_records(
    batch: &Batch,
    records: &Records,
    config: &PartitionConfig,
    now_ms: i64,
) -> Result<i64, AppendError> {
    let from = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let to = now_ms.saturating_add(config.timestamp_after_max_ms);
    let create_time = config.timestamp_type == TimestampType::CreateTime;
    let base = batch.header.base_offset;
    let (mut count, mut max_timestamp) = (0usize, -1i64);
    let mut keyless = Vec::new();
    for record in records.iter() {
        let record: RecordRef<'_> = record.map_err(|error| AppendError::Corrupt(error.to_string()))?;
        if record.offset.wrapping_sub(base) != i64::try_from(count).unwrap_or(i64::MAX) {
            let reason = "offset deltas must count up from 0 without gaps".to_owned();
            return Err(AppendError::InvalidRecord { index: count, reason });
        }
        if config.log.compact && record.key.is_none() && keyless.len() < KEYLESS_TOLD {
            keyless.push(count);
        }
        // No timestamp (-1) is legal in Kafka's protocol.
        if create_time && record.timestamp != -1 && (record.timestamp < from || record.timestamp > to) {
            return Err(AppendError::InvalidTimestamp {
                index: count,
                timestamp: record.timestamp,
                from,
                to,
            });
        }
        max_timestamp = max_timestamp.max(record.timestamp);
        count += 1;
    }
    if i64::try_from(count) != Ok(i64::from(batch.header.record_count)) {
        let reason = format!(
            "the batch says it holds {} records and holds {count}",
            batch.header.record_count
        );
        return Err(AppendError::InvalidRecord { index: count, reason });
    }
    if !keyless.is_empty() {
        return Err(AppendError::MissingKeys { indexes: keyless });
    }
    Ok(max_timestamp)
}

/// Gives the batch the codec that the topic asks for.
fn recompress(batch: Batch, records: &Records, config: &PartitionConfig) -> Result<Batch, AppendError> {
    let corrupt = |error: BatchError| AppendError::Corrupt(error.to_string());
    let Some(wanted) = config.compression else {
        return Ok(batch);
    };
    if batch.header.attributes.compression().map_err(corrupt)? == wanted {
        return Ok(batch);
    }
    let mut builder = BatchBuilder::new(wanted);
    for record in records.iter() {
        let record = record.map_err(corrupt)?;
        let headers: Vec<(&[u8], Option<&[u8]>)> = record.headers.iter().collect();
        builder.append(&RecordData {
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            headers: &headers,
        });
    }
    let header = &batch.header;
    let mut bytes = builder
        .with_producer(header.producer_id, header.producer_epoch, header.base_sequence)
        .build();
    Batch::parse(&mut bytes).map_err(corrupt)
}

/// Sets the time stamps that the header must bear.
fn stamp(
    batch: Batch,
    config: &PartitionConfig,
    max_timestamp: i64,
    now_ms: i64,
) -> Result<Batch, AppendError> {
    let append_time = config.timestamp_type == TimestampType::LogAppendTime;
    let honest = batch.header.max_timestamp == max_timestamp && !batch.header.attributes.log_append_time();
    if !append_time && honest {
        return Ok(batch);
    }
    let mut bytes = BytesMut::from(batch.bytes.as_ref());
    if append_time {
        patch::set_log_append_time(&mut bytes, now_ms);
    } else {
        // The time index trusts the header, so it must tell the truth.
        patch::set_create_time(&mut bytes, max_timestamp);
    }
    Batch::parse(&mut bytes.freeze()).map_err(|error| AppendError::Corrupt(error.to_string()))
}
