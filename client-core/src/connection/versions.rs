//! Which version of each request to speak with one broker.

use std::collections::HashMap;

use tidemill_wire::kafka::messages::{ApiKey, ApiVersionsResponse};
use tidemill_wire::kafka::protocol::Request;

use crate::error::{Error, ErrorKind, Result};

/// What one broker serves, as it said in its ApiVersions answer (KIP-35).
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    ranges: HashMap<i16, (i16, i16)>,
}

impl Versions {
    pub(crate) fn from_response(response: &ApiVersionsResponse) -> Self {
        let ranges = response
            .api_keys
            .iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Self { ranges }
    }

    /// The newest version of `R` that both sides speak.
    pub(crate) fn pick<R: Request>(&self) -> Result<i16> {
        let ours = R::VERSIONS;
        let newest = ceiling(R::KEY).map_or(ours.max, |ceiling| ceiling.min(ours.max));
        let Some(&(min, max)) = self.ranges.get(&R::KEY) else {
            return Err(unsupported(R::KEY, "the server does not serve it"));
        };
        let version = newest.min(max);
        if version < min || version < ours.min {
            return Err(unsupported(
                R::KEY,
                &format!(
                    "the server serves versions {min} to {max}, this client {} to {newest}",
                    ours.min
                ),
            ));
        }
        Ok(version)
    }

    /// Whether the broker serves this request at all.
    pub(crate) fn serves(&self, key: ApiKey) -> bool {
        self.ranges.contains_key(&(key as i16))
    }

    /// Every range the broker named, in order of key.
    pub(crate) fn ranges(&self) -> Vec<(i16, i16, i16)> {
        let mut all: Vec<_> = self
            .ranges
            .iter()
            .map(|(&key, &(min, max))| (key, min, max))
            .collect();
        all.sort_unstable();
        all
    }
}

/// Versions from which on a request names topics by id alone. This client names them, so that a topic deleted and
/// created again goes on at once.
fn ceiling(key: i16) -> Option<i16> {
    match ApiKey::try_from(key).ok()? {
        ApiKey::Produce | ApiKey::Fetch => Some(12),
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => Some(9),
        _ => None,
    }
}

fn unsupported(key: i16, why: &str) -> Error {
    let name = ApiKey::try_from(key).map_or_else(|()| format!("API {key}"), |key| format!("{key:?}"));
    Error::new(
        ErrorKind::InvalidArgument,
        format!("cannot send {name}: {why}. Upgrade the older of server and client"),
    )
}

#[cfg(test)]
mod tests {
    use tidemill_wire::kafka::messages::api_versions_response::ApiVersion;
    use tidemill_wire::kafka::messages::{FetchRequest, MetadataRequest};

    use super::*;

    fn versions(ranges: &[(ApiKey, i16, i16)]) -> Versions {
        let keys = ranges.iter().map(|&(key, min, max)| {
            ApiVersion::default()
                .with_api_key(key as i16)
                .with_min_version(min)
                .with_max_version(max)
        });
        Versions::from_response(&ApiVersionsResponse::default().with_api_keys(keys.collect()))
    }

    #[test]
    fn picks_the_newest_version_both_speak() {
        let served = versions(&[(ApiKey::Metadata, 0, 9), (ApiKey::Fetch, 4, 17)]);
        assert_eq!(served.pick::<MetadataRequest>().unwrap(), 9);
        assert_eq!(served.pick::<FetchRequest>().unwrap(), 12, "fetches by name");
    }

    #[test]
    fn says_so_when_there_is_no_common_version() {
        let served = versions(&[(ApiKey::Metadata, 100, 101)]);
        let error = served.pick::<MetadataRequest>().unwrap_err();
        assert!(error.to_string().contains("100 to 101"), "{error}");
        assert!(served.pick::<FetchRequest>().is_err());
    }
}
