//! Links between the pages of the checkout lead somewhere.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::workspace;

/// Pages that every page of a directory has to be linked from.
const INDEXES: &[(&str, &str)] = &[("docs", "docs/README.md"), ("docs/adr", "docs/README.md")];

/// Every relative link of every Markdown page; and that the index of the documentation is whole.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let root = workspace::root();
    let files = workspace::files()?;
    let mut findings = Vec::new();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
    {
        let name = path.to_string_lossy();
        let text = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {name}"))?;
        let from = path.parent().unwrap_or(Path::new(""));
        for (line, target) in links(&text) {
            if !root.join(from).join(target).exists() {
                findings.push(Finding::new(
                    format!("{name}:{line}"),
                    format!("links to {target}, which is not there"),
                    "mend the link",
                ));
            }
        }
    }
    for (dir, index) in INDEXES {
        let text = fs::read_to_string(root.join(index)).with_context(|| format!("cannot read {index}"))?;
        let from = Path::new(index).parent().unwrap_or(Path::new(""));
        let linked: Vec<_> = links(&text).map(|(_, target)| from.join(target)).collect();
        let pages = files
            .iter()
            .filter(|path| path.parent() == Some(Path::new(dir)) && path != &Path::new(index));
        for page in pages.filter(|page| !linked.contains(page)) {
            findings.push(Finding::new(
                page.display().to_string(),
                format!("{index} does not list it"),
                format!("add a line to {index}"),
            ));
        }
    }
    Ok(findings)
}

/// The relative links of a page, each with its line; without anchors, and outside of blocks of code.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        code ^= line.starts_with("```");
        !code
    });
    lines.flat_map(|(index, line)| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let relative = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
        let relative = relative.filter(|target| !target.is_empty() && !target.contains("://"));
        relative
            .map(move |target| (index + 1, target))
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn relative_links_outside_of_code_are_found() {
        let text = "[a](x.md) and [b](y/z.md#part), [c](https://a.b/c) [d](#here)\n```\n[e](no.md)\n```\n![f](g.png)\n";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, [(1, "x.md"), (1, "y/z.md"), (5, "g.png")]);
    }
}
