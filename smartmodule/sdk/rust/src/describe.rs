//! What a module says of itself.

use std::fmt::Write as _;

use crate::params::ParamInfo;

/// What the attribute and `export!` know of a module.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
}

/// The description, as JSON.
pub(crate) fn describe(about: &About, kind: &str, params: &[ParamInfo], look_back: bool) -> String {
    let mut json = String::from("{\"abi\":1,\"kind\":");
    quote(&mut json, kind);
    for (name, value) in [
        ("name", about.name),
        ("version", about.version),
        ("description", about.description),
        ("language", "rust"),
        ("sdk", concat!("tidemill-smartmodule ", env!("CARGO_PKG_VERSION"))),
    ] {
        let _ = write!(json, ",\"{name}\":");
        quote(&mut json, value);
    }
    json.push_str(",\"params\":[");
    for (at, param) in params.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str("{\"name\":");
        quote(&mut json, param.name);
        json.push_str(",\"type\":");
        quote(&mut json, param.kind);
        let _ = write!(json, ",\"required\":{}", param.required);
        if let Some(default) = param.default {
            let _ = write!(json, ",\"default\":{default}");
        }
        json.push_str(",\"description\":");
        quote(&mut json, param.description);
        json.push('}');
    }
    let _ = write!(json, "],\"lookBack\":{look_back}}}");
    json
}

/// Appends a JSON string. Written out here because a module without parameters then needs no JSON library.
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
}
