//! The control plane: where it is, whether it answers and is ready, which version runs, and the server's clock.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::StatusCode;
use serde_json::Value;
use tidemill_client::{Client, ErrorKind, Objects};

use super::finding::Report;
use super::network::Reached;
use crate::args::Target;
use crate::output;

/// A difference between the clocks that is worth a word.
const MOST_SKEW: Duration = Duration::from_secs(2);
const UNREACHED: &str = "start the server with --http on an address that this machine reaches, or give the URL with \
                         --admin-url";

/// Checks the control plane that was named, or else the one that the brokers name.
pub(super) async fn check(report: &mut Report, target: &Target, reached: &Reached, patience: Duration) {
    let Some(url) = discover(report, target, &reached.client).await else {
        return;
    };
    let http = match reqwest::Client::builder().no_proxy().timeout(patience).build() {
        Ok(http) => http,
        Err(error) => return report.fail_with("health", format!("cannot set up HTTP: {error}")),
    };
    let before = Timestamp::now();
    let answer = match http.get(format!("{url}/healthz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            report.fail(
                "health",
                format!("{url}/healthz: {}", root_cause(&error)),
                UNREACHED,
            );
            return;
        }
    };
    let after = Timestamp::now();
    if answer.status() != StatusCode::OK {
        let detail = format!("{url}/healthz answered {}", answer.status());
        report.fail(
            "health",
            detail,
            "see that the URL is Tidemill's control plane (--admin-url)",
        );
        return;
    }
    report.ok("health", format!("{url}/healthz answers"));
    let date = answer
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok())
        .map(str::to_owned);
    check_ready(report, &http, &url).await;
    check_versions(report, &url).await;
    check_clock(report, date.as_deref(), before, after);
}

/// The URL of the control plane.
async fn discover(report: &mut Report, target: &Target, client: &Client) -> Option<String> {
    if let Some(url) = &target.admin_url {
        let url = url.trim_end_matches('/').to_owned();
        report.ok("control plane", format!("{url}, as given"));
        return Some(url);
    }
    match client.objects().await {
        Ok(objects) => {
            report.ok("control plane", format!("{}, as the broker says", objects.url()));
            Some(objects.url().to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let detail =
                "no broker names a control plane (tidemill.admin.url); another Kafka broker has none";
            report.skip("control plane", detail);
            None
        }
        Err(error) => {
            let detail = format!("the brokers' settings cannot be read: {error}");
            report.fail(
                "control plane",
                detail,
                "mend what failed above, or give the URL with --admin-url",
            );
            None
        }
    }
}

async fn check_ready(report: &mut Report, http: &reqwest::Client, url: &str) {
    let answer = match http.get(format!("{url}/readyz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            return report.fail(
                "ready",
                format!("{url}/readyz: {}", root_cause(&error)),
                UNREACHED,
            );
        }
    };
    let status = answer.status();
    if status == StatusCode::OK {
        return report.ok("ready", "the server takes traffic");
    }
    let said: Value = answer.json().await.unwrap_or_default();
    let reasons = said["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let reasons: Vec<&str> = reasons.collect();
    let detail = if reasons.is_empty() {
        format!("{url}/readyz answered {status}")
    } else {
        reasons.join("; ")
    };
    report.fail(
        "ready",
        detail,
        "wait while it starts; if it stays so, see the server's log",
    );
}

/// Compares the brokers' versions with each other and with this program's.
async fn check_versions(report: &mut Report, url: &str) {
    let brokers = match Objects::new(url) {
        Ok(objects) => objects.list("brokers").await,
        Err(error) => Err(error),
    };
    let brokers = match brokers {
        Ok(brokers) => brokers,
        Err(error) => return report.fail_with("version", error),
    };
    let version = |broker: &Value| {
        broker
            .pointer("/status/version")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let mut versions: Vec<String> = brokers.iter().filter_map(version).collect();
    versions.sort();
    versions.dedup();
    let ours = env!("CARGO_PKG_VERSION");
    let detail = format!("brokers {}, this program {ours}", versions.join(" and "));
    if versions.iter().all(|theirs| theirs == ours) {
        report.ok("version", detail);
    } else {
        report.warn(
            "version",
            detail,
            "run the same version everywhere; upgrade the older one",
        );
    }
}

fn check_clock(report: &mut Report, date: Option<&str>, before: Timestamp, after: Timestamp) {
    let Some(said) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) else {
        return report.skip("clock", "the control plane does not say what time it is");
    };
    let ahead = skew_ms(said, before, after);
    let off = Duration::from_millis(ahead.unsigned_abs());
    if off <= MOST_SKEW {
        return report.ok("clock", "the server's and this machine's agree to within seconds");
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    report.warn(
        "clock",
        format!(
            "the server's is {} {direction} this machine's",
            output::duration(off)
        ),
        "run a time service on both; times of records, and retention by time, go by these clocks",
    );
}

/// By how many milliseconds a clock that showed `said` (whole seconds) at some moment between `before` and `after` is
/// ahead at least; 0 if it may be right.
fn skew_ms(said: Timestamp, before: Timestamp, after: Timestamp) -> i64 {
    let said = said.as_millisecond();
    let (earliest, latest) = (
        said - after.as_millisecond(),
        said + 1_000 - before.as_millisecond(),
    );
    if earliest > 0 { earliest } else { latest.min(0) }
}

/// What lies at the bottom of a failed request: the layers above only say that it failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_only_by_what_whole_seconds_cannot_explain() {
        let at = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap();
        assert_eq!(skew_ms(at(0), at(100), at(200)), 0);
        assert_eq!(skew_ms(at(0), at(990), at(1_010)), 0);
        assert_eq!(skew_ms(at(5_000), at(100), at(200)), 4_800);
        assert_eq!(skew_ms(at(-5_000), at(100), at(200)), -4_100);
    }

    #[test]
    fn dates_of_http_are_read() {
        let date = DateTimeParser::new()
            .parse_timestamp("Wed, 25 Nov 2026 07:11:54 GMT")
            .unwrap();
        assert_eq!(date.to_string(), "2026-11-25T07:11:54Z");
    }
}
