//! Finishing what the socket would not take at once.

use std::io::{ErrorKind as IoKind, IoSlice};
use std::sync::Arc;

use bytes::Buf;
use tokio::net::TcpStream;

use super::{Shared, State};
use crate::error::Error;

const MOST_SLICES: usize = 64;

pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        shared.queued.notified().await;
        loop {
            {
                let mut state = shared.lock();
                if state.closed.is_some() {
                    return;
                }
                write_some(&shared.stream, &mut state);
                if state.unwritten.is_empty() {
                    shared.drained.notify_waiters();
                    break;
                }
            }
            if shared.stream.writable().await.is_err() {
                return;
            }
        }
    }
}

/// Writes until the queue is empty or the socket is full. On a broken socket marks the connection closed;
/// the reader sees the same break and tells the waiting calls.
pub(super) fn write_some(stream: &TcpStream, state: &mut State) {
    while !state.unwritten.is_empty() {
        let mut slices = [IoSlice::new(&[]); MOST_SLICES];
        let mut used = 0;
        for (slot, chunk) in slices.iter_mut().zip(&state.unwritten) {
            *slot = IoSlice::new(chunk);
            used += 1;
        }
        match stream.try_write_vectored(slices.get(..used).unwrap_or_default()) {
            Ok(written) => advance(state, written),
            Err(error) if error.kind() == IoKind::WouldBlock => return,
            Err(error) if error.kind() == IoKind::Interrupted => {}
            Err(error) => {
                state.unwritten.clear();
                state.closed.get_or_insert_with(|| {
                    Error::unavailable(format!("the connection broke while writing: {error}"))
                        .with_source(error)
                });
                return;
            }
        }
    }
}

fn advance(state: &mut State, mut written: usize) {
    while let Some(chunk) = state.unwritten.front_mut() {
        if chunk.len() > written {
            chunk.advance(written);
            return;
        }
        written -= chunk.len();
        state.unwritten.pop_front();
    }
}
