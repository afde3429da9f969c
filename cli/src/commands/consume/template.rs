//! Records as a template says, in the letters of kcat.

use std::io::Write as _;

use tidemill_client::{Headers, RecordRef, Records};

use crate::output;

/// A template that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Key,
    KeyLength,
    Value,
    ValueLength,
    Timestamp,
    Time,
    Headers,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is not known in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal: Vec<u8> = Vec::new();
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            match next {
                '%' => match placeholder(rest.next())? {
                    Some(piece) => {
                        if !literal.is_empty() {
                            pieces.push(Piece::Text(std::mem::take(&mut literal)));
                        }
                        pieces.push(piece);
                    }
                    None => literal.push(b'%'),
                },
                '\\' => literal.push(escape(&mut rest)?),
                other => literal.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }

    /// Writes one of `records`; `null` stands for a key or value that is not there.
    pub(super) fn write(&self, out: &mut Vec<u8>, records: &Records, record: &RecordRef<'_>, null: &[u8]) {
        let length =
            |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(-1));
        for piece in &self.pieces {
            // A vector takes all that is written to it.
            let _ = match piece {
                Piece::Text(text) => out.write_all(text),
                Piece::Topic => out.write_all(records.topic().as_bytes()),
                Piece::Partition => write!(out, "{}", records.partition()),
                Piece::Offset => write!(out, "{}", record.offset),
                Piece::Key => out.write_all(record.key.unwrap_or(null)),
                Piece::KeyLength => write!(out, "{}", length(record.key)),
                Piece::Value => out.write_all(record.value.unwrap_or(null)),
                Piece::ValueLength => write!(out, "{}", length(record.value)),
                Piece::Timestamp => write!(out, "{}", record.timestamp),
                Piece::Time => out.write_all(output::time(record.timestamp).unwrap_or_default().as_bytes()),
                Piece::Headers => {
                    headers(out, &record.headers, null);
                    Ok(())
                }
            };
        }
    }
}

/// `name=value,name=value`.
fn headers(out: &mut Vec<u8>, headers: &Headers<'_>, null: &[u8]) {
    for (at, (name, value)) in headers.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value.unwrap_or(null));
    }
}

/// What a letter after a percent sign stands for; nothing for the percent sign itself.
fn placeholder(letter: Option<char>) -> Result<Option<Piece>, String> {
    Ok(Some(match letter {
        Some('t') => Piece::Topic,
        Some('p') => Piece::Partition,
        Some('o') => Piece::Offset,
        Some('k') => Piece::Key,
        Some('K') => Piece::KeyLength,
        Some('v' | 's') => Piece::Value,
        Some('V' | 'S') => Piece::ValueLength,
        Some('T') => Piece::Timestamp,
        Some('d') => Piece::Time,
        Some('h') => Piece::Headers,
        Some('%') => return Ok(None),
        Some(other) => {
            return Err(format!(
                "%{other} stands for nothing: use %t %p %o %k %K %v %V %T %d %h, or %% for a percent sign"
            ));
        }
        None => return Err("it ends with a lone %: write %% for a percent sign".to_owned()),
    }))
}

/// The byte of an escape after its backslash.
fn escape(rest: &mut std::str::Chars<'_>) -> Result<u8, String> {
    match rest.next() {
        Some('n') => Ok(b'\n'),
        Some('t') => Ok(b'\t'),
        Some('r') => Ok(b'\r'),
        Some('0') => Ok(0),
        Some('\\') => Ok(b'\\'),
        Some('x') => {
            let digits: String = rest.by_ref().take(2).collect();
            u8::from_str_radix(&digits, 16)
                .map_err(|_| format!("\\x{digits} is no byte: write two hex digits"))
        }
        Some(other) => Err(format!(
            "\\{other} stands for nothing: use \\n \\t \\r \\0 \\xNN, or \\\\ for a backslash"
        )),
        None => Err("it ends with a lone \\: write \\\\ for a backslash".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_escapes_and_text_are_told_apart() {
        let template = Template::parse("%k=%v\\n%%\\x41é").unwrap();
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        assert_eq!(
            template.pieces,
            [Piece::Key, text("="), Piece::Value, text("\n%Aé")]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (template, part) in [
            ("%q", "%q stands for nothing"),
            ("a%", "lone %"),
            ("\\q", "\\q"),
            ("\\xg", "hex"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(part), "{template}: {error}");
        }
    }
}
