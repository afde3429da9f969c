//! What modules say, in a topic. Lines that come too fast are counted and dropped: saying much must cost little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tidemill_env::Env;
use tidemill_smartengine::{Digest, LogLine, LogSink};
use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::own_topics;
use crate::broker::Broker;

/// The topic of what modules say. Keys are names of modules, values are JSON.
pub const LOGS_TOPIC: &str = "_smartmodule_logs";

/// Lines that wait to be stored.
const WAITING: usize = 4_096;
/// Lines that one module of a stream may write in a second.
const A_SECOND: u64 = 100;
/// Lines in one batch.
const BATCH: usize = 500;

pub(crate) struct Logs {
    env: Env,
    send: mpsc::Sender<Said>,
    receive: Mutex<Option<mpsc::Receiver<Said>>>,
}

/// A line, and whose it is.
struct Said {
    source: Arc<Source>,
    line: LogLine,
    at_ms: i64,
    /// Lines before it that were dropped.
    dropped: u64,
}

struct Source {
    module: String,
    digest: Digest,
    place: String,
}

impl Logs {
    pub(super) fn new(env: Env) -> Self {
        let (send, receive) = mpsc::channel(WAITING);
        let receive = Mutex::new(Some(receive));
        Self { env, send, receive }
    }

    /// Where the lines of one module of a stream go.
    pub(super) fn sink(&self, module: &str, digest: Digest, place: &str) -> Arc<dyn LogSink> {
        Arc::new(Sink {
            env: self.env.clone(),
            source: Arc::new(Source {
                module: module.to_owned(),
                digest,
                place: place.to_owned(),
            }),
            send: self.send.clone(),
            second: Mutex::default(),
            dropped: AtomicU64::new(0),
        })
    }
}

struct Sink {
    env: Env,
    source: Arc<Source>,
    send: mpsc::Sender<Said>,
    /// The second that is counted, and its lines.
    second: Mutex<(u64, u64)>,
    dropped: AtomicU64,
}

impl Sink {
    fn may(&self, now: Duration) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0 != now.as_secs() {
            *second = (now.as_secs(), 0);
        }
        second.1 += 1;
        second.1 <= A_SECOND
    }
}

impl LogSink for Sink {
    fn lines(&self, lines: Vec<LogLine>, dropped: u64) {
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        for line in lines {
            if !self.may(self.env.clock.monotonic()) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let said = Said {
                source: Arc::clone(&self.source),
                line,
                at_ms: self.env.clock.wall_ms(),
                dropped: self.dropped.swap(0, Ordering::Relaxed),
            };
            if let Err(full) = self.send.try_send(said) {
                let lost = full.into_inner().dropped + 1;
                self.dropped.fetch_add(lost, Ordering::Relaxed);
            }
        }
    }
}

/// Stores what modules say, until `stop` is cancelled. To be run once.
pub async fn store(broker: Arc<Broker>, stop: CancellationToken) {
    let receive = broker.transforms.logs.receive.lock();
    let receive = receive.unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut receive) = receive else { return };
    loop {
        let mut said = Vec::new();
        tokio::select! {
            count = receive.recv_many(&mut said, BATCH) => if count == 0 { return },
            () = stop.cancelled() => return,
        }
        if let Err(failure) = own_topics::append(&broker, LOGS_TOPIC, batch(&said)).await {
            tracing::warn!(
                lines = said.len(),
                reason = failure.message,
                "what modules said could not be stored"
            );
        }
    }
}

fn batch(said: &[Said]) -> bytes::Bytes {
    let mut builder = BatchBuilder::new(Compression::Lz4);
    for one in said {
        let mut value = json!({
            "level": one.line.level.name(),
            "text": one.line.text,
            "module": one.source.module,
            "digest": one.source.digest.to_text(),
            "place": one.source.place,
        });
        if one.dropped > 0 {
            value["droppedBefore"] = one.dropped.into();
        }
        builder.append(&RecordData {
            timestamp: one.at_ms,
            key: Some(one.source.module.as_bytes()),
            value: Some(value.to_string().as_bytes()),
            headers: &[],
        });
    }
    builder.build()
}
