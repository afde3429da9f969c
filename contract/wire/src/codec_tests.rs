use super::*;

fn sample() -> Vec<u8> {
    (0..200_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect()
}

fn compressed(codec: Compression, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(codec, None, input, &mut out).unwrap();
    out
}

#[test]
fn every_codec_gives_back_what_it_took() {
    for codec in Compression::ALL {
        for input in [&[][..], b"x", &sample()] {
            let packed = compressed(codec, input);
            let unpacked = decompress(codec, &packed, input.len()).unwrap();
            assert_eq!(unpacked, input, "{codec:?}");
        }
    }
}

#[test]
fn no_codec_exceeds_the_limit() {
    let input = sample();
    for codec in Compression::ALL {
        let packed = compressed(codec, &input);
        let limit = input.len() - 1;
        assert_eq!(
            decompress(codec, &packed, limit),
            Err(CodecError::TooLarge { codec, limit })
        );
    }
}

#[test]
fn a_raw_snappy_block_is_read_too() {
    let raw = snap::raw::Encoder::new()
        .compress_vec(b"written by librdkafka")
        .unwrap();
    assert_eq!(
        decompress(Compression::Snappy, &raw, 100).unwrap(),
        &b"written by librdkafka"[..]
    );
}

#[test]
fn xerial_streams_one_after_the_other_are_read() {
    let mut stream = compressed(Compression::Snappy, b"one ");
    stream.extend(compressed(Compression::Snappy, b"two"));
    assert_eq!(
        decompress(Compression::Snappy, &stream, 100).unwrap(),
        &b"one two"[..]
    );
}

#[test]
fn a_snappy_claim_beyond_its_bytes_is_corrupt_not_memory() {
    // A varint of 1 GiB, and nothing behind it.
    let claim = [0x80, 0x80, 0x80, 0x80, 0x04];
    let refused = decompress(Compression::Snappy, &claim, usize::MAX);
    assert!(matches!(refused, Err(CodecError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn cut_input_is_corrupt() {
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let packed = compressed(codec, &sample());
        let cut = decompress(codec, &packed[..packed.len() / 2], usize::MAX);
        assert!(matches!(cut, Err(CodecError::Corrupt { .. })), "{codec:?}");
    }
}

#[test]
fn an_unknown_gzip_level_is_an_error() {
    let refused = compress(Compression::Gzip, Some(12), b"x", &mut Vec::new());
    assert!(matches!(refused, Err(CodecError::Compress { .. })));
}
