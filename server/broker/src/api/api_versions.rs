//! ApiVersions: what is served, in which versions (KIP-35, KIP-511).

use tidemill_wire::api;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::api_versions_response::ApiVersion;
use tidemill_wire::kafka::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::Cx;

/// Kafka's UNSUPPORTED_VERSION.
pub(super) const UNSUPPORTED_VERSION: i16 = 35;

pub(super) fn handle(error_code: i16) -> ApiVersionsResponse {
    let keys = api::advertised().map(|served| {
        ApiVersion::default()
            .with_api_key(served.key as i16)
            .with_min_version(served.min)
            .with_max_version(served.max)
    });
    ApiVersionsResponse::default()
        .with_error_code(error_code)
        .with_api_keys(keys.collect())
}

/// 0, or the error of a client that does not name itself as it must from version 3 on.
pub(super) fn check(cx: &Cx, request: &ApiVersionsRequest) -> i16 {
    let named = is_name(&request.client_software_name) && is_name(&request.client_software_version);
    match cx.version < 3 || named {
        true => 0,
        false => ResponseError::InvalidRequest.code(),
    }
}

/// Letters, digits, dashes and dots; a letter or a digit at either end.
fn is_name(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
