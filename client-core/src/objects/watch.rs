//! Following changes: server-sent events, read as they come.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;

use crate::error::{Error, Result};

/// Changes as they happen. Dropping it ends the watch.
pub struct Watch {
    response: reqwest::Response,
    parser: Parser,
    ready: VecDeque<Result<WatchEvent>>,
}

/// A watch hears something at least every 15 s: after so long a silence the server, or the way to it, is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// One change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WatchEvent {
    /// `ADDED`, `MODIFIED`, `DELETED`, or what else the server names it.
    pub kind: String,
    /// The object after the change (before it, if deleted).
    pub object: Value,
    /// Where to resume: give it to [`crate::Objects::watch`]. `None` while everything there was before the watch has
    /// yet to be told: a watch that ends then begins anew.
    pub resource_version: Option<String>,
}

impl Watch {
    pub(super) fn new(response: reqwest::Response, since: Option<&str>) -> Self {
        Self {
            response,
            parser: Parser {
                id: since.map(str::to_owned),
                ..Parser::default()
            },
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
                return Some(event);
            }
            let broken = |why: &dyn std::fmt::Display| {
                Error::unavailable(format!(
                    "the watch broke off: {why}. Watch again from the last resource version"
                ))
            };
            match tokio::time::timeout(SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => self.ready.extend(self.parser.feed(&chunk)),
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => return Some(Err(broken(&error).with_source(error))),
                Err(_) => return Some(Err(broken(&"the server has gone silent"))),
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
    /// The events that `bytes` complete. One that does not parse spoils none of the others.
    fn feed(&mut self, bytes: &[u8]) -> Vec<Result<WatchEvent>> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end + 1);
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\n', '\r'])).transpose());
        }
        events
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
        // An object's own version is no place to resume: others, of lower versions, may not have been told yet.
        Ok(Some(WatchEvent {
            kind,
            object,
            resource_version: self.id.clone(),
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
            let mut events = parser.feed(&stream[..cut]);
            events.extend(parser.feed(&stream[cut..]));
            let events: Vec<WatchEvent> = events.into_iter().map(Result::unwrap).collect();
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

    #[test]
    fn a_watch_is_resumed_only_where_all_before_was_told() {
        let mut parser = Parser::default();
        let told = parser.feed(b"event: created\ndata: {\"metadata\":{\"resourceVersion\":\"9\"}}\n\n");
        assert_eq!(told[0].as_ref().unwrap().resource_version, None);
        let told = parser.feed(b"event: bookmark\nid: 9\ndata: {}\n\nevent: updated\ndata: {}\n\n");
        let versions: Vec<_> = told
            .iter()
            .map(|event| event.as_ref().unwrap().resource_version.as_deref())
            .collect();
        assert_eq!(
            versions,
            [Some("9"), Some("9")],
            "the second shares its version with one to come"
        );
    }

    #[test]
    fn an_event_that_does_not_parse_spoils_no_other() {
        let told = Parser::default().feed(b"data: {\"a\":1}\n\ndata: {\n\ndata: {\"a\":2}\n\n");
        let found: Vec<bool> = told.iter().map(Result::is_ok).collect();
        assert_eq!(found, [true, false, true]);
    }
}
