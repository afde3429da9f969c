//! Records as lines of columns. They come one by one, so that widths are set beforehand, not measured.

use std::fmt::Write as _;

use tidemill_client::RecordRef;

use crate::output;

/// Characters of a key before it is cut.
const KEY: usize = 20;

/// Where the columns are.
pub(super) struct Table {
    /// Width of the topic's column; none for a single topic.
    topic: Option<usize>,
    /// Width of a line, if long ones are to be cut.
    width: Option<usize>,
}

impl Table {
    /// Columns for records of `topics`; a `width` cuts long lines.
    pub(super) fn new(topics: &[String], width: Option<usize>) -> Self {
        let longest = topics
            .iter()
            .map(|topic| topic.chars().count())
            .max()
            .unwrap_or(0);
        Self {
            topic: (topics.len() > 1).then_some(longest.max(5)),
            width,
        }
    }

    pub(super) fn heading(&self, out: &mut Vec<u8>) {
        let line = self.line("TOPIC", ["PARTITION", "OFFSET", "TIME"], "KEY", "VALUE");
        self.push(out, &line);
    }

    pub(super) fn row(&self, out: &mut Vec<u8>, topic: &str, partition: i32, record: &RecordRef<'_>) {
        let (partition, offset) = (partition.to_string(), record.offset.to_string());
        let time = time(record.timestamp);
        let place = [partition.as_str(), &offset, &time];
        let line = self.line(topic, place, &cut(&text(record.key), KEY), &text(record.value));
        self.push(out, &line);
    }

    fn line(&self, topic: &str, [partition, offset, time]: [&str; 3], key: &str, value: &str) -> String {
        let mut line = String::new();
        if let Some(width) = self.topic {
            let _ = write!(line, "{topic:<width$}  ");
        }
        let _ = write!(
            line,
            "{partition:>9}  {offset:>10}  {time:<24}  {key:<KEY$}  {value}"
        );
        line
    }

    fn push(&self, out: &mut Vec<u8>, line: &str) {
        match self.width {
            Some(width) => out.extend_from_slice(cut(line, width).as_bytes()),
            None => out.extend_from_slice(line.as_bytes()),
        }
        out.push(b'\n');
    }
}

fn time(timestamp: i64) -> String {
    output::time(timestamp).unwrap_or_else(|| "-".to_owned())
}

/// Bytes as text in one line: what would move the cursor is escaped. Nothing is a dash.
fn text(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "-".to_owned();
    };
    let mut text = String::new();
    for symbol in String::from_utf8_lossy(bytes).chars() {
        if symbol.is_control() {
            text.extend(symbol.escape_default());
        } else {
            text.push(symbol);
        }
    }
    text
}

/// At most `most` characters, the last an ellipsis if some are cut.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_line() {
        assert_eq!(text(Some(b"a\nb\x1b[31m")), "a\\nb\\u{1b}[31m");
        assert_eq!(text(None), "-");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
