//! Modules to test with: the examples of the Rust SDK, built once, and documents that use them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::http::Http;
use super::{Node, SOON};

/// Builds the examples of the Rust SDK and gives the directory that they are in.
fn examples() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let house = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--release",
                "--examples",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .arg("--manifest-path")
            .arg(house.join("smartmodule/sdk/rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .status()
            .expect("cargo can be run");
        assert!(
            status.success(),
            "the examples of the Rust SDK do not build; is the target there? `rustup target add wasm32-unknown-unknown`"
        );
        target.join("wasm32-unknown-unknown/release/examples")
    })
}

impl Node {
    /// Loads these examples under their names.
    pub async fn load(&self, names: &[&str]) {
        for name in names {
            let wasm = std::fs::read(examples().join(format!("{name}.wasm"))).unwrap();
            // Names of objects have no underscores.
            let path = format!("/v1/smartmodules/{}/wasm", name.replace('_', "-"));
            let answer = Http::of(self).send_bytes("PUT", &path, &wasm).await;
            assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.text);
        }
    }

    /// Applies documents, written in YAML, and waits until all topics can be written to.
    pub async fn apply(&self, documents: &str) {
        let answer = Http::of(self).send("POST", "/v1/apply", documents).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let ready = async {
            while Http::of(self)
                .get("/v1/topics")
                .await
                .text
                .contains("PartitionsOpening")
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, ready)
            .await
            .expect("topics open in time");
    }
}
