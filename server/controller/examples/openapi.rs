//! Prints the OpenAPI document; `cargo xtask gen` keeps it in `docs/openapi.json`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() -> Result<(), serde_json::Error> {
    println!(
        "{}",
        serde_json::to_string_pretty(&tidemill_controller::http::openapi())?
    );
    Ok(())
}
