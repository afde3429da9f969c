//! Places in a topic: earliest, latest, an offset, a time, the last records.

use std::str::FromStr;

use clap::Args;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tidemill_client::Start;
use tidemill_resource::TimeSpan;

/// A moment, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) i64);

const TIME_MEND: &str =
    "write 2026-01-31T08:00:00Z, 2026-01-31 (midnight here), 15m (ago), or milliseconds since 1970";

impl FromStr for Time {
    type Err = String;

    /// A time with a zone; a time or date in the zone of this machine; a span before now; milliseconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(ms) = text.parse::<i64>() {
            return Ok(Self(ms));
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self(at.as_millisecond()));
        }
        let here = |at: DateTime| at.to_zoned(TimeZone::system()).ok().as_ref().map(in_ms);
        if let Some(at) = text.parse::<DateTime>().ok().and_then(here) {
            return Ok(Self(at));
        }
        if let Some(at) = text
            .parse::<Date>()
            .ok()
            .map(Date::to_datetime_at_midnight)
            .and_then(here)
        {
            return Ok(Self(at));
        }
        let ago = text.trim_start_matches('-').trim_end_matches("ago").trim_end();
        match ago.parse::<TimeSpan>() {
            Ok(span) => Ok(Self(Timestamp::now().as_millisecond().saturating_sub(span.ms()))),
            Err(_) => Err(format!("`{text}` is no time: {TIME_MEND}")),
        }
    }
}

fn in_ms(at: &Zoned) -> i64 {
    at.timestamp().as_millisecond()
}

/// Midnight of a date.
trait AtMidnight {
    fn to_datetime_at_midnight(self) -> DateTime;
}

impl AtMidnight for Date {
    fn to_datetime_at_midnight(self) -> DateTime {
        self.to_datetime(jiff::civil::Time::midnight())
    }
}

/// Reads `earliest`, `latest`, an offset, or `@TIME`.
pub(crate) fn parse_position(text: &str) -> Result<Start, String> {
    match text {
        "earliest" | "beginning" | "start" => return Ok(Start::Earliest),
        "latest" | "end" => return Ok(Start::Latest),
        _ => {}
    }
    if let Some(time) = text.strip_prefix('@') {
        return time.parse::<Time>().map(|Time(ms)| Start::Timestamp(ms));
    }
    match text.parse::<i64>() {
        Ok(offset) if offset >= 0 => Ok(Start::Offset(offset)),
        _ => Err(format!(
            "`{text}` is no place in a topic: write earliest, latest, an offset such as 42, or @TIME such as @15m or \
             @2026-01-31T08:00:00Z"
        )),
    }
}

/// Where to begin reading.
#[derive(Args, Debug, Clone)]
#[group(multiple = false)]
#[command(next_help_heading = "Place")]
pub(crate) struct PositionArgs {
    /// Begin at earliest, latest, an offset, or @TIME
    #[arg(long, value_name = "PLACE", value_parser = parse_position)]
    from: Option<Start>,
    /// Begin at the first record; the same as --from earliest
    #[arg(long)]
    from_beginning: bool,
    /// Begin at this offset in each partition
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    offset: Option<i64>,
    /// Begin at the first record of this time or later
    #[arg(long, value_name = "TIME")]
    time: Option<Time>,
    /// Begin this many records before the end of each partition
    #[arg(long, value_name = "N")]
    last: Option<u64>,
}

impl PositionArgs {
    /// The place that was named, if one was.
    pub(crate) fn given(&self) -> Option<Start> {
        let beginning = self.from_beginning.then_some(Start::Earliest);
        let offset = self.offset.map(Start::Offset);
        let time = self.time.map(|Time(ms)| Start::Timestamp(ms));
        let last = self.last.map(Start::Last);
        self.from.or(beginning).or(offset).or(time).or(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(parse_position("earliest"), Ok(Start::Earliest));
        assert_eq!(parse_position("latest"), Ok(Start::Latest));
        assert_eq!(parse_position("42"), Ok(Start::Offset(42)));
        assert_eq!(
            parse_position("@1700000000000"),
            Ok(Start::Timestamp(1_700_000_000_000))
        );
        assert!(parse_position("-1").unwrap_err().contains("earliest"));
        assert!(parse_position("@noon").unwrap_err().contains("no time"));
    }

    #[test]
    fn times_are_read() {
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Time(1_000)));
        assert_eq!("1970-01-01T01:00:01.5+01:00".parse(), Ok(Time(1_500)));
        let Time(date) = "2026-01-31".parse().unwrap();
        let Time(later) = "2026-01-31T00:00:01".parse().unwrap();
        assert_eq!(later - date, 1_000);
        let Time(ago) = "1h".parse().unwrap();
        let now = Timestamp::now().as_millisecond();
        assert!(ago <= now - 3_600_000 + 60_000 && ago > now - 7_200_000);
    }
}
