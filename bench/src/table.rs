//! The table: median, least and most of every measure, and how the first server compares.

use std::fmt::Write as _;

use anyhow::Result;

use crate::report::{Report, Row};

/// Renders a report as Markdown.
///
/// # Errors
/// Never in practice: writing to a string does not fail.
pub fn render(report: &Report) -> Result<String> {
    let mut page = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench`. All servers in one run, in turn within each round; the median \
         [least, most] of the rounds. Every\nrecord is checked for loss, duplicates and order; a run that fails prints \
         no figure.\n\nMachine: {}.\n",
        report.machine
    );
    let compared = report.servers.len() > 1;
    for section in &report.sections {
        write!(page, "\n## {}\n\n|  |", section.title)?;
        for server in &report.servers {
            write!(page, " {server} |")?;
        }
        page.push_str(if compared {
            " times better |\n|---|"
        } else {
            "\n|---|"
        });
        page.push_str(&"---|".repeat(report.servers.len() + usize::from(compared)));
        page.push('\n');
        for row in &section.rows {
            write!(page, "| {} |", row.measure)?;
            for values in &row.values {
                write!(page, " {} |", cell(values))?;
            }
            if compared {
                write!(page, " {} |", ratio(row))?;
            }
            page.push('\n');
        }
    }
    Ok(page)
}

fn cell(values: &[f64]) -> String {
    let sorted = sorted(values);
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) if sorted.len() > 1 => {
            format!(
                "{} [{}, {}]",
                figure(median(values)),
                figure(*least),
                figure(*most)
            )
        }
        (Some(only), _) => figure(*only),
        _ => "-".to_owned(),
    }
}

/// How many times better the first server is than the second, by medians.
fn ratio(row: &Row) -> String {
    let [first, second, ..] = row.values.as_slice() else {
        return String::new();
    };
    if first.is_empty() || second.is_empty() {
        return "-".to_owned();
    }
    let (first, second) = (median(first), median(second));
    let ratio = if row.larger_is_better {
        first / second
    } else {
        second / first
    };
    format!("{ratio:.2}")
}

fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn figure(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::{Report, Row, Section};

    #[test]
    fn shows_medians_and_who_is_better() {
        let rows = vec![
            Row {
                measure: "rate".to_owned(),
                larger_is_better: true,
                values: vec![vec![300.0, 100.0, 200.0], vec![100.0, 100.0, 100.0]],
            },
            Row {
                measure: "latency".to_owned(),
                larger_is_better: false,
                values: vec![vec![1.0], vec![4.0]],
            },
            Row {
                measure: "size".to_owned(),
                larger_is_better: false,
                values: vec![vec![15.0], vec![]],
            },
        ];
        let page = render(&Report {
            servers: vec!["A 1".to_owned(), "B 2".to_owned()],
            machine: "a machine".to_owned(),
            sections: vec![Section {
                title: "Load".to_owned(),
                rows,
            }],
        })
        .unwrap();
        assert!(page.contains("## Load\n\n|  | A 1 | B 2 | times better |\n|---|---|---|---|\n"));
        assert!(page.contains("| rate | 200 [100, 300] | 100 [100, 100] | 2.00 |"));
        assert!(page.contains("| latency | 1.00 | 4.00 | 4.00 |"));
        assert!(page.contains("| size | 15.00 | - | - |"));
    }
}
