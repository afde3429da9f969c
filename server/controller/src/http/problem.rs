//! Errors as RFC 9457 problem documents.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidemill_metadata::{Gone, ProposeError, Reason, Rejection};
use tidemill_resource::FieldError;
use tidemill_resource::document::DocumentError;
use utoipa::ToSchema;

use super::kinds::ErrorKind;
use crate::live::{DeleteGroupError, GroupsLoading};
use crate::modules::{LoadError, ModuleStoreError};

/// One of several errors of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemItem {
    /// Which document of the request, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<usize>,
    /// The object's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The object's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What was found there, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// What is wrong, and the mend.
    detail: String,
}

/// A problem document as it is sent (`application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// A URI that names the kind of error.
    #[serde(rename = "type")]
    kind_uri: String,
    /// The kind of error in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// What failed, on what, and the mend.
    detail: String,
    /// The number of the kind of error; the same in every client.
    number: u16,
    /// Whether the same request may succeed later.
    retriable: bool,
    /// The field at fault, such as `spec.retention.time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
    /// Every error, where a request has several parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemItem>,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ErrorKind,
    status: StatusCode,
    message: String,
    field: Option<String>,
    errors: Vec<ProblemItem>,
    allow: Option<&'static str>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem. The message is "what failed: the mend".
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (status, message) = (kind.status(), message.into());
        Self {
            kind,
            status,
            message,
            field: None,
            errors: Vec::new(),
            allow: None,
            retry_after: None,
        }
    }

    /// The problem as it is sent.
    pub(crate) fn document(self) -> ProblemDocument {
        ProblemDocument {
            kind_uri: format!("https://tidemill.dev/errors/{}", self.kind.name()),
            title: self.kind.name(),
            status: self.status.as_u16(),
            mend: self.message.rsplit_once(": ").map(|(_, mend)| mend.to_owned()),
            detail: self.message,
            number: self.kind.number(),
            retriable: self.kind.is_retriable(),
            field: self.field,
            errors: self.errors,
        }
    }

    /// The same problem, naming the field at fault.
    pub(crate) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same problem with another status than its kind's.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// "Too many at once": the same request may do after `seconds`.
    pub(crate) fn crowded(message: impl Into<String>, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(ErrorKind::Unavailable, message)
        }
    }

    /// "This method does not work here", with those that do.
    pub(crate) fn method(message: String, allow: &'static str) -> Self {
        let problem =
            Self::new(ErrorKind::InvalidArgument, message).with_status(StatusCode::METHOD_NOT_ALLOWED);
        Self {
            allow: Some(allow),
            ..problem
        }
    }

    /// Every error of a stream of documents.
    pub(crate) fn of_documents(errors: Vec<DocumentError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.to_string(),
            many => {
                let first = many.first().map(ToString::to_string).unwrap_or_default();
                format!(
                    "{} documents are wrong, and nothing was changed; the first: {first}",
                    many.len()
                )
            }
        };
        Self::new(ErrorKind::InvalidArgument, detail).about(errors)
    }

    /// The same problem, listing the errors it consists of.
    pub(crate) fn about(self, errors: Vec<DocumentError>) -> Self {
        let field = errors
            .first()
            .map(|error| error.error.path.clone())
            .filter(|path| !path.is_empty());
        let items = errors.into_iter().map(|error| ProblemItem {
            document: error.document,
            kind: error.kind,
            name: error.name,
            field: Some(error.error.path).filter(|path| !path.is_empty()),
            value: error.error.value,
            detail: error.error.message,
        });
        Self {
            field,
            errors: items.collect(),
            ..self
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, allow, retry_after) = (self.status, self.allow, self.retry_after);
        let mut response = (status, Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        let problem = Self::new(ErrorKind::InvalidArgument, error.to_string());
        if error.path.is_empty() {
            problem
        } else {
            problem.at(error.path)
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let kind = match rejection.reason {
            Reason::TopicExists | Reason::ViewExists => ErrorKind::AlreadyExists,
            Reason::UnknownTopic
            | Reason::UnknownSmartModule
            | Reason::UnknownView
            | Reason::UnknownBroker => ErrorKind::NotFound,
            Reason::VersionConflict { .. } | Reason::ClusterMismatch | Reason::InUse => ErrorKind::Conflict,
            Reason::InternalTopic => ErrorKind::Denied,
            Reason::InvalidName
            | Reason::InvalidPartitions
            | Reason::InvalidReplicationFactor
            | Reason::InvalidReplicaAssignment
            | Reason::InvalidConfig { .. }
            | Reason::InvalidTransform
            | Reason::InvalidSource
            | Reason::InvalidRequest => ErrorKind::InvalidArgument,
        };
        Self {
            field: rejection.field,
            ..Self::new(kind, rejection.message)
        }
    }
}

impl From<ProposeError> for Problem {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Rejected(rejection) => rejection.into(),
            ProposeError::Unavailable(_) => Self::new(ErrorKind::Unavailable, format!("{error}: try again")),
        }
    }
}

impl From<Gone> for Problem {
    fn from(gone: Gone) -> Self {
        Self::new(ErrorKind::OutOfRange, gone.to_string())
            .at("resourceVersion")
            .with_status(StatusCode::GONE)
    }
}

impl From<GroupsLoading> for Problem {
    fn from(loading: GroupsLoading) -> Self {
        Self::new(ErrorKind::Unavailable, loading.to_string())
    }
}

impl From<ModuleStoreError> for Problem {
    fn from(error: ModuleStoreError) -> Self {
        let kind = match &error {
            ModuleStoreError::Refused(_) => ErrorKind::InvalidArgument,
            ModuleStoreError::NotFound(_) => ErrorKind::NotFound,
            ModuleStoreError::Failed(_) => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            LoadError::Propose(error) => error.into(),
            LoadError::Reply => Self::new(ErrorKind::Internal, error.to_string()),
        }
    }
}

impl From<DeleteGroupError> for Problem {
    fn from(error: DeleteGroupError) -> Self {
        let kind = match &error {
            DeleteGroupError::NotFound(_) => ErrorKind::NotFound,
            DeleteGroupError::NotEmpty(_) => ErrorKind::Conflict,
            DeleteGroupError::Unavailable { .. } => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}
