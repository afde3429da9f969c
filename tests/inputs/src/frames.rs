//! The frame decoder, fed in pieces.

use bytes::{Bytes, BytesMut};
use tidemill_wire::frame::{FrameDecoder, FrameError, FrameStep, LENGTH_PREFIX};

/// The longest frame allowed.
const MOST: usize = 1 << 20;
/// What the decoder may ask for when nothing of a frame has arrived.
const FIRST: usize = 64 << 10;

/// The first byte says how long the pieces are.
pub(crate) fn run(mut data: &[u8]) {
    let [step] = crate::take(&mut data);
    let pieces = data.chunks(usize::from(step).max(1));
    let at_once = decode(std::iter::once(data));
    let in_pieces = decode(pieces);
    assert_eq!(at_once, in_pieces, "it does not matter how bytes arrive");
    let (frames, end) = at_once;
    let taken: usize = frames.iter().map(|frame| frame.len() + LENGTH_PREFIX).sum();
    assert!(taken <= data.len());
    let mut again = Vec::new();
    for frame in &frames {
        again.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
        again.extend(frame);
    }
    assert_eq!(again, data[..taken], "no byte is lost or made up");
    match end {
        Some(FrameError::TooLarge { claimed, limit }) => assert!(claimed > limit),
        Some(FrameError::Negative(claimed)) => assert!(claimed < 0),
        None => {}
    }
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Bytes>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(MOST);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(FrameStep::Frame(frame)) => frames.push(frame),
                Ok(FrameStep::Need(need)) => {
                    assert!(
                        (1..=FIRST.max(3 * buffer.len())).contains(&need),
                        "room for {need}"
                    );
                    break;
                }
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let frame = |length: u32, body: &[u8]| [&length.to_be_bytes()[..], body].concat();
    vec![
        vec![],
        [&[3][..], &frame(5, b"hello"), &frame(0, b""), &frame(2, b"ok")].concat(),
        [&[1][..], &frame(9, b"cut")].concat(),
        [&[255][..], &frame(u32::MAX, b"")].concat(),
        b"\x05GET / HTTP/1.1\r\n".to_vec(),
    ]
}
