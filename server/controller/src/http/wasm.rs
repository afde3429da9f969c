//! `/v1/smartmodules/{name}/wasm`: the files themselves.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use tidemill_resource::{ModuleDigest, SmartModuleSpec};

use super::kinds::ErrorKind;
use super::objects::{Answer, PathOf, legal, object};
use super::params::Params;
use super::precondition::{Precondition, has_already};
use super::problem::Problem;
use super::stored::{Write, check_existence, current};
use super::{Api, body};
use crate::modules::Load;

/// When to come again, in seconds, when too many files come in: compiling takes its time.
const AFTER_UPLOADS: u64 = 2;

/// `PUT /v1/smartmodules/{name}/wasm`
///
/// The file becomes the current version. It is checked, compiled and durable when this answers.
pub(super) async fn put(
    State(api): State<Arc<Api>>,
    path: PathOf<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let name = legal(path)?;
    params.allow(&["dryRun", "description"])?;
    let write = Write::of(&params, &headers)?;
    tidemill_resource::check_module_name(&name)
        .map_err(|message| Problem::new(ErrorKind::InvalidArgument, message).at("metadata.name"))?;
    let exists = api.metadata.image().smart_module(&name).is_some();
    check_existence::<SmartModuleSpec>(write.precondition, &name, exists)?;
    let seen = match write.precondition {
        Precondition::Version(version) => Some(version),
        Precondition::Absent => Some(0),
        Precondition::None | Precondition::Exists => None,
    };
    let Some(_place) = api.modules.place() else {
        let message =
            "as many SmartModules are being loaded as http-max-uploads allows: come again, or raise it";
        return Err(Problem::crowded(message, AFTER_UPLOADS));
    };
    let load = Load {
        name,
        wasm: body::file(&api, body, api.modules.most_bytes()).await?,
        description: params.text("description").map(str::to_owned),
        seen,
        dry_run: write.dry_run,
    };
    let loaded = api.modules.load(&api.metadata, &api.env, load).await?;
    let status = if exists {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(object(status, &loaded.object(), &HeaderMap::new()))
}

/// `GET /v1/smartmodules/{name}/wasm`, of another than the current version with `?version=`
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    path: PathOf<String>,
    (params, headers): (Params, HeaderMap),
) -> Answer {
    let name = legal(path)?;
    params.allow(&["version"])?;
    let digest = digest_of(&api, &name, params.text("version"))?;
    // The file of a digest never changes.
    let tag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    if has_already(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bytes = api.modules.bytes(digest).await?;
    let wasm = HeaderValue::from_static("application/wasm");
    Ok(([(header::ETAG, tag), (header::CONTENT_TYPE, wasm)], bytes).into_response())
}

fn digest_of(api: &Api, name: &str, version: Option<&str>) -> Result<ModuleDigest, Problem> {
    // For "there is no such module" with the nearest name.
    current::<SmartModuleSpec>(api, name)?;
    let image = api.metadata.image();
    let module = image.smart_module(name);
    let found = match (module, version) {
        (Some(module), Some(prefix)) => {
            tidemill_resource::check_digest_prefix(prefix)
                .map_err(|message| Problem::new(ErrorKind::InvalidArgument, message).at("version"))?;
            let mut matching = module.matching(prefix);
            let first = matching.next();
            if matching.next().is_some() {
                let message = format!("several versions of SmartModule `{name}` begin so: write more digits");
                return Err(Problem::new(ErrorKind::InvalidArgument, message).at("version"));
            }
            first
        }
        (Some(module), None) => module.current(),
        (None, _) => None,
    };
    found.map(|version| version.digest).ok_or_else(|| {
        let message = format!("SmartModule `{name}` has no such version: see its status.versions");
        Problem::new(ErrorKind::NotFound, message).at("version")
    })
}
