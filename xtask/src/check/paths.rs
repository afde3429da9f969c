//! Nothing in the tree names the machine it was written on.

use std::fs;

use anyhow::Result;

use super::Finding;
use crate::workspace;

/// This file, which has to name what it looks for.
const SELF: &str = "xtask/src/check/paths.rs";

/// What only makes sense on one machine.
const MARKS: &[&str] = &["/work/", "/root/", "/home/"];

/// Every text file of the checkout.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in workspace::files()? {
        let name = path.to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(workspace::root().join(&path)) else {
            continue;
        };
        if name == SELF {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if let Some(mark) = mark_in(line) {
                findings.push(Finding::new(
                    format!("{name}:{}", index + 1),
                    format!("names a path of one machine ({mark}...)"),
                    "use a path relative to the checkout, or a temporary directory",
                ));
            }
        }
    }
    Ok(findings)
}

/// A mark that begins an absolute path in a line: `framework/work/` is none.
fn mark_in(line: &str) -> Option<&'static str> {
    MARKS.iter().copied().find(|mark| {
        line.match_indices(mark).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && !"._-}~/>".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::mark_in;

    #[test]
    fn absolute_paths_are_found_and_relative_ones_are_not() {
        assert_eq!(mark_in("cd /root/x"), Some("/root/"));
        assert_eq!(mark_in("dir = \"/home/me/x\""), Some("/home/"));
        assert_eq!(mark_in("src/work/queue.rs"), None);
        assert_eq!(mark_in("${dir}/work/x"), None);
    }
}
