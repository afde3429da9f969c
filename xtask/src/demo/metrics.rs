//! The metrics page of the server.

use anyhow::Result;

use super::http;

/// One look at the page.
pub(crate) struct Metrics {
    page: String,
}

impl Metrics {
    pub(crate) fn read(http: &str) -> Result<Metrics> {
        Ok(Metrics {
            page: http::get(http, "/metrics")?,
        })
    }

    /// The lines of a metric whose labels hold `label`, such as `topic="flights"`.
    pub(crate) fn lines<'a>(&'a self, name: &'a str, label: &'a str) -> impl Iterator<Item = &'a str> {
        self.page.lines().filter(move |line| {
            let labels = line.strip_prefix(name).unwrap_or_default();
            labels.starts_with(['{', ' ']) && labels.contains(label)
        })
    }

    /// The sum over those lines; nothing where there is none.
    pub(crate) fn sum(&self, name: &str, label: &str) -> Option<f64> {
        let values: Vec<f64> = self
            .lines(name, label)
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn a_metric_is_summed_over_its_lines() {
        let metrics = Metrics {
            page: "# TYPE lag gauge\nlag{group=\"a\",topic=\"t\"} 2\nlag{group=\"a\",topic=\"u\"} 3\nlag_max 9\nup 1\n"
                .to_owned(),
        };
        assert_eq!(metrics.sum("lag", "group=\"a\""), Some(5.0));
        assert_eq!(metrics.sum("lag", "topic=\"u\""), Some(3.0));
        assert_eq!(metrics.sum("up", ""), Some(1.0));
        assert_eq!(metrics.sum("lag", "group=\"b\""), None);
    }
}
