//! `tidemill topic`.

use clap::{Args, Subcommand};
use tidemill_client::NewTopic;

use super::Connection;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a topic
    Create(Create),
    /// List topics
    List(#[command(flatten)] Connection),
    /// Show a topic's partitions
    Describe(Named),
    /// Remove a topic and its records
    Delete(Named),
}

#[derive(Args)]
pub(crate) struct Create {
    /// Its name
    name: String,
    /// How many partitions
    #[arg(long, short = 'p', default_value_t = 1)]
    partitions: i32,
    /// A setting, as key=value; may be given again
    #[arg(long = "config", short = 'c', value_name = "KEY=VALUE")]
    configs: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub(crate) struct Named {
    /// The topic's name
    name: String,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => {
            let client = create.connection.open().await?;
            let mut topic = NewTopic::new(create.name.as_str()).partitions(create.partitions);
            for config in &create.configs {
                let Some((key, value)) = config.split_once('=') else {
                    anyhow::bail!("--config {config:?} is not key=value");
                };
                topic = topic.config(key, value);
            }
            let created = client.topics().create(topic).await?;
            println!("created {} with {} partitions", created.name, created.partitions);
        }
        Command::List(connection) => {
            for topic in connection.open().await?.topics().list().await? {
                println!("{}\t{}", topic.name, topic.partitions);
            }
        }
        Command::Describe(named) => {
            let topic = named
                .connection
                .open()
                .await?
                .topics()
                .describe(&named.name)
                .await?;
            println!("{}\t{}", topic.name, topic.id);
            for partition in topic.partitions {
                println!(
                    "  partition {} leader {} epoch {}",
                    partition.partition, partition.leader, partition.leader_epoch
                );
            }
        }
        Command::Delete(named) => {
            named
                .connection
                .open()
                .await?
                .topics()
                .delete(&named.name)
                .await?;
            println!("deleted {}", named.name);
        }
    }
    Ok(())
}
