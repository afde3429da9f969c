//! `tidemill consume`.

mod format;
pub(super) mod json;
mod source;
mod table;
mod template;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use tidemill_client::{Client, Records, Start};

use crate::args::{Connection, PositionArgs, Span};
use crate::error::{Failure, OutputClosed};
use crate::interrupt::Interrupt;
use crate::output::{self, Stream};
use format::{Format, Printer};
use source::Source;

/// Records asked for at a time.
const BATCH: u64 = 10_000;
/// While nothing comes, this often it is seen whether anybody still reads the output.
const TICK: Duration = Duration::from_millis(250);

const EXAMPLES: &str = "\
Without a place it begins with the records to come; with --until-end, at the first there is.
A PLACE is earliest, latest, an offset, or @TIME. A TIME is 2026-01-31T08:00:00Z, 2026-01-31
(midnight here), 15m (ago), or milliseconds since 1970.

Examples:
  tidemill consume orders                                  # what comes from now on, until Ctrl-C
  tidemill consume orders --until-end --format json        # all there is, a JSON object a line
  tidemill consume orders --from @15m --key-separator :
  tidemill consume orders --last 5 --partition 0 --format table
  tidemill consume orders --group billing --from earliest
  tidemill consume orders --until-end --template '%p %o %k=%v\\n'
  tidemill consume images --count 1 --format raw > cat.png

In a template these are replaced, as kcat does it:
  %t topic      %k key        %K bytes of the key, -1 if none      %T timestamp in milliseconds
  %p partition  %v, %s value  %V, %S bytes of the value, -1 if none  %d timestamp as RFC 3339
  %o offset     %h headers    %% a percent sign
  \\n \\t \\r \\0 \\\\ \\xNN; no line end is added";

/// What to read, and how to print it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Topics to read
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    #[command(flatten)]
    position: PositionArgs,
    #[command(flatten)]
    extent: Extent,
    #[command(flatten)]
    group: source::GroupArgs,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Which records of the topics, and when to stop.
#[derive(Args, Debug)]
#[command(next_help_heading = "Extent")]
struct Extent {
    /// Only this partition; may be given again
    #[arg(long = "partition", short = 'p', value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partitions: Vec<i32>,
    /// Stop at the end that each partition has now
    #[arg(long)]
    until_end: bool,
    /// Go on with the records to come, until Ctrl-C; the default
    #[arg(long, conflicts_with = "until_end")]
    follow: bool,
    /// Stop after this many records
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// Stop when no record has come for this long
    #[arg(long, value_name = "SPAN")]
    idle: Option<Span>,
    /// Nothing beyond the first transaction that is still open
    #[arg(long)]
    read_committed: bool,
}

impl Options {
    /// Where to begin.
    fn start(&self) -> Start {
        let default = if self.extent.until_end {
            Start::Earliest
        } else {
            Start::Latest
        };
        self.position.given().unwrap_or(default)
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    super::run_wide(consume(options))
}

async fn consume(options: Options) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let out = Stream::stdout()?;
    let printer = options.format.printer(&options.topics, out.width())?;
    let opened = async {
        let client = options.connection.open().await?;
        check_places(&client, &options).await?;
        Source::open(&client, &options).await
    };
    let source = tokio::select! {
        source = opened => source?,
        code = interrupt.received() => bail!(Failure::silent(code)),
    };
    let mut reading = Reading {
        options: &options,
        source,
        printer,
        out,
        interrupt,
        printed: 0,
        whole: true,
    };
    reading.greet();
    let outcome = reading.all().await;
    let flushed = reading.out.flush();
    reading.part();
    // What was not printed is not processed, and must not be committed.
    let closed = reading.source.close(reading.whole && flushed.is_ok()).await;
    outcome.and(flushed).and(closed)
}

/// An offset that is not in the log would be skipped over in silence.
async fn check_places(client: &Client, options: &Options) -> Result<()> {
    let Start::Offset(offset) = options.start() else {
        return Ok(());
    };
    for topic in &options.topics {
        let topics = client.topics();
        let starts = topics.offsets(topic, Start::Earliest).await?;
        let ends = topics.offsets(topic, Start::Latest).await?;
        for (start, end) in starts.iter().zip(ends) {
            let (partition, first, end) = (start.partition, start.offset, end.offset);
            let wanted =
                options.extent.partitions.is_empty() || options.extent.partitions.contains(&partition);
            if wanted && !(first..=end).contains(&offset) {
                let message = format!(
                    "offset {offset} is outside topic {topic:?} partition {partition}, which begins at {first} and \
                     ends before {end}: choose one of those, or another --partition"
                );
                bail!(Failure::usage(message));
            }
        }
    }
    Ok(())
}

struct Reading<'a> {
    options: &'a Options,
    source: Source,
    printer: Printer,
    out: Stream,
    interrupt: Interrupt,
    printed: u64,
    /// Nothing that was handed out is left to print.
    whole: bool,
}

impl Reading<'_> {
    /// Reads and prints until the end, the count, Ctrl-C, or nobody reads the output any more.
    async fn all(&mut self) -> Result<()> {
        let most = self.options.extent.count.unwrap_or(u64::MAX);
        self.printer.begin(self.out.buffer());
        let mut heard = Instant::now();
        while self.printed < most && !self.source.finished() {
            let records = self.next((most - self.printed).min(BATCH)).await?;
            if !records.is_empty() {
                self.print(&records)?;
                heard = Instant::now();
            } else if !self.source.is_reading() {
                heard = Instant::now();
            } else if self
                .options
                .extent
                .idle
                .is_some_and(|idle| heard.elapsed() >= idle.0)
            {
                break;
            }
            if let Some(code) = self.interrupt.code() {
                bail!(Failure::silent(code));
            }
        }
        Ok(())
    }

    /// The next records; none if there were none for a little while. Prints nothing late: before it waits, all is out.
    async fn next(&mut self, most: u64) -> Result<Records> {
        let most = usize::try_from(most)?;
        if self.source.is_member() {
            // Asking for more says that the last ones are processed.
            self.out.flush()?;
        }
        let ready = self.source.next(most, Duration::ZERO).await?;
        if !ready.is_empty() {
            return Ok(ready);
        }
        self.out.flush()?;
        let records = tokio::select! {
            records = self.source.next(most, TICK) => records?,
            code = self.interrupt.received() => bail!(Failure::silent(code)),
        };
        if records.is_empty() && self.out.is_closed() {
            bail!(OutputClosed);
        }
        for event in self.source.events() {
            self.options.connection.say(event);
        }
        Ok(records)
    }

    fn print(&mut self, records: &Records) -> Result<()> {
        self.whole = false;
        for record in records.iter() {
            self.printer.record(self.out.buffer(), records, &record?);
            self.printed += 1;
            self.out.spill()?;
        }
        self.whole = true;
        Ok(())
    }

    /// Tells somebody who sits before an empty screen what it waits for.
    fn greet(&self) {
        if self.out.is_terminal() && self.options.start() == Start::Latest && !self.source.is_member() {
            let topics = self.options.topics.join(", ");
            self.options.connection.say(format_args!(
                "waiting for new records of {topics}; Ctrl-C stops, --from earliest shows those there are"
            ));
        }
    }

    fn part(&self) {
        if self.out.is_terminal() {
            self.options
                .connection
                .say(output::counted(self.printed, "record"));
        }
    }
}
