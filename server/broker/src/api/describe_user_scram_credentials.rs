//! DescribeUserScramCredentials (KIP-554): nobody has any, for SASL is not served.

use std::collections::BTreeMap;

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use tidemill_wire::kafka::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use tidemill_wire::kafka::protocol::StrBytes;

use crate::errors::Failure;

pub(super) fn handle(request: DescribeUserScramCredentialsRequest) -> DescribeUserScramCredentialsResponse {
    let mut times: BTreeMap<StrBytes, usize> = BTreeMap::new();
    for user in request.users.unwrap_or_default() {
        *times.entry(user.name).or_default() += 1;
    }
    let results = times.into_iter().map(|(user, times)| {
        let failure = if times > 1 {
            let message = format!("user {:?} is asked for {times} times", &*user);
            Failure::new(ResponseError::DuplicateResource, message)
        } else {
            let message = format!("user {:?} has no SCRAM credentials", &*user);
            Failure::new(ResponseError::ResourceNotFound, message)
        };
        DescribeUserScramCredentialsResult::default()
            .with_user(user)
            .with_error_code(failure.code)
            .with_error_message(failure.text())
    });
    DescribeUserScramCredentialsResponse::default()
        .with_error_message(None)
        .with_results(results.collect())
}
