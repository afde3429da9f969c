//! Projects made of templates by the real program, and what it says where none can be made or built.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod program;

use std::fs;
use std::path::Path;

use program::run;

fn generate(into: &Path, more: &[&str]) -> program::Outcome {
    let into = into.to_str().unwrap();
    let mut arguments = vec!["smartmodule", "generate", "--path", into];
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn a_project_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = [
        "errors-only",
        "--lang",
        "rs",
        "--kind",
        "filter-map",
        "-o",
        "json",
    ];
    let made = generate(dir.path(), &wanted).json();
    assert_eq!(made["language"], "rust");
    assert_eq!(made["kind"], "filter_map");
    let project = dir.path().join("errors-only");
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"errors-only\""), "{manifest}");
    assert!(manifest.contains("tidemill-smartmodule = \"0.1\""), "{manifest}");
    let module = fs::read_to_string(project.join("src/lib.rs")).unwrap();
    assert!(module.contains("#[smartmodule(filter_map)]"), "{module}");
    assert!(
        !module.contains("{%") && !module.contains("smartmodule(filter)"),
        "{module}"
    );
    assert!(project.join(".gitignore").is_file());
    assert!(!project.join("cargo-generate.toml").exists());
    for file in made["files"].as_array().unwrap() {
        assert!(project.join(file.as_str().unwrap()).is_file(), "{file}");
    }
    generate(dir.path(), &wanted).failed(4, "is there already and is not empty");
}

#[test]
fn a_project_may_use_an_sdk_that_is_here() {
    let dir = tempfile::tempdir().unwrap();
    let sdk = dir.path().join("sdk");
    fs::create_dir(&sdk).unwrap();
    let sdk_path = sdk.to_str().unwrap();
    let go = ["m", "--lang", "go", "--kind", "map", "--sdk-path", sdk_path];
    assert_eq!(generate(dir.path(), &go).code, 0);
    let manifest = fs::read_to_string(dir.path().join("m/go.mod")).unwrap();
    let replaced = sdk.canonicalize().unwrap();
    assert!(
        manifest.contains(&format!("=> {}\n", replaced.display())),
        "{manifest}"
    );
    let none = ["n", "--lang", "go", "--kind", "map", "--sdk-path", "/nonexistent"];
    generate(dir.path(), &none).failed(3, "there is no folder /nonexistent");
    let own = ["n", "--lang", "c", "--kind", "map", "--sdk-path", sdk_path];
    generate(dir.path(), &own).failed(2, "carries its SDK with it");
    assert!(!dir.path().join("n").exists(), "what is refused leaves nothing");
}

#[test]
fn what_cannot_be_made_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |more: &[&str], part: &str| generate(dir.path(), more).failed(2, part);
    refused(
        &["../up", "--lang", "rust", "--kind", "filter"],
        "a project cannot be called `../up`",
    );
    refused(
        &["m", "--lang", "rust", "--kind", "sort"],
        "no kind `sort`; it has filter, map",
    );
    refused(&["m", "--lang", "cobol"], "possible values");
    refused(&["m", "--lang", "rust"], "give --kind, one of filter");
    refused(
        &["--lang", "rust", "--kind", "map"],
        "give the name of the project",
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_built_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    run(&["smartmodule", "build", path]).failed(2, "is no project of a SmartModule");
    run(&["smartmodule", "build", "/nonexistent"]).failed(3, "there is no folder /nonexistent");
    // No tool chain is on this path.
    for (lang, part) in [
        ("rust", "`cargo` is not there: install Rust"),
        ("go", "`go` is not there: install Go 1.24"),
        ("zig", "`make` is not there"),
        ("assemblyscript", "`npm` is not there: install Node.js"),
        ("javascript", "`npm` is not there: install Node.js"),
        ("python", "`python3` is not there"),
        ("ruby", "`rake` is not there: install Ruby"),
    ] {
        assert_eq!(
            generate(dir.path(), &[lang, "--lang", lang, "--kind", "filter"]).code,
            0
        );
        let project = dir.path().join(lang);
        let mut build = program::command(&["smartmodule", "build", project.to_str().unwrap()]);
        build.env("PATH", path);
        let said = build.output().unwrap();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains(part), "{lang}: {said}");
    }
}
