//! Addresses of servers under names, kept in a file of the user.
//!
//! The file is `TIDEMILL_CONFIG` where set, else `tidemill/config.toml` in the platform's directory of settings.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tidemill_resource::nearest;

use crate::error::Failure;

const VARIABLE: &str = "TIDEMILL_CONFIG";

/// One server, or the first servers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Profile {
    /// `host:port`, several separated by commas.
    pub(crate) bootstrap: String,
    /// Where the control plane answers, if the server's own word for it will not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_url: Option<String>,
}

/// All profiles, and which is in use.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Profiles {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
    #[serde(skip)]
    path: PathBuf,
}

impl Profiles {
    /// Reads the file; where there is none there are no profiles.
    pub(crate) fn load() -> Result<Self> {
        Self::read(&path()?)
    }

    fn read(path: &Path) -> Result<Self> {
        let mut profiles: Self = match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                let message = format!("{} is not a file of profiles: {error}", path.display());
                Failure::usage(message)
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        path.clone_into(&mut profiles.path);
        Ok(profiles)
    }

    /// Writes the file whole: a reader sees the old one or the new one.
    pub(crate) fn save(&self) -> Result<()> {
        let place = || format!("cannot write {}", self.path.display());
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).with_context(place)?;
        let mut file = tempfile::NamedTempFile::new_in(dir).with_context(place)?;
        file.write_all(toml::to_string_pretty(self)?.as_bytes())
            .with_context(place)?;
        file.persist(&self.path).with_context(place)?;
        Ok(())
    }

    /// Where the profiles are kept.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The profile of a name.
    pub(crate) fn named(&self, name: &str) -> Result<(String, Profile)> {
        match self.profiles.get(name) {
            Some(profile) => Ok((name.to_owned(), profile.clone())),
            None => Err(self.unknown(name)),
        }
    }

    /// The profile in use, if one is.
    pub(crate) fn in_use(&self) -> Result<Option<(String, Profile)>> {
        match &self.current {
            Some(name) => self.named(name).map(Some),
            None => Ok(None),
        }
    }

    /// Adds a profile. The first one is in use from then on.
    pub(crate) fn add(&mut self, name: &str, profile: Profile, replace: bool) -> Result<()> {
        if name.is_empty() {
            bail!(Failure::usage("the profile's name is empty"));
        }
        if self.profiles.contains_key(name) && !replace {
            let message = format!("there is a profile {name:?} already; say --replace to change it");
            bail!(Failure::new(Failure::CONFLICT, message));
        }
        self.profiles.insert(name.to_owned(), profile);
        self.current.get_or_insert_with(|| name.to_owned());
        Ok(())
    }

    /// Puts a profile to use.
    pub(crate) fn switch(&mut self, name: &str) -> Result<()> {
        self.current = Some(self.named(name)?.0);
        Ok(())
    }

    /// Removes a profile. When it was in use, none is from then on.
    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        if self.profiles.remove(name).is_none() {
            return Err(self.unknown(name));
        }
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> anyhow::Error {
        let hint = match nearest(name, self.profiles.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near:?}?"),
            None if self.profiles.is_empty() => {
                "there are none; add one with `tidemill profile add NAME --bootstrap HOST:PORT`".to_owned()
            }
            None => {
                let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
                format!("there are: {}", names.join(", "))
            }
        };
        Failure::new(
            Failure::NOT_FOUND,
            format!("no profile {name:?} in {}: {hint}", self.path.display()),
        )
        .into()
    }
}

fn path() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let base = dirs::config_dir()
        .with_context(|| format!("there is no directory for settings here; name a file in {VARIABLE}"))?;
    Ok(base.join("tidemill").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(bootstrap: &str) -> Profile {
        Profile {
            bootstrap: bootstrap.to_owned(),
            admin_url: None,
        }
    }

    #[test]
    fn profiles_survive_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/config.toml");
        let mut profiles = Profiles::read(&path).unwrap();
        assert!(profiles.in_use().unwrap().is_none());
        profiles.add("one", local("a:1"), false).unwrap();
        profiles.add("two", local("b:2"), false).unwrap();
        profiles.save().unwrap();

        let mut profiles = Profiles::read(&path).unwrap();
        assert_eq!(profiles.in_use().unwrap().unwrap().1, local("a:1"));
        profiles.switch("two").unwrap();
        assert_eq!(profiles.in_use().unwrap().unwrap().0, "two");
        profiles.remove("two").unwrap();
        assert!(profiles.in_use().unwrap().is_none());
    }

    #[test]
    fn mistakes_are_named() {
        let mut profiles = Profiles::default();
        profiles.add("production", local("a:1"), false).unwrap();
        let error = profiles.add("production", local("b:1"), false).unwrap_err();
        assert!(error.to_string().contains("--replace"));
        let error = profiles.switch("prodution").unwrap_err();
        assert!(
            error.to_string().contains("did you mean \"production\"?"),
            "{error}"
        );
    }
}
