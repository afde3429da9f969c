//! Following changes: server-sent events, read as they come.

use std::collections::VecDeque;

use bytes::BytesMut;
use serde_json::Value;

use crate::error::{Error, Result};

/// Changes as they happen. Dropping it ends the watch.
pub struct Watch {
    response: reqwest::Response,
    parser: Parser,
    ready: VecDeque<WatchEvent>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WatchEvent {
    /// `ADDED`, `MODIFIED`, `DELETED`, or what else the server names it.
    pub kind: String,
    /// The object after the change (before it, if deleted).
    pub object: Value,
    /// Where to resume: give it to [`crate::Objects::watch`].
    pub resource_version: Option<String>,
}

impl Watch {
    pub(super) fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            parser: Parser::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next change; `None` when the server ended the watch (watch again from the last resource version).
    /// Cancellation safe.
    ///
    /// # Errors
    /// `Unavailable` if the connection broke, `Corrupt` for an event that does not parse.
    pub async fn next(&mut self) -> Option<Result<WatchEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => match self.parser.feed(&chunk) {
                    Ok(events) => self.ready.extend(events),
                    Err(error) => return Some(Err(error)),
                },
                Ok(None) => return None,
                Err(error) => {
                    let message =
                        format!("the watch broke off: {error}. Watch again from the last resource version");
                    return Some(Err(Error::unavailable(message).with_source(error)));
                }
            }
        }
    }
}

/// Splits a byte stream into events (WHATWG, "Server-sent events"): lines `field: value`, an empty line ends one.
#[derive(Default)]
struct Parser {
    rest: BytesMut,
    kind: String,
    data: String,
    id: Option<String>,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<WatchEvent>> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end + 1);
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\n', '\r']))?);
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Result<Option<WatchEvent>> {
        if line.is_empty() {
            return self.finish();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "id" => self.id = Some(value.to_owned()),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments keep the connection alive.
            _ => {}
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<WatchEvent>> {
        let (kind, data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        if data.is_empty() {
            return Ok(None);
        }
        let mut value: Value = serde_json::from_str(&data)
            .map_err(|error| Error::corrupt("a watch event is not JSON").with_source(error))?;
        // Either the object itself with the kind as the event's name, or both in one document.
        let wrapped = value.get("type").and_then(Value::as_str).map(str::to_owned);
        let (kind, object) = match (wrapped, value.get_mut("object")) {
            (Some(kind), Some(object)) => (kind, object.take()),
            _ => (kind, value),
        };
        let version = object
            .pointer("/metadata/resourceVersion")
            .and_then(|version| match version {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
        Ok(Some(WatchEvent {
            kind,
            object,
            resource_version: self.id.clone().or(version),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream = b": hello\n\nid: 7\nevent: ADDED\ndata: {\"kind\":\"Topic\"}\n\ndata: {\"type\":\"DELETED\",\ndata: \"object\":{\"a\":1}}\r\n\r\n";
        for cut in 0..stream.len() {
            let mut parser = Parser::default();
            let mut events = parser.feed(&stream[..cut]).unwrap();
            events.extend(parser.feed(&stream[cut..]).unwrap());
            let seen: Vec<_> = events
                .iter()
                .map(|e| (e.kind.as_str(), e.object.to_string()))
                .collect();
            assert_eq!(
                seen,
                [
                    ("ADDED", "{\"kind\":\"Topic\"}".to_owned()),
                    ("DELETED", "{\"a\":1}".to_owned())
                ]
            );
            assert_eq!(events[0].resource_version.as_deref(), Some("7"));
        }
    }
}
