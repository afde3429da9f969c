//! How a client command finds the server.

use anyhow::Result;
use clap::Args;
use tidemill_client::{BOOTSTRAP_VARIABLE, Client, ErrorKind, Objects};

use crate::error::Failure;
use crate::output;
use crate::profile::Profiles;

const DEFAULT: &str = "127.0.0.1:9092";
const FLAG: &str = "--bootstrap";

/// How a client command finds the server.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Servers to connect to first [env: TIDEMILL_BOOTSTRAP]
    #[arg(long, short = 'b', value_name = "HOST:PORT,...", global = true)]
    bootstrap: Option<String>,
    /// Use this profile, not the one in use
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "bootstrap")]
    profile: Option<String>,
    /// Where the control plane answers; asked of the server by default
    #[arg(
        long,
        env = "TIDEMILL_ADMIN_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    admin_url: Option<String>,
    /// Say nothing but results and errors
    #[arg(long, short = 'q', global = true)]
    quiet: bool,
}

/// Where to connect, and who said so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) bootstrap: String,
    pub(crate) admin_url: Option<String>,
    /// In words, for messages.
    pub(crate) origin: String,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(&self) -> Result<Client> {
        let target = self.target()?;
        let mut builder = Client::builder(target.bootstrap.as_str());
        if let Some(url) = &target.admin_url {
            builder = builder.admin_url(url.as_str());
        }
        builder.build().await.map_err(|error| not_reached(error, &target))
    }

    /// The control plane: without a Kafka connection when its URL is known.
    pub(crate) async fn objects(&self) -> Result<Objects> {
        match self.target()?.admin_url {
            Some(url) => Ok(Objects::new(&url)?),
            None => Ok(self.open().await?.objects().await?),
        }
    }

    /// Flag, else environment, else the profile in use, else this machine. A profile that is named goes before the
    /// environment: who names one means it.
    pub(crate) fn target(&self) -> Result<Target> {
        let from = |bootstrap: String, origin: &str| Target {
            bootstrap,
            admin_url: self.admin_url.clone(),
            origin: origin.to_owned(),
        };
        if let Some(given) = &self.bootstrap {
            return Ok(from(given.clone(), FLAG));
        }
        if self.profile.is_none()
            && let Some(given) = std::env::var(BOOTSTRAP_VARIABLE)
                .ok()
                .filter(|given| !given.is_empty())
        {
            return Ok(from(given, BOOTSTRAP_VARIABLE));
        }
        let profiles = Profiles::load()?;
        let chosen = match &self.profile {
            Some(name) => Some(profiles.named(name)?),
            None => profiles.in_use()?,
        };
        Ok(match chosen {
            Some((name, profile)) => Target {
                bootstrap: profile.bootstrap,
                admin_url: self.admin_url.clone().or(profile.admin_url),
                origin: format!("profile {name:?}"),
            },
            None => from(
                DEFAULT.to_owned(),
                "the default: no --bootstrap, TIDEMILL_BOOTSTRAP or profile says otherwise",
            ),
        })
    }

    /// Whether to say nothing but results.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something that is not a result.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            output::tell(text);
        }
    }
}

/// Whatever went wrong, there is no connection; but an address that cannot be read is wrong usage.
fn not_reached(error: tidemill_client::Error, target: &Target) -> anyhow::Error {
    let unreadable =
        error.kind() == ErrorKind::InvalidArgument && error.message().contains("bootstrap address");
    let code = if unreadable {
        Failure::USAGE
    } else {
        Failure::NO_CONNECTION
    };
    let mut message = error.to_string();
    if target.origin != FLAG {
        message += &format!("\n  {} comes from {}", target.bootstrap, target.origin);
    }
    Failure::new(code, message).into()
}
