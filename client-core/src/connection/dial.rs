//! Opening a connection: names and ports, the first exchange, and saying what is wrong when it fails.

use std::fmt;
use std::time::Duration;

use tidemill_wire::kafka::messages::ApiVersionsRequest;
use tidemill_wire::kafka::protocol::{Request, StrBytes};
use tokio::net::TcpStream;

use super::{Connection, Versions};
use crate::error::{Error, Result};

/// The port of Kafka's protocol when an address names none.
const DEFAULT_PORT: u16 = 9092;

/// Host and port of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads `host:port,host2:port2`; a missing port is 9092, IPv6 addresses stand in brackets.
pub(crate) fn parse_bootstrap(list: &str) -> Result<Vec<Address>> {
    let addresses: Vec<Address> = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(parse_address)
        .collect::<Result<_>>()?;
    if addresses.is_empty() {
        return Err(Error::invalid(
            "no bootstrap address given. Name one as HOST:PORT, for example 127.0.0.1:9092",
        ));
    }
    Ok(addresses)
}

fn parse_address(text: &str) -> Result<Address> {
    let wrong = |why: &str| {
        Error::invalid(format!(
            "bootstrap address {text:?}: {why}. Write HOST:PORT, for example 127.0.0.1:9092"
        ))
    };
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(wrong(&format!("{scheme}:// does not belong here")));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| wrong("the bracket is not closed"))?;
            (host, after.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            Some(_) => (text, None),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port
            .parse()
            .map_err(|_| wrong("the port is not a number from 1 to 65535"))?,
        None => DEFAULT_PORT,
    };
    if host.is_empty() {
        return Err(wrong("the host is missing"));
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

/// Connects, and learns which versions the broker serves.
pub(super) async fn dial(address: &Address, client_id: &str, timeout: Duration) -> Result<Connection> {
    let connect = TcpStream::connect((address.host.as_str(), address.port));
    let stream = match tokio::time::timeout(timeout, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(refused(address, error)),
        Err(_) => {
            return Err(Error::timeout(format!(
                "no connection to {address} within {timeout:?}. Check the address and any firewall between"
            )));
        }
    };
    // Small requests must not wait for the answer to the one before (Nagle's algorithm).
    stream
        .set_nodelay(true)
        .map_err(|error| refused(address, error))?;
    let mut connection = Connection::start(stream, address.clone(), client_id);
    connection.versions = shake_hands(&connection, timeout).await?;
    Ok(connection)
}

async fn shake_hands(connection: &Connection, timeout: Duration) -> Result<Versions> {
    const UNSUPPORTED_VERSION: i16 = 35;
    let request = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("tidemill"))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
    let version = 3;
    let reply = connection.send(vec![super::encode(connection.client_id(), &request, version)?])?;
    let frame = connection.wait(reply, timeout, ApiVersionsRequest::KEY).await?;
    // A broker that does not know version 3 says so in the form of version 0 (KIP-511).
    let code = frame
        .get(4..6)
        .and_then(|code| code.first_chunk())
        .map(|code| i16::from_be_bytes(*code));
    let response = if code == Some(UNSUPPORTED_VERSION) {
        connection.call_version(&request, 0, timeout).await?
    } else {
        super::decode::<ApiVersionsRequest>(frame, version)?
    };
    if response.error_code != 0 {
        let what = format!("asking {} for its API versions", connection.address());
        return Err(Error::from_code(response.error_code, &what, None));
    }
    Ok(Versions::from_response(&response))
}

fn refused(address: &Address, error: std::io::Error) -> Error {
    let mend = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "nothing listens there. Start the server (tidemill serve), or give its address with --bootstrap or TIDEMILL_BOOTSTRAP"
        }
        std::io::ErrorKind::NotFound | std::io::ErrorKind::Other => "check that the host name is right",
        _ => "check the address and the network",
    };
    Error::unavailable(format!("cannot connect to {address}: {error}; {mend}")).with_source(error)
}

/// The first bytes were no Kafka frame: say what they look like.
pub(super) fn not_kafka(address: &Address, bytes: &[u8]) -> Error {
    let what = match bytes {
        [0x15 | 0x16, 0x03, ..] => {
            "it speaks TLS. Use its plain-text listener, or connect with TLS settings".to_owned()
        }
        [b'H', b'T', b'T', b'P', ..] | [b'<', ..] => {
            "it is an HTTP server. Use the Kafka port (9092 by default); 8092 is the control plane's"
                .to_owned()
        }
        [b'S', b'S', b'H', ..] => "it is an SSH server. Check the port".to_owned(),
        other => {
            let start = other.get(..8.min(other.len())).unwrap_or_default();
            format!("its answer starts with {start:02x?}. Check the port")
        }
    };
    Error::new(
        crate::error::ErrorKind::InvalidArgument,
        format!("{address} does not speak the Kafka protocol: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &str) -> Vec<String> {
        parse_bootstrap(list)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn addresses_take_default_ports_lists_and_ipv6() {
        assert_eq!(parsed("a"), ["a:9092"]);
        assert_eq!(parsed("a:1, b:2,"), ["a:1", "b:2"]);
        assert_eq!(parsed("[::1]:7"), ["[::1]:7"]);
        assert_eq!(parsed("::1"), ["[::1]:9092"]);
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        for (text, part) in [
            ("", "no bootstrap"),
            ("a:b", "not a number"),
            (":1", "host is missing"),
            ("http://a:1", "http://"),
        ] {
            let error = parse_bootstrap(text).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}
