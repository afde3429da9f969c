//! A line-by-line reading of formatted Rust source: which lines are production code, where functions begin and end.
//!
//! It relies on rustfmt's layout (an item ends with a `}` as far in as its first line) and needs no parser; the
//! `format` check sees to the layout.

/// A function, and the code lines of its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its `fn`, counted from 1.
    pub(crate) line: usize,
    pub(crate) code_lines: usize,
}

/// For each line: whether it is production code (not blank, not a comment, not in a test module).
pub(crate) fn production_lines(source: &str) -> Vec<bool> {
    let mut marks = Vec::new();
    let mut in_comment = false;
    let mut skip: Skip = Skip::No;
    for line in source.lines() {
        let text = line.trim();
        let comment = in_comment || text.starts_with("//") || text.starts_with("/*");
        in_comment = (in_comment || text.starts_with("/*")) && !text.contains("*/");
        let (next, skipped) = skip.step(line, comment || text.is_empty());
        skip = next;
        marks.push(!text.is_empty() && !comment && !skipped);
    }
    marks
}

/// Whether we are within an item that only tests see.
#[derive(Clone, Copy)]
enum Skip {
    No,
    /// After `#[cfg(test)]`, before the item's first line.
    Armed,
    /// Within the item, until a closing line this far in.
    Until(usize),
}

impl Skip {
    /// The state after a line, and whether the line is skipped.
    fn step(self, line: &str, empty: bool) -> (Skip, bool) {
        let text = line.trim();
        match self {
            Skip::No if text == "#[cfg(test)]" => (Skip::Armed, true),
            Skip::No => (Skip::No, false),
            Skip::Armed if empty || text.starts_with("#[") => (Skip::Armed, true),
            Skip::Armed if text.ends_with('{') => (Skip::Until(indent(line)), true),
            Skip::Armed => (Skip::No, true),
            Skip::Until(column) if indent(line) == column && text.starts_with('}') => (Skip::No, true),
            Skip::Until(column) => (Skip::Until(column), true),
        }
    }
}

/// The functions of a file's production code, with the code lines between their braces.
pub(crate) fn functions(source: &str) -> Vec<Function> {
    let lines: Vec<&str> = source.lines().collect();
    let marks = production_lines(source);
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line).filter(|_| marks[start]) else {
            continue;
        };
        let Some(body) = body_start(&lines, start) else {
            continue;
        };
        let column = indent(line);
        let code_lines = (body..lines.len())
            .take_while(|&at| !(indent(lines[at]) == column && lines[at].trim_start().starts_with('}')))
            .filter(|&at| marks[at])
            .count();
        functions.push(Function {
            name: name.to_owned(),
            line: start + 1,
            code_lines,
        });
    }
    functions
}

/// The line after the one that opens a function's body; nothing for a declaration or a one-line body.
fn body_start(lines: &[&str], start: usize) -> Option<usize> {
    let column = indent(lines[start]);
    for (offset, line) in lines[start..].iter().enumerate() {
        let text = line.trim_end();
        if offset > 0 && indent(line) > column {
            continue; // a parameter or a bound
        }
        if text.ends_with('{') {
            return Some(start + offset + 1);
        }
        if text.ends_with(';') || text.ends_with('}') {
            return None;
        }
    }
    None
}

fn function_name(line: &str) -> Option<&str> {
    let mut text = line.trim_start();
    if let Some(rest) = text.strip_prefix("pub(") {
        text = rest.split_once(')')?.1.trim_start();
    }
    for word in ["pub ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        text = text.strip_prefix(word).unwrap_or(text);
    }
    let rest = text.strip_prefix("fn ")?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(&rest[..end])
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::{Function, functions, production_lines};

    const SOURCE: &str = "//! Purpose.\n\
        \n\
        pub fn one(\n    a: u8,\n) -> u8\nwhere\n    u8: Copy,\n{\n    // why\n    let b = a;\n\n    b\n}\n\
        \n\
        fn short() {}\n\
        \n\
        #[cfg(test)]\n\
        mod tests {\n    fn hidden() {\n        let c = 1;\n    }\n}\n\
        const AFTER: u8 = 1;\n";

    #[test]
    fn counts_code_outside_comments_and_tests() {
        let counted = production_lines(SOURCE).into_iter().filter(|mark| *mark).count();
        // Signature and braces of `one`: 7, its body: 2, `short`: 1, the constant after the tests: 1.
        assert_eq!(counted, 11);
    }

    #[test]
    fn measures_bodies() {
        assert_eq!(
            functions(SOURCE),
            [Function {
                name: "one".to_owned(),
                line: 3,
                code_lines: 2
            }]
        );
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_hides_one_line() {
        let marks = production_lines("#[cfg(test)]\nmod tests;\nfn f() {}\n");
        assert_eq!(marks, [false, false, true]);
    }
}
