//! Record batches as a producer sends them, a fetch answers them, and a segment holds them.

use bytes::Bytes;
use tidemill_wire::batch::{
    self, Attributes, Batch, BatchBuilder, BatchError, BatchHeader, HEADER_LEN, LENGTH_END, RecordData, patch,
};
use tidemill_wire::codec::{CodecError, Compression};

/// What a batch may unfold to here.
const LIMIT: usize = 1 << 20;

/// When the first byte is odd, the checksum and length of the first batch are set right, so that what lies
/// behind the checksum is reached.
pub(crate) fn run(mut data: &[u8]) {
    let [sealed] = crate::take(&mut data);
    let mut bytes = data.to_vec();
    if sealed % 2 == 1 {
        seal(&mut bytes);
    }
    let whole = Bytes::from(bytes);
    let mut split = batch::split(whole.clone());
    let mut taken = 0;
    while let Some(Ok(found)) = split.next() {
        taken += found.bytes.len();
        assert_eq!(found.header.size(), found.bytes.len());
        assert_eq!(BatchHeader::parse(&found.header.to_bytes()), Ok(found.header));
        look_at(&found);
    }
    assert_eq!(taken + split.remainder().len(), whole.len(), "no byte is lost");
}

fn seal(bytes: &mut [u8]) {
    if bytes.len() >= HEADER_LEN {
        let length = i32::try_from(bytes.len() - LENGTH_END).unwrap_or(i32::MAX);
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = 2;
        patch::set_crc(bytes);
    }
}

fn look_at(batch: &Batch) {
    let sound = batch.verify_crc().is_ok();
    let records = match batch.records(LIMIT) {
        Ok(records) => records,
        Err(BatchError::Codec(CodecError::TooLarge { limit, .. })) => return assert_eq!(limit, LIMIT),
        Err(_) => return,
    };
    if batch.header.attributes.compression() != Ok(Compression::None) {
        assert!(records.body().len() <= LIMIT);
    }
    let mut read = Vec::new();
    for record in records.iter() {
        let Ok(record) = record else { break };
        let headers: Vec<_> = record.headers.iter().collect();
        assert_eq!(headers.len(), record.headers.len());
        if let Some(value) = record.value {
            assert_eq!(&records.slice(value)[..], value);
        }
        read.push((record, headers));
    }
    assert!(read.len() <= records.len() && read.len() <= records.body().len());
    if sound && batch.validate(LIMIT).is_ok() {
        assert_eq!(read.len(), records.len());
        write_again(batch, &read);
    }
}

type Read<'a> = (batch::RecordRef<'a>, Vec<(&'a [u8], Option<&'a [u8]>)>);

/// What was read from a sound batch can be written, and reads the same.
fn write_again(batch: &Batch, read: &[Read<'_>]) {
    if batch.header.attributes.log_append_time() {
        return;
    }
    let mut builder = BatchBuilder::new(Compression::None).with_place(batch.header.base_offset, 0);
    for (record, headers) in read {
        builder.append(&RecordData {
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            headers,
        });
    }
    let again = Batch::parse(&mut builder.build()).unwrap();
    again.verify_crc().unwrap();
    let records = again.records(LIMIT).unwrap();
    let written: Vec<_> = records.iter().map(Result::unwrap).collect();
    assert_eq!(written.len(), read.len());
    for (written, (read, _)) in written.iter().zip(read) {
        assert_eq!(written.timestamp, read.timestamp);
        assert_eq!(
            (written.offset, written.key, written.value),
            (read.offset, read.key, read.value)
        );
        assert!(written.headers.iter().eq(read.headers.iter()));
    }
}

/// A batch of a few records.
pub(crate) fn sample(codec: Compression, base_offset: i64, marks: Attributes) -> Bytes {
    let headers: [(&[u8], Option<&[u8]>); 2] = [(b"name", Some(b"value")), (b"name", None)];
    let mut builder = BatchBuilder::new(codec)
        .with_place(base_offset, 3)
        .with_producer(9, 1, 5)
        .with_attributes(marks);
    for at in 0..4i64 {
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000 - at,
            key: (at % 2 == 0).then_some(b"key"),
            value: (at != 3).then_some(&[b'v'; 70][..]),
            headers: if at == 1 { &headers } else { &[] },
        });
    }
    builder.build()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let plain = Attributes::default();
    let marks = plain.with_control(true).with_transactional(true);
    let mut seeds: Vec<Vec<u8>> = Compression::ALL
        .iter()
        .flat_map(|codec| {
            let batch = sample(*codec, 7, plain);
            [[&[0][..], &batch].concat(), [&[1][..], &batch].concat()]
        })
        .collect();
    let run = [
        sample(Compression::None, 0, marks),
        sample(Compression::Lz4, 4, plain),
    ]
    .concat();
    seeds.push([&[0][..], &run].concat());
    seeds.push(
        [
            &[1][..],
            &sample(Compression::None, 1, plain.with_log_append_time(true)),
        ]
        .concat(),
    );
    seeds
}
