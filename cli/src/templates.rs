//! The templates of SmartModules, which are in the binary: what there is, and how a project is made of one.
//!
//! cargo-generate makes the same projects of the same files. It renders with the library that is used here, and a template
//! may use none of what it has beyond that library: such a template is refused when it is read, and a test reads them all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use include_dir::{Dir, DirEntry, File, include_dir};
use liquid::{Object, Parser, ParserBuilder, model::Value};
use serde::Deserialize;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../smartmodule-templates");

/// The file that says which questions a template asks. It does not go into projects.
const QUESTIONS: &str = "cargo-generate.toml";

/// A template.
pub(crate) struct Template {
    dir: &'static Dir<'static>,
    kinds: Vec<String>,
    takes_sdk: bool,
}

/// What a project is called, and what it is to be.
pub(crate) struct Project<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    /// The folder of an SDK in the place of the published one.
    pub(crate) sdk: Option<&'a Path>,
}

/// A file of a project: where it goes, and what is in it.
pub(crate) type Rendered = (PathBuf, String);

/// What is read of the questions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    #[serde(rename = "template")]
    _template: About,
    placeholders: BTreeMap<String, Placeholder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    #[serde(rename = "cargo_generate_version")]
    _cargo_generate_version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placeholder {
    #[serde(rename = "type")]
    _type: String,
    #[serde(rename = "prompt")]
    _prompt: String,
    #[serde(default)]
    choices: Vec<String>,
    default: String,
}

/// The languages that have a template, in the order of the alphabet.
pub(crate) fn languages() -> Vec<&'static str> {
    let mut languages: Vec<&str> = TEMPLATES.dirs().filter_map(|dir| dir.path().to_str()).collect();
    languages.sort_unstable();
    languages
}

impl Template {
    /// The template of one of [`languages`].
    ///
    /// # Errors
    /// There is none, or it uses what only cargo-generate has.
    pub(crate) fn of(language: &str) -> Result<Template> {
        let dir = TEMPLATES
            .get_dir(language)
            .with_context(|| format!("there is no template for {language}"))?;
        let questions = dir
            .get_file(dir.path().join(QUESTIONS))
            .and_then(File::contents_utf8)
            .with_context(|| format!("the template for {language} has no {QUESTIONS}"))?;
        let questions: Questions = toml::from_str(questions).with_context(|| {
            format!("{QUESTIONS} of the template for {language} asks for more than is made here")
        })?;
        let mut kinds = Vec::new();
        let mut takes_sdk = false;
        for (name, placeholder) in questions.placeholders {
            match name.as_str() {
                "kind" if placeholder.choices.contains(&placeholder.default) => kinds = placeholder.choices,
                "sdk-path" if placeholder.default.is_empty() => takes_sdk = true,
                _ => bail!("the template for {language} has a placeholder `{name}` that is not known here"),
            }
        }
        Ok(Template {
            dir,
            kinds,
            takes_sdk,
        })
    }

    /// The kinds of module that it offers.
    pub(crate) fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// Whether its projects use an SDK that is not in them.
    pub(crate) fn takes_sdk(&self) -> bool {
        self.takes_sdk
    }

    /// The files of a project.
    ///
    /// # Errors
    /// The template is wrong: a test makes every project that there can be.
    pub(crate) fn render(&self, project: &Project<'_>) -> Result<Vec<Rendered>> {
        let parser = ParserBuilder::with_stdlib().build()?;
        let sdk = project.sdk.unwrap_or(Path::new(""));
        let sdk = sdk.to_str().context("the path of the SDK is not text (UTF-8)")?;
        let crate_name = project.name.replace('-', "_");
        let mut values = Object::new();
        for (name, value) in [
            ("project-name", project.name),
            ("crate_name", crate_name.as_str()),
            ("kind", project.kind),
            ("sdk-path", sdk),
        ] {
            values.insert(name.into(), Value::scalar(value.to_owned()));
        }
        let mut rendered = Vec::new();
        self.walk(self.dir, &parser, &values, &mut rendered)?;
        rendered.sort();
        Ok(rendered)
    }

    fn walk(
        &self,
        dir: &'static Dir<'static>,
        parser: &Parser,
        values: &Object,
        rendered: &mut Vec<Rendered>,
    ) -> Result<()> {
        for entry in dir.entries() {
            let file = match entry {
                DirEntry::Dir(dir) => {
                    self.walk(dir, parser, values, rendered)?;
                    continue;
                }
                DirEntry::File(file) => file,
            };
            let path = file.path().strip_prefix(self.dir.path())?;
            if path == Path::new(QUESTIONS) {
                continue;
            }
            let shown = file.path().display();
            let text = file
                .contents_utf8()
                .with_context(|| format!("{shown} is not text (UTF-8)"))?;
            let fill = |text: &str| parser.parse(text)?.render(values);
            let content = fill(text).with_context(|| format!("cannot render {shown}"))?;
            let path =
                fill(&path.to_string_lossy()).with_context(|| format!("cannot render the name {shown}"))?;
            rendered.push((PathBuf::from(path), content));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_of_every_template_can_be_made() {
        assert!(languages().contains(&"rust"));
        for language in languages() {
            let template = Template::of(language).unwrap();
            assert!(!template.kinds().is_empty(), "{language}");
            for kind in template.kinds() {
                let sdk = template.takes_sdk().then_some(Path::new("/somewhere/sdk"));
                let project = Project {
                    name: "a-b1",
                    kind,
                    sdk,
                };
                let files = template.render(&project).unwrap();
                let names: Vec<&str> = files.iter().filter_map(|(path, _)| path.to_str()).collect();
                for needed in ["README.md", "samples.jsonl", ".gitignore"] {
                    assert!(
                        names.contains(&needed),
                        "{language} {kind} has no {needed}: {names:?}"
                    );
                }
                assert!(!names.contains(&QUESTIONS));
                for (path, content) in &files {
                    assert!(
                        content.ends_with('\n') && !content.ends_with("\n\n"),
                        "{language} {kind}: {} does not end with one line break",
                        path.display()
                    );
                }
                let with_sdk = files
                    .iter()
                    .any(|(_, content)| content.contains("/somewhere/sdk"));
                assert_eq!(with_sdk, template.takes_sdk(), "{language} {kind}");
            }
        }
    }

    #[test]
    fn there_is_no_template_for_what_has_none() {
        assert!(Template::of("cobol").is_err());
    }
}
