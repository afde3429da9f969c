//! Conditional requests (RFC 9110, section 13): the ETag of an object is its resource version.

use std::hash::{DefaultHasher, Hasher};

use axum::http::{HeaderMap, HeaderValue, header};
use tidemill_resource::ResourceVersion;

use super::kinds::ErrorKind;
use super::problem::Problem;

/// What the headers ask to be so before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing.
    None,
    /// The object exists (`If-Match: *`).
    Exists,
    /// The object is at this version (`If-Match: "42"`).
    Version(u64),
    /// The object does not exist (`If-None-Match: *`).
    Absent,
}

impl Precondition {
    /// Reads `If-Match` and `If-None-Match`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(value) = headers.get(header::IF_MATCH) {
            return match parse(value) {
                Some(Tag::Any) => Ok(Self::Exists),
                Some(Tag::Version(version)) => Ok(Self::Version(version)),
                None => Err(wrong("If-Match", "an ETag as the server gave it, or *")),
            };
        }
        match headers.get(header::IF_NONE_MATCH) {
            None => Ok(Self::None),
            Some(value) if parse(value) == Some(Tag::Any) => Ok(Self::Absent),
            Some(_) => Err(wrong("If-None-Match", "* on a write, to create only")),
        }
    }
}

/// The ETag of a version.
pub(super) fn etag(version: ResourceVersion) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The weak ETag of a text that has no version: it says "the same as before", and cannot be a precondition of a write.
pub(super) fn weak_etag(text: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(text);
    HeaderValue::from_str(&format!("W/\"{:016x}\"", hasher.finish()))
        .unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the reader has what is behind this ETag already (`If-None-Match` on a GET: a list, compared weakly).
pub(super) fn has_already(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(bare) else {
        return false;
    };
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|given| given.trim() == "*" || bare(given) == tag)
}

#[derive(PartialEq, Eq)]
enum Tag {
    Any,
    Version(u64),
}

fn parse(value: &HeaderValue) -> Option<Tag> {
    let text = value.to_str().ok()?.trim();
    if text == "*" {
        return Some(Tag::Any);
    }
    text.strip_prefix('"')?
        .strip_suffix('"')?
        .parse()
        .ok()
        .map(Tag::Version)
}

fn wrong(header: &str, mend: &str) -> Problem {
    Problem::new(
        ErrorKind::InvalidArgument,
        format!("the header {header} is not legal: use {mend}"),
    )
}
