//! Keeps web pages of other sites from reading and writing through a visitor's browser: the API listens on loopback, where a
//! browser reaches it without any credentials.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
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
    let Some(origin) = text(request, &header::ORIGIN) else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_none() || host != text(request, &header::HOST)
}

/// Refuses requests to a name that is not this server's: a page of another site whose name was made to stand for this
/// address (DNS rebinding) would otherwise read and write here, with the browser taking both for one site.
/// Health is told to anybody.
pub(super) async fn known_name(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let health = matches!(request.uri().path(), "/healthz" | "/readyz");
    let header = text(&request, &header::HOST).map(str::to_owned);
    let uri = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let stranger = [header, uri]
        .into_iter()
        .flatten()
        .find(|host| !is_known(host, api.bounds.names()));
    match stranger {
        Some(host) if !health => {
            let message = format!(
                "this server does not go by the name in `{}`: use its IP address or localhost, or add the name to \
                 http-allowed-hosts",
                host.escape_debug()
            );
            Problem::new(ErrorKind::Denied, message)
                .with_status(StatusCode::MISDIRECTED_REQUEST)
                .into_response()
        }
        _ => next.run(request).await,
    }
}

/// Whether `host`, with or without a port, is an address, a name for this machine, or one of `names`.
fn is_known(host: &str, names: &[String]) -> bool {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if let Some(rest) = host.strip_prefix('[') {
        return rest
            .split_once(']')
            .is_some_and(|(address, port)| address.parse::<Ipv6Addr>().is_ok() && is_port(port));
    }
    let (name, port) = match host.find(':') {
        Some(at) => host.split_at(at),
        None => (host, ""),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    is_port(port)
        && (name.parse::<Ipv4Addr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || names.iter().any(|known| known == "*" || *known == name))
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok())
}

fn text<'a>(request: &'a Request, name: &header::HeaderName) -> Option<&'a str> {
    let value = request.headers().get(name)?;
    // What is no text is no name of ours.
    Some(value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn addresses_and_own_names_are_known_and_others_are_not() {
        let names = ["tidemill.internal".to_owned()];
        for host in [
            "127.0.0.1",
            "10.1.2.3:8092",
            "[::1]",
            "[::1]:8092",
            "localhost:8092",
            "LocalHost",
            "a.localhost",
            "tidemill.internal:8092",
            "Tidemill.Internal.",
        ] {
            assert!(is_known(host, &names), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8092",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "[::1]evil.example",
            "127.0.0.1@evil.example",
            "127.0.0.1:evil",
            "",
        ] {
            assert!(!is_known(host, &names), "{host}");
        }
        assert!(is_known("evil.example", &["*".to_owned()]));
    }
}
