//! Keeps web pages of other sites from writing through a visitor's browser: the API listens on loopback, where a
//! browser reaches it without any credentials.

use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::kinds::ErrorKind;
use super::problem::Problem;

/// Refuses writes whose `Origin` is another site. Programs send no `Origin`.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && is_cross_site(&request) {
        let message = "the request comes from a page of another site: call the API from a program";
        return Problem::new(ErrorKind::Denied, message).into_response();
    }
    next.run(request).await
}

fn is_cross_site(request: &Request) -> bool {
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_none() || host != text(header::HOST)
}
