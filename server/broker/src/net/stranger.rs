//! Telling what else than Kafka a peer may be speaking, for the log.

/// The protocol that these first bytes begin, if it is one that often comes to the wrong port.
pub(super) fn recognise(first: &[u8]) -> Option<&'static str> {
    const HTTP: [&[u8]; 7] = [b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PRI "];
    if first.starts_with(&[0x16, 0x03]) {
        return Some("TLS");
    }
    HTTP.iter()
        .any(|method| first.starts_with(method))
        .then_some("HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_and_http_are_told_from_kafka() {
        assert_eq!(recognise(b"\x16\x03\x01\x02\x00\x01"), Some("TLS"));
        assert_eq!(recognise(b"GET / HTTP/1.1\r\n"), Some("HTTP"));
        assert_eq!(recognise(b"PRI * HTTP/2.0"), Some("HTTP"));
        assert_eq!(recognise(&[0, 0, 0, 20, 0, 18, 0, 4]), None);
    }
}
