//! Random batches, and the reference implementations that they are held against.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tidemill_wire::batch::{Attributes, BatchBuilder, RecordData, RecordRef};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::indexmap::IndexMap;
use tidemill_wire::kafka::protocol::StrBytes;
use tidemill_wire::kafka::records::{
    Compression as TheirCodec, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
    RecordSet, TimestampType,
};

/// A record, owned.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    pub timestamp: i64,
    /// Offsets left out before this record, as compaction leaves them.
    pub gap: i32,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A batch: what its header says, and its records.
#[derive(Clone, Debug)]
pub struct Spec {
    pub codec: Compression,
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub producer: Option<(i64, i16, i32)>,
    pub transactional: bool,
    pub control: bool,
    pub records: Vec<Plain>,
}

fn bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Vec::new())),
        6 => prop::collection::vec(any::<u8>(), 1..80).prop_map(Some),
        // Lengths whose varints take two and three bytes, and more than one block of a codec.
        1 => (64usize..90_000, any::<u8>()).prop_map(|(length, byte)| Some(vec![byte; length])),
    ]
}

/// Few names, so that some repeat.
fn headers() -> impl Strategy<Value = Vec<(String, Option<Vec<u8>>)>> {
    prop::collection::vec(("[ab]{0,2}|ü", bytes()), 0..5)
}

/// The reference decoder adds deltas without care for overflow, so times keep within half the range.
fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1_700_000_000_000i64..1_700_000_100_000,
        1 => Just(-1),
        1 => -(1i64 << 61)..(1i64 << 61),
    ]
}

fn record() -> impl Strategy<Value = Plain> {
    let gap = prop_oneof![8 => Just(0), 1 => 1i32..200, 1 => 1i32..5_000_000];
    (timestamp(), gap, bytes(), bytes(), headers()).prop_map(|(timestamp, gap, key, value, headers)| Plain {
        timestamp,
        gap,
        key,
        value,
        headers,
    })
}

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(&Compression::ALL[..])
}

pub fn spec() -> impl Strategy<Value = Spec> {
    let producer = prop::option::of((0i64.., 0i16.., 0i32..));
    let place = (0i64..1 << 60, -1i32..);
    let marks = (any::<bool>(), any::<bool>());
    let records = prop::collection::vec(record(), 1..12);
    (codec(), place, producer, marks, records).prop_map(|(codec, place, producer, marks, records)| Spec {
        codec,
        base_offset: place.0,
        leader_epoch: place.1,
        producer,
        transactional: marks.0,
        control: marks.1,
        records,
    })
}

impl Spec {
    /// The offset deltas: the first is 0, gaps are left between the others.
    pub fn deltas(&self) -> Vec<i32> {
        let mut next = 0;
        let place = |(at, record): (usize, &Plain)| {
            let delta = next + if at == 0 { 0 } else { record.gap };
            next = delta + 1;
            delta
        };
        self.records.iter().enumerate().map(place).collect()
    }

    /// As our builder writes it.
    pub fn ours(&self) -> Bytes {
        let marks = Attributes::default()
            .with_transactional(self.transactional)
            .with_control(self.control);
        let (id, epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let mut builder = BatchBuilder::new(self.codec)
            .with_place(self.base_offset, self.leader_epoch)
            .with_producer(id, epoch, sequence)
            .with_attributes(marks);
        for (record, delta) in self.records.iter().zip(self.deltas()) {
            let headers: Vec<_> = record
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_deref()))
                .collect();
            builder.append_at(
                delta,
                &RecordData {
                    timestamp: record.timestamp,
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                    headers: &headers,
                },
            );
        }
        builder.build()
    }

    /// As the reference implementation holds them. Of headers that repeat it keeps the last.
    pub fn reference(&self) -> Vec<Record> {
        let (producer_id, producer_epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let record = |(record, delta): (&Plain, i32)| Record {
            transactional: self.transactional,
            control: self.control,
            delete_horizon: false,
            partition_leader_epoch: self.leader_epoch,
            producer_id,
            producer_epoch,
            timestamp_type: TimestampType::Creation,
            offset: self.base_offset + i64::from(delta),
            sequence: sequence.wrapping_add(delta),
            timestamp: record.timestamp,
            key: record.key.clone().map(Bytes::from),
            value: record.value.clone().map(Bytes::from),
            headers: header_map(&record.headers),
        };
        self.records.iter().zip(self.deltas()).map(record).collect()
    }

    /// As the reference implementation writes it.
    pub fn theirs(&self) -> Bytes {
        let options = RecordEncodeOptions {
            version: 2,
            compression: their_codec(self.codec),
        };
        let mut out = BytesMut::new();
        RecordBatchEncoder::encode_with_custom_compression(
            &mut out,
            &self.reference(),
            &options,
            Some(|plain: &mut BytesMut, out: &mut BytesMut, _: TheirCodec| {
                out.extend_from_slice(&pack(self.codec, plain));
                Ok(())
            }),
        )
        .unwrap();
        out.freeze()
    }
}

