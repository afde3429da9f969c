//! ApiVersions: what is served, in which versions (KIP-35, KIP-511).

use tidemill_wire::api;
use tidemill_wire::kafka::messages::ApiVersionsResponse;
use tidemill_wire::kafka::messages::api_versions_response::ApiVersion;

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
