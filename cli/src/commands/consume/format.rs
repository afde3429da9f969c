//! How records are printed.

use anyhow::Result;
use clap::{Args, ValueEnum};
use tidemill_client::{RecordRef, Records};

use super::json;
use super::table::Table;
use super::template::Template;

/// How to print records.
#[derive(Args, Debug)]
#[command(next_help_heading = "Format")]
pub(super) struct Format {
    /// Shape of the records
    #[arg(
        long,
        short = 'f',
        value_enum,
        default_value = "text",
        visible_alias = "output",
        visible_short_alias = 'o',
        conflicts_with = "template"
    )]
    format: Shape,
    /// Print each record as this text says, such as '%k=%v\n'
    #[arg(long, short = 't', value_name = "TEXT", value_parser = Template::parse)]
    template: Option<Template>,
    /// Print the key, too, and this between key and value; as `produce` takes it
    #[arg(long, short = 'K', value_name = "TEXT", conflicts_with = "template")]
    key_separator: Option<String>,
    /// What to print in text and templates where there is no key or value
    #[arg(long, value_name = "TEXT", default_value = "")]
    null: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// The value and a line end
    Text,
    /// A JSON object a line; bytes that are not UTF-8 as keyBase64 and valueBase64
    Json,
    /// The bytes of the values, with nothing between
    Raw,
    /// Columns for people; long values are cut to the width of the terminal
    Table,
}

/// Prints records into a buffer.
pub(super) enum Printer {
    Text {
        separator: Option<Vec<u8>>,
        null: Vec<u8>,
    },
    Json,
    Raw,
    Table(Table),
    Template {
        template: Template,
        null: Vec<u8>,
    },
}

impl Format {
    /// A printer; `width` is that of the terminal, if one is printed to.
    pub(super) fn printer(&self, topics: &[String], width: Option<usize>) -> Result<Printer> {
        let null = self.null.clone().into_bytes();
        if let Some(template) = self.template.clone() {
            return Ok(Printer::Template { template, null });
        }
        Ok(match self.format {
            Shape::Text => Printer::Text {
                separator: self.key_separator.clone().map(String::into_bytes),
                null,
            },
            Shape::Json => Printer::Json,
            Shape::Raw => Printer::Raw,
            Shape::Table => Printer::Table(Table::new(topics, width)),
        })
    }
}

impl Printer {
    /// What comes before the first record.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if let Self::Table(table) = self {
            table.heading(out);
        }
    }

    /// Prints one of `records`.
    pub(super) fn record(&self, out: &mut Vec<u8>, records: &Records, record: &RecordRef<'_>) {
        match self {
            Self::Text { separator, null } => {
                if let Some(separator) = separator {
                    out.extend_from_slice(record.key.unwrap_or(null));
                    out.extend_from_slice(separator);
                }
                out.extend_from_slice(record.value.unwrap_or(null));
                out.push(b'\n');
            }
            Self::Json => json::write(out, records.topic(), records.partition(), record),
            Self::Raw => out.extend_from_slice(record.value.unwrap_or_default()),
            Self::Table(table) => table.row(out, records.topic(), records.partition(), record),
            Self::Template { template, null } => {
                template.write(out, records, record, null);
            }
        }
    }
}
