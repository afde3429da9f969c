//! Query parameters, read strictly: an unknown one is refused, as an unknown field is.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use tidemill_resource::nearest;

use super::kinds::ErrorKind;
use super::problem::Problem;

/// The query parameters of a request.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<Query<Vec<(String, String)>>, QueryRejection> =
            Query::from_request_parts(parts, state).await;
        let Query(pairs) = query.map_err(|error| {
            Problem::new(
                ErrorKind::InvalidArgument,
                format!("the query cannot be read: {error}"),
            )
        })?;
        Ok(Self(pairs))
    }
}

impl Params {
    /// Refuses parameters other than these, and any given twice.
    pub(super) fn allow(&self, known: &[&'static str]) -> Result<(), Problem> {
        for (position, (name, _)) in self.0.iter().enumerate() {
            let shown = name.escape_debug();
            if !known.contains(&name.as_str()) {
                let mend = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => "this path takes none".to_owned(),
                    None => format!("this path takes {}", known.join(", ")),
                };
                let message = format!("the query parameter `{shown}` is not known: {mend}");
                return Err(Problem::new(ErrorKind::InvalidArgument, message).at(name));
            }
            if self.0.iter().take(position).any(|(earlier, _)| earlier == name) {
                let message = format!("the query parameter `{shown}` is given twice: give it once");
                return Err(Problem::new(ErrorKind::InvalidArgument, message).at(name));
            }
        }
        Ok(())
    }

    /// The value of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A switch: `true`, `false`, or just the name. Off when absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(other) => {
                let message = format!(
                    "`{}` is not a value of `{name}`: use true or false",
                    other.escape_debug()
                );
                Err(Problem::new(ErrorKind::InvalidArgument, message).at(name))
            }
        }
    }
}
