//! No file over 600 lines of production code, no function over 80.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Finding, source};
use crate::workspace;

const FILE_LIMIT: usize = 600;
const FUNCTION_LIMIT: usize = 80;

/// Other languages' files count with every line that is not blank.
const SCRIPTS: &[&str] = &["py", "js", "mjs", "java", "sh", "ts"];

/// Every source file of the checkout.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in workspace::files()? {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().into_owned());
        let extension = extension.unwrap_or_default();
        if extension != "rs" && !SCRIPTS.contains(&extension.as_str()) {
            continue;
        }
        let text = fs::read_to_string(workspace::root().join(&path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        if text.lines().take(5).any(|line| line.contains("@generated")) {
            continue;
        }
        if extension == "rs" {
            rust(&path, &text, &mut findings);
        } else {
            let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
            file(&path, lines, &mut findings);
        }
    }
    Ok(findings)
}

fn rust(path: &Path, text: &str, findings: &mut Vec<Finding>) {
    if is_test(path) {
        return;
    }
    let lines = source::production_lines(text)
        .into_iter()
        .filter(|mark| *mark)
        .count();
    file(path, lines, findings);
    for function in source::functions(text) {
        if function.code_lines > FUNCTION_LIMIT {
            findings.push(Finding::new(
                format!("{}:{}", path.display(), function.line),
                format!(
                    "`{}` has {} lines, over {FUNCTION_LIMIT}",
                    function.name, function.code_lines
                ),
                "give a part of it a name and a function of its own",
            ));
        }
    }
}

fn file(path: &Path, lines: usize, findings: &mut Vec<Finding>) {
    if lines > FILE_LIMIT {
        findings.push(Finding::new(
            format!("{}:{FILE_LIMIT}", path.display()),
            format!("{lines} production lines, over {FILE_LIMIT}"),
            "split it: one idea a file",
        ));
    }
}

/// Files that hold tests alone: `tests/` directories of crates, `tests.rs`, `*_tests.rs`.
fn is_test(path: &Path) -> bool {
    let in_crate_tests = path.parent().is_some_and(|dir| {
        dir.components().skip(1).any(|part| part.as_os_str() == "tests") && !dir.ends_with("src")
    });
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    in_crate_tests || name == "tests" || name.ends_with("_tests")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file, is_test, rust};

    #[test]
    fn tests_are_told_from_production() {
        assert!(is_test(Path::new("server/storage/src/log_tests.rs")));
        assert!(is_test(Path::new("server/storage/tests/model.rs")));
        assert!(!is_test(Path::new("tests/compat/src/harness.rs")));
        assert!(!is_test(Path::new("server/storage/src/log.rs")));
    }

    #[test]
    fn a_long_file_and_a_long_function_are_found() {
        let mut findings = Vec::new();
        file(Path::new("a.py"), 601, &mut findings);
        let body = "    step();\n".repeat(81);
        rust(
            Path::new("a.rs"),
            &format!("fn long() {{\n{body}}}\n"),
            &mut findings,
        );
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[1].place, "a.rs:1");
    }
}
