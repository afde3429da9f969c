//! What the demo says: steps with the time since its beginning, commands as one would type them, their output.

use std::time::{Duration, Instant};

use console::Style;

/// The standard output of the demo, with colours where they are wanted.
pub(crate) struct Screen {
    began: Instant,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        Screen {
            began: Instant::now(),
        }
    }

    /// How long the demo has been going.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A new step.
    pub(crate) fn step(&self, title: &str) {
        let at = Style::new()
            .dim()
            .apply_to(format!("[{:>5.1} s]", self.elapsed().as_secs_f64()));
        println!("\n{at} {}", Style::new().bold().apply_to(title));
    }

    /// A command, as one would type it.
    pub(crate) fn command(&self, text: &str) {
        println!("  {}", Style::new().cyan().apply_to(format!("$ {text}")));
    }

    /// Some lines of output or explanation.
    pub(crate) fn text(&self, text: &str) {
        for line in text.trim_end().lines() {
            println!("  {line}");
        }
    }

    /// One line of the summary.
    pub(crate) fn fact(&self, name: &str, value: &str) {
        println!("  {name:<28} {value}");
    }

    /// A line that says whether something is as it should be.
    pub(crate) fn verdict(&self, good: bool, text: &str) {
        let (mark, style) = if good {
            ("ok", Style::new().green())
        } else {
            ("WRONG", Style::new().red().bold())
        };
        println!("  {:<5} {text}", style.apply_to(mark));
    }
}

/// A number with its thousands apart: `20,000`.
pub(crate) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A time for people: `340 us`, `1.3 ms`, `20.0 s`.
pub(crate) fn time(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} us", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

/// Events a second.
pub(crate) fn rate(events: u64, span: Duration) -> String {
    format!(
        "{}/s",
        count((events as f64 / span.as_secs_f64().max(1e-3)).round() as u64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(count(20_000), "20,000");
        assert_eq!(time(Duration::from_micros(340)), "340 us");
        assert_eq!(time(Duration::from_micros(1_340)), "1.3 ms");
        assert_eq!(time(Duration::from_secs(20)), "20.0 s");
        assert_eq!(rate(20_000, Duration::from_secs(20)), "1,000/s");
    }
}
