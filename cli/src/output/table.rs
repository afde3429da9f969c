//! Tables: columns picked from JSON documents.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

/// A column: its heading, and where in the document its value is (RFC 6901).
pub(crate) type Column = (&'static str, &'static str);

/// A table without borders; columns of numbers are aligned to the right.
pub(crate) fn table(rows: &[Value], columns: &[Column]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows {
        table.add_row(columns.iter().map(|(_, pointer)| cell(row.pointer(pointer))));
    }
    for (index, (_, pointer)) in columns.iter().enumerate() {
        let values = || rows.iter().filter_map(|row| row.pointer(pointer));
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if values().any(Value::is_number) && values().all(|value| value.is_number() || value.is_null()) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A value in few characters.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| cell(Some(item))).collect();
            items.join(",")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn columns_line_up_and_nothing_is_a_dash() {
        let rows = [
            json!({"name": "orders", "n": 3, "isr": [1, 2]}),
            json!({"name": "a", "n": 12, "x": null}),
        ];
        let text = table(&rows, &[("NAME", "/name"), ("N", "/n"), ("ISR", "/isr")]);
        assert_eq!(text, "NAME     N  ISR\norders   3  1,2\na       12  -");
    }
}
