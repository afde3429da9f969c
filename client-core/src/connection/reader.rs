//! Reading answers off the socket and handing each to the call that waits for it.

use std::io::ErrorKind as IoKind;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::{Shared, dial};
use crate::error::{Error, Result};

/// No honest answer is larger; a length beyond this means the other side does not speak Kafka.
const MAX_FRAME: usize = 512 << 20;
/// Nor is the first one larger than this. A TLS alert, taken for a length, would be.
const MAX_FIRST_FRAME: usize = 1 << 20;
/// What is asked of the socket when nothing is known of the next frame.
const READ_AHEAD: usize = 64 << 10;
/// What to look at when a first exchange fails.
const FIRST_MEND: &str =
    ". Check that this is the Kafka port of the server, and that it does not ask for TLS";
/// The most that is reserved for bytes announced but not arrived.
const RESERVE_STEP: usize = 16 << 20;

pub(super) async fn run(shared: Arc<Shared>) {
    let error = match read_all(&shared).await {
        Ok(()) => closed_by_peer(&shared),
        Err(error) => error,
    };
    tracing::debug!(broker = %shared.address, %error, "connection ended");
    shared.fail(&error);
}

async fn read_all(shared: &Shared) -> Result<()> {
    let mut buffer = BytesMut::with_capacity(READ_AHEAD);
    loop {
        let missing = drain(shared, &mut buffer)?;
        if buffer.capacity() - buffer.len() < missing.min(READ_AHEAD) {
            buffer.reserve(missing.clamp(READ_AHEAD, RESERVE_STEP));
        }
        loop {
            match shared.stream.try_read_buf(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => break,
                Err(error) if error.kind() == IoKind::WouldBlock => {
                    shared
                        .stream
                        .readable()
                        .await
                        .map_err(|error| broken(shared, error))?;
                }
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) => return Err(broken(shared, error)),
            }
        }
    }
}

/// Delivers every whole frame in the buffer. Answers how many bytes the next one still wants.
fn drain(shared: &Shared, buffer: &mut BytesMut) -> Result<usize> {
    loop {
        let Some(prefix) = buffer.first_chunk::<4>() else {
            return Ok(READ_AHEAD);
        };
        let length = u32::from_be_bytes(*prefix) as usize;
        let too_long = length > MAX_FRAME || (length > MAX_FIRST_FRAME && !shared.lock().answered_once);
        if length < 4 || too_long {
            return Err(dial::not_kafka(&shared.address, buffer));
        }
        let whole = 4 + length;
        if buffer.len() < whole {
            let missing = whole - buffer.len();
            return Ok(missing);
        }
        buffer.advance(4);
        deliver(shared, buffer.split_to(length).freeze())?;
    }
}

fn deliver(shared: &Shared, frame: Bytes) -> Result<()> {
    let correlation = frame.first_chunk::<4>().map(|id| i32::from_be_bytes(*id));
    let call = {
        let mut state = shared.lock();
        state.answered_once = true;
        state.waiting.pop_front()
    };
    match call {
        Some(call) if correlation == Some(call.correlation) => {
            // A caller that went away wants no answer.
            let _ = call.reply.send(Ok(frame));
            Ok(())
        }
        other => Err(Error::corrupt(format!(
            "{} answered out of turn: correlation id {correlation:?}, expected {:?}",
            shared.address,
            other.map(|call| call.correlation)
        ))
        .with_retriable(true)),
    }
}

fn broken(shared: &Shared, error: std::io::Error) -> Error {
    let mend = if has_answered(shared) { "" } else { FIRST_MEND };
    Error::unavailable(format!(
        "the connection to {} broke: {error}{mend}",
        shared.address
    ))
    .with_source(error)
}

fn closed_by_peer(shared: &Shared) -> Error {
    if let Some(error) = &shared.lock().closed {
        return error.clone();
    }
    if has_answered(shared) {
        return Error::unavailable(format!("{} closed the connection", shared.address));
    }
    Error::unavailable(format!(
        "{} closed the connection without an answer{FIRST_MEND}",
        shared.address
    ))
}

/// Whether the other side has shown that it speaks Kafka, or has not been asked.
fn has_answered(shared: &Shared) -> bool {
    let state = shared.lock();
    state.answered_once || state.waiting.is_empty()
}
