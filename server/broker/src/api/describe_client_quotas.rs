//! DescribeClientQuotas (KIP-546): there are none, and none can be set.

use std::collections::BTreeSet;

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_client_quotas_request::ComponentData;
use tidemill_wire::kafka::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use crate::errors::Failure;

/// What a quota may be for.
const ENTITIES: [&str; 3] = ["user", "client-id", "ip"];
/// A component names one entity, asks for the default, or for any.
const EXACT: i8 = 0;
const ANY: i8 = 2;

pub(super) fn handle(request: &DescribeClientQuotasRequest) -> DescribeClientQuotasResponse {
    let response = DescribeClientQuotasResponse::default();
    match check(&request.components) {
        Ok(()) => response.with_error_message(None).with_entries(Some(Vec::new())),
        Err(failure) => response
            .with_error_code(failure.code)
            .with_error_message(failure.text())
            .with_entries(None),
    }
}

fn check(components: &[ComponentData]) -> Result<(), Failure> {
    let invalid = |message: String| Err(Failure::new(ResponseError::InvalidRequest, message));
    let mut seen = BTreeSet::new();
    for component in components {
        let entity = &*component.entity_type;
        if entity.is_empty() {
            return invalid("a component names no entity type: it is user, client-id or ip".to_owned());
        }
        if !seen.insert(entity) {
            return invalid(format!("entity type {entity:?} is asked for twice"));
        }
        if !ENTITIES.contains(&entity) {
            let message = format!("there are no quotas for {entity:?}: ask for user, client-id or ip");
            return Err(Failure::new(ResponseError::UnsupportedVersion, message));
        }
        let named = component._match.is_some();
        if !(EXACT..=ANY).contains(&component.match_type) || named != (component.match_type == EXACT) {
            return invalid(format!(
                "a component for {entity:?} has match type {} and {} name",
                component.match_type,
                if named { "a" } else { "no" }
            ));
        }
    }
    if seen.contains("ip") && seen.len() > 1 {
        return invalid("quotas for ip are not combined with others".to_owned());
    }
    Ok(())
}
