//! What was measured.

/// The same measure of every server, a value for each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured, and its unit.
    pub measure: String,
    /// Whether a larger value is the better one.
    pub larger_is_better: bool,
    /// For each server, in the order of [`Report::servers`], a value for each round.
    pub values: Vec<Vec<f64>>,
}

impl Row {
    /// A measure of `servers` servers without values yet.
    #[must_use]
    pub fn new(measure: String, larger_is_better: bool, servers: usize) -> Row {
        let values = vec![Vec::new(); servers];
        Row {
            measure,
            larger_is_better,
            values,
        }
    }
}

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What they are about: the client, the durability.
    pub title: String,
    /// The measures.
    pub rows: Vec<Row>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Names and versions of the servers.
    pub servers: Vec<String>,
    /// Where and when.
    pub machine: String,
    /// The measures.
    pub sections: Vec<Section>,
}