pub fn header_map(headers: &[(String, Option<Vec<u8>>)]) -> IndexMap<StrBytes, Option<Bytes>> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                StrBytes::from_string(name.clone()),
                value.clone().map(Bytes::from),
            )
        })
        .collect()
}

/// What our view shows, in the form that specifications are made in (gaps aside).
pub fn plain(record: &RecordRef<'_>) -> Plain {
    let headers = record.headers.iter().map(|(name, value)| {
        (
            String::from_utf8(name.to_vec()).unwrap(),
            value.map(<[u8]>::to_vec),
        )
    });
    Plain {
        timestamp: record.timestamp,
        gap: 0,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: headers.collect(),
    }
}

/// Reads one batch with the reference implementation.
pub fn read_theirs(mut batch: Bytes) -> RecordSet {
    let set = RecordBatchDecoder::decode_with_custom_compression(
        &mut batch,
        Some(|packed: &mut Bytes, codec: TheirCodec| Ok(unpack(codec, packed))),
    )
    .unwrap();
    assert!(batch.is_empty(), "one batch was given");
    set
}

pub fn their_codec(codec: Compression) -> TheirCodec {
    match codec {
        Compression::None => TheirCodec::None,
        Compression::Gzip => TheirCodec::Gzip,
        Compression::Snappy => TheirCodec::Snappy,
        Compression::Lz4 => TheirCodec::Lz4,
        Compression::Zstd => TheirCodec::Zstd,
    }
}

/// Compresses as other clients do: liblz4's frames, and Snappy as one raw block, as librdkafka writes it.
pub fn pack(codec: Compression, plain: &[u8]) -> Vec<u8> {
    match codec {
        Compression::None => plain.to_vec(),
        Compression::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(plain).unwrap();
            writer.finish().unwrap()
        }
        Compression::Snappy => snap::raw::Encoder::new().compress_vec(plain).unwrap(),
        Compression::Lz4 => {
            let mut writer = lz4::EncoderBuilder::new()
                .block_mode(lz4::BlockMode::Independent)
                .build(Vec::new())
                .unwrap();
            writer.write_all(plain).unwrap();
            let (out, result) = writer.finish();
            result.unwrap();
            out
        }
        Compression::Zstd => zstd::bulk::compress(plain, 1).unwrap(),
    }
}

/// Decompresses without a bound, by libraries other than ours where there is one.
fn unpack(codec: TheirCodec, packed: &[u8]) -> Bytes {
    const XERIAL: usize = 16;
    let mut out = Vec::new();
    match codec {
        TheirCodec::None => out.extend_from_slice(packed),
        TheirCodec::Gzip => {
            flate2::bufread::GzDecoder::new(packed)
                .read_to_end(&mut out)
                .unwrap();
        }
        TheirCodec::Snappy => {
            let mut rest = packed.get(XERIAL..).unwrap();
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (block, next) = after.split_at(u32::from_be_bytes(*length) as usize);
                out.extend(snap::raw::Decoder::new().decompress_vec(block).unwrap());
                rest = next;
            }
        }
        TheirCodec::Lz4 => {
            lz4::Decoder::new(packed).unwrap().read_to_end(&mut out).unwrap();
        }
        TheirCodec::Zstd => out = zstd::stream::decode_all(packed).unwrap(),
    }
    out.into()
}
