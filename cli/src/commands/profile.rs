//! `tidemill profile`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::output::{self, Output};
use crate::profile::{Profile, Profiles};

const EXAMPLES: &str = "\
Profiles are kept in the file named by TIDEMILL_CONFIG, else in the user's directory of settings.

Examples:
  tidemill profile add local --bootstrap 127.0.0.1:9092
  tidemill profile add prod --bootstrap broker-1:9092,broker-2:9092 --use
  tidemill profile list
  tidemill profile use local";

/// What to do with profiles.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add a server under a name; the first one is in use at once
    Add(Add),
    /// List the profiles
    List(#[command(flatten)] Output),
    /// Use this profile from now on
    Use { name: String },
    /// Forget a profile
    Remove { name: String },
}

#[derive(Args)]
struct Add {
    /// Name of the profile
    name: String,
    /// Servers to connect to first
    #[arg(long, short = 'b', value_name = "HOST:PORT,...")]
    bootstrap: String,
    /// Where the control plane answers; asked of the server by default
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// Use it from now on
    #[arg(long = "use")]
    switch: bool,
    /// Change the profile if there is one of this name
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let mut profiles = Profiles::load()?;
    match options.command {
        Command::List(output) => return list(&profiles, &output),
        Command::Add(add) => {
            let profile = Profile {
                bootstrap: add.bootstrap,
                admin_url: add.admin_url,
            };
            profiles.add(&add.name, profile, add.replace)?;
            if add.switch {
                profiles.switch(&add.name)?;
            }
        }
        Command::Use { name } => profiles.switch(&name)?,
        Command::Remove { name } => profiles.remove(&name)?,
    }
    profiles.save()?;
    match &profiles.current {
        Some(name) => output::tell(format_args!(
            "{}: profile {name:?} is in use",
            profiles.path().display()
        )),
        None => output::tell(format_args!(
            "{}: no profile is in use",
            profiles.path().display()
        )),
    }
    Ok(())
}

fn list(profiles: &Profiles, output: &Output) -> Result<()> {
    let rows: Vec<_> = profiles
        .profiles
        .iter()
        .map(|(name, profile)| {
            let in_use = profiles.current.as_ref() == Some(name);
            json!({
                "name": name,
                "inUse": in_use,
                "bootstrap": profile.bootstrap,
                "adminUrl": profile.admin_url,
            })
        })
        .collect();
    output.list(
        &rows,
        &[
            ("NAME", "/name"),
            ("IN USE", "/inUse"),
            ("BOOTSTRAP", "/bootstrap"),
            ("ADMIN URL", "/adminUrl"),
        ],
    )
}
