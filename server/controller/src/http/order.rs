//! In which order documents are made so: what others refer to comes first.

use std::collections::BTreeMap;

use tidemill_resource::document::{Declared, DocumentError};
use tidemill_resource::{FieldError, Kind};

/// The positions of the documents, each after those that it refers to: SmartModules, then topics, then views, each
/// after the one it reads. Otherwise as they were given.
///
/// # Errors
/// Views that read each other in a circle.
pub(super) fn ordered(documents: &[Declared]) -> Result<Vec<usize>, Box<DocumentError>> {
    let of_kind = |kind: Kind| {
        let all = documents.iter().enumerate();
        all.filter(move |(_, document)| document.kind() == kind)
            .map(|(position, _)| position)
    };
    let mut order: Vec<usize> = of_kind(Kind::SmartModule).chain(of_kind(Kind::Topic)).collect();
    let views: BTreeMap<&str, usize> = of_kind(Kind::View)
        .filter_map(|position| Some((documents.get(position)?.metadata().name.as_str(), position)))
        .collect();
    for position in of_kind(Kind::View) {
        order_view(documents, &views, position, &mut order)?;
    }
    Ok(order)
}

/// Adds a view, after those it reads.
fn order_view(
    documents: &[Declared],
    views: &BTreeMap<&str, usize>,
    position: usize,
    order: &mut Vec<usize>,
) -> Result<(), Box<DocumentError>> {
    let mut path = Vec::new();
    let mut next = Some(position);
    while let Some(at) = next.filter(|at| !order.contains(at)) {
        if path.contains(&at) {
            return Err(Box::new(circle(documents, at)));
        }
        path.push(at);
        next = match documents.get(at) {
            Some(Declared::View(view)) => views.get(view.spec.source.as_str()).copied(),
            _ => None,
        };
    }
    order.extend(path.into_iter().rev());
    Ok(())
}

fn circle(documents: &[Declared], position: usize) -> DocumentError {
    let name = documents
        .get(position)
        .map(|document| document.metadata().name.clone());
    let message = "the views would read each other in a circle: let one of them read a topic";
    DocumentError {
        document: Some(position + 1),
        kind: Some(Kind::View.to_string()),
        name,
        error: FieldError::new("spec.source", message),
    }
}

#[cfg(test)]
mod tests {
    use tidemill_resource::document::parse;

    use super::*;

    fn order_of(objects: &[(&str, &str, &str)]) -> Result<Vec<usize>, String> {
        let text: Vec<String> = objects
            .iter()
            .map(|(kind, name, source)| {
                let spec = match *source {
                    "" => "{}".to_owned(),
                    source => format!("{{source: {source}}}"),
                };
                format!(
                    "apiVersion: tidemill.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
                )
            })
            .collect();
        ordered(&parse(&text.join("---\n")).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let documents = [
            ("View", "c", "b"),
            ("View", "b", "a"),
            ("Topic", "t", ""),
            ("View", "a", "t"),
            ("SmartModule", "m", ""),
            ("View", "d", "elsewhere"),
        ];
        assert_eq!(order_of(&documents), Ok(vec![4, 2, 3, 1, 0, 5]));
    }

    #[test]
    fn a_circle_is_told_of() {
        let error = order_of(&[("View", "z", "b"), ("View", "a", "b"), ("View", "b", "a")]).unwrap_err();
        assert!(
            error.contains("spec.source: the views would read each other in a circle"),
            "{error}"
        );
    }
}
