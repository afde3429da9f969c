//! Records as JSON lines; `tidemill produce --json-lines` reads them.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidemill_client::{Headers, RecordRef};

/// Writes one record and a line end. Keys, values and headers that are not UTF-8 are named `...Base64`.
pub(in crate::commands) fn write(out: &mut Vec<u8>, topic: &str, partition: i32, record: &RecordRef<'_>) {
    out.extend_from_slice(b"{\"topic\":");
    string(out, topic);
    // A vector takes all that is written to it.
    let _ = write!(out, ",\"partition\":{partition},\"offset\":{}", record.offset);
    let _ = match record.timestamp {
        0.. => write!(out, ",\"timestamp\":{}", record.timestamp),
        _ => write!(out, ",\"timestamp\":null"),
    };
    out.push(b',');
    bytes(out, "key", record.key);
    out.push(b',');
    bytes(out, "value", record.value);
    out.extend_from_slice(b",\"headers\":");
    headers(out, &record.headers);
    out.extend_from_slice(b"}\n");
}

/// `"name":"text"`, `"nameBase64":"..."` or `"name":null`.
fn bytes(out: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    let _ = match value.map(std::str::from_utf8) {
        None => write!(out, "\"{name}\":null"),
        Some(Ok(text)) => {
            let _ = write!(out, "\"{name}\":");
            string(out, text);
            Ok(())
        }
        Some(Err(_)) => write!(
            out,
            "\"{name}Base64\":\"{}\"",
            STANDARD.encode(value.unwrap_or_default())
        ),
    };
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Neither the writer nor a string can fail.
    let _ = serde_json::to_writer(out, text);
}

/// An object; a list of objects if names repeat or a part is no text.
fn headers(out: &mut Vec<u8>, headers: &Headers<'_>) {
    if headers.is_empty() {
        out.extend_from_slice(b"{}");
        return;
    }
    let all: Vec<(&[u8], Option<&[u8]>)> = headers.iter().collect();
    let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
    let simple = all.iter().enumerate().all(|(at, (name, value))| {
        is_text(name) && value.is_none_or(is_text) && !all.iter().take(at).any(|(earlier, _)| earlier == name)
    });
    out.push(if simple { b'{' } else { b'[' });
    for (at, (name, value)) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let name = String::from_utf8_lossy(name);
        if simple {
            string(out, &name);
            out.push(b':');
            match value.map(String::from_utf8_lossy) {
                Some(text) => string(out, &text),
                None => out.extend_from_slice(b"null"),
            }
        } else {
            out.extend_from_slice(b"{\"name\":");
            string(out, &name);
            out.push(b',');
            bytes(out, "value", *value);
            out.push(b'}');
        }
    }
    out.push(if simple { b'}' } else { b']' });
}
