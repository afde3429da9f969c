//! The lines that servers in this process write to their log.

use std::io::{self, Write};
use std::sync::LazyLock;

use tokio::sync::watch;

static LINES: LazyLock<watch::Sender<Vec<String>>> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(|| Sink);
    // Another subscriber would take the lines from these tests.
    subscriber.try_init().expect("the only subscriber");
    watch::Sender::new(Vec::new())
});

struct Sink;

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A subscriber writes a whole line at a time.
        let text = String::from_utf8_lossy(line).into_owned();
        LINES.send_modify(|lines| lines.push(text));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep lines. Call it before the server starts.
pub fn keep() {
    LazyLock::force(&LINES);
}

/// Waits for a line that holds all of `parts`.
pub async fn line(parts: &[&str]) -> String {
    let mut lines = LINES.subscribe();
    let holds = |line: &&String| parts.iter().all(|part| line.contains(part));
    let found = lines.wait_for(|lines| lines.iter().any(|line| holds(&line)));
    match tokio::time::timeout(super::SOON, found).await {
        Ok(found) => found.unwrap().iter().find(holds).unwrap().clone(),
        Err(_) => panic!("no line holds {parts:?}: {:#?}", *LINES.borrow()),
    }
}
