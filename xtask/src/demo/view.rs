//! The stream while it flows: bars on a terminal, now and then a line elsewhere.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::{Screen, count, rate, time};

const BAR: &str = "  {prefix:<17} {wide_bar} {msg}";
const NOTE: &str = "  {msg}";
/// Between two lines, where nobody sees bars.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Rates are those of this span.
const RATE_OVER: Duration = Duration::from_secs(2);

/// How far one program has come.
pub(crate) struct Progress {
    pub(crate) name: String,
    pub(crate) count: u64,
    /// From handing a flight to the producer to its being shown: the median, and what 99 of 100 lie below.
    pub(crate) latency: Option<(Duration, Duration)>,
}

/// What there is to see at a moment.
pub(crate) struct Moment {
    pub(crate) programs: Vec<Progress>,
    /// About the server and the group.
    pub(crate) note: String,
    /// The flight shown last.
    pub(crate) flight: String,
}

/// Draws moments.
pub(crate) struct View {
    began: Instant,
    meters: Vec<Meter>,
    canvas: Canvas,
}

enum Canvas {
    Bars {
        bars: Vec<ProgressBar>,
        notes: [ProgressBar; 2],
    },
    Lines {
        next: Duration,
    },
}

impl View {
    /// A view of programs that each handle `total` flights.
    pub(crate) fn new(total: u64, programs: usize) -> Result<View> {
        let canvas = if console::user_attended() {
            bars(total, programs)?
        } else {
            Canvas::Lines { next: LINE_EVERY }
        };
        Ok(View {
            began: Instant::now(),
            meters: (0..programs).map(|_| Meter::default()).collect(),
            canvas,
        })
    }

    /// Draws what there is to see now.
    pub(crate) fn draw(&mut self, screen: &Screen, moment: &Moment) {
        let elapsed = self.began.elapsed();
        for (meter, program) in self.meters.iter_mut().zip(&moment.programs) {
            meter.take(elapsed, program.count);
        }
        match &mut self.canvas {
            Canvas::Bars { bars, notes } => {
                for ((bar, program), meter) in bars.iter().zip(&moment.programs).zip(&self.meters) {
                    bar.set_prefix(program.name.clone());
                    bar.set_position(program.count);
                    // All of one width: the bars take what is left of the line.
                    bar.set_message(format!(
                        "{:>6}  {:>8}  {:<24}",
                        count(program.count),
                        meter.rate(),
                        latency(program)
                    ));
                }
                notes[0].set_message(moment.note.clone());
                notes[1].set_message(moment.flight.clone());
            }
            Canvas::Lines { next } if elapsed >= *next => {
                *next = elapsed + LINE_EVERY;
                screen.text(&line(elapsed, moment, &self.meters));
            }
            Canvas::Lines { .. } => {}
        }
    }

    /// Draws the last moment and leaves it there.
    pub(crate) fn finish(mut self, screen: &Screen, moment: &Moment) {
        if let Canvas::Lines { next } = &mut self.canvas {
            *next = Duration::ZERO;
        }
        self.draw(screen, moment);
    }
}

/// Whatever ends it, the last moment stays on the screen.
impl Drop for View {
    fn drop(&mut self) {
        if let Canvas::Bars { bars, notes } = &self.canvas {
            bars.iter().chain(notes).for_each(ProgressBar::abandon);
            // The cursor is left at the end of the last one.
            println!();
        }
    }
}

fn bars(total: u64, programs: usize) -> Result<Canvas> {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
    let bar = || -> Result<ProgressBar> {
        let style = ProgressStyle::with_template(BAR)?.progress_chars("━╸─");
        Ok(all.add(ProgressBar::new(total).with_style(style)))
    };
    let note = || -> Result<ProgressBar> {
        let style = ProgressStyle::with_template(NOTE)?;
        Ok(all.add(ProgressBar::new(1).with_style(style)))
    };
    Ok(Canvas::Bars {
        bars: (0..programs).map(|_| bar()).collect::<Result<_>>()?,
        notes: [note()?, note()?],
    })
}

fn line(elapsed: Duration, moment: &Moment, meters: &[Meter]) -> String {
    let programs = moment
        .programs
        .iter()
        .zip(meters)
        .map(|(program, meter)| format!("{} {} ({})", program.name, count(program.count), meter.rate()));
    let programs: Vec<String> = programs.collect();
    format!(
        "{:>5.1} s  {}; {}",
        elapsed.as_secs_f64(),
        programs.join(", "),
        moment.note
    )
}

fn latency(program: &Progress) -> String {
    program
        .latency
        .map(|(median, most)| format!("p50 {}  p99 {}", time(median), time(most)))
        .unwrap_or_default()
}

/// The rate of late.
#[derive(Default)]
struct Meter {
    seen: VecDeque<(Duration, u64)>,
}

impl Meter {
    fn take(&mut self, at: Duration, count: u64) {
        self.seen.push_back((at, count));
        while self
            .seen
            .front()
            .is_some_and(|(first, _)| *first + RATE_OVER < at)
        {
            self.seen.pop_front();
        }
    }

    fn rate(&self) -> String {
        match (self.seen.front(), self.seen.back()) {
            (Some((from, before)), Some((to, after))) if to > from => {
                rate(after.saturating_sub(*before), *to - *from)
            }
            _ => rate(0, RATE_OVER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_forgets_what_was_long_ago() {
        let mut meter = Meter::default();
        assert_eq!(meter.rate(), "0/s");
        for second in 0..10 {
            // Idle for five seconds, then 100 a second.
            meter.take(Duration::from_secs(second), second.saturating_sub(5) * 100);
        }
        assert_eq!(meter.rate(), "100/s");
    }
}
