//! The metadata on this node's disk: a [`LocalGroup`] behind [`Propose`].

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidemill_env::Env;
use tidemill_metadata::{Command, Image, Metadata, Propose, ProposeError, Proposed, Rejection, Reply, apply};
use tidemill_raft::{GroupError, LocalGroup, StateMachine};
use tokio::sync::watch;
use uuid::Uuid;

/// The image as a replicated state machine.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Machine(Image);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Rejection = Rejection;

    fn apply(&self, index: u64, command: &Command) -> Result<(Self, Reply), Rejection> {
        // The log counts from 0, and version 0 is the empty image.
        apply(&self.0, index + 1, command).map(|(image, reply)| (Self(image), reply))
    }
}

struct Proposer {
    group: LocalGroup<Machine>,
    images: watch::Sender<Arc<Image>>,
}

impl Proposer {
    /// Shows the newest image. Called by every proposal before it answers, so that whoever proposed reads its own
    /// change.
    fn show(&self) {
        let state = self.group.state();
        self.images.send_if_modified(|shown| {
            let newer = state.0.version > shown.version;
            if newer {
                *shown = Arc::new(state.0.clone());
            }
            newer
        });
    }
}

impl Propose for Proposer {
    fn propose(&self, command: Command) -> Proposed<'_> {
        Box::pin(async move {
            let answer = self.group.propose(command).await;
            self.show();
            answer.map_err(|error| match error {
                GroupError::Rejected(rejection) => ProposeError::Rejected(rejection),
                GroupError::Unavailable(reason) => ProposeError::Unavailable(reason),
            })
        })
    }
}

/// The metadata of a one-node cluster, open on disk.
pub struct Cluster {
    metadata: Metadata,
    proposer: Arc<Proposer>,
}

impl Cluster {
    /// Opens the metadata in `dir`; an empty directory becomes a new cluster with a random id. Blocks on disk
    /// while it opens. Must be called where `env.tasks` can spawn.
    ///
    /// # Errors
    /// A sentence: the directory cannot be used, or holds what cannot be read.
    pub async fn open(env: &Env, dir: PathBuf) -> Result<Self, String> {
        let group = LocalGroup::open(env, dir, Machine::default())?;
        let image = Arc::new(group.state().0.clone());
        let formed = !image.cluster_id.is_nil();
        let (images, shown) = watch::channel(image);
        let proposer = Arc::new(Proposer { group, images });
        let metadata = Metadata::new(proposer.clone(), shown);
        if !formed {
            let cluster_id = Uuid::from_bytes(env.random.uuid_bytes());
            let form = Command::FormCluster { cluster_id };
            metadata.propose(form).await.map_err(|error| error.to_string())?;
        }
        Ok(Self { metadata, proposer })
    }

    /// The handle that everything else uses.
    pub fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    /// Writes a snapshot and ends; later proposals answer "unavailable".
    ///
    /// # Errors
    /// A sentence, when the disk failed; what was acknowledged is safe nevertheless.
    pub async fn close(&self) -> Result<(), String> {
        self.proposer.group.close().await
    }
}

#[cfg(test)]
mod tests {
    use tidemill_metadata::Endpoint;

    use super::*;

    #[tokio::test]
    async fn the_cluster_is_the_same_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::real();
        let cluster = Cluster::open(&env, dir.path().join("metadata")).await.unwrap();
        let register = Command::RegisterBroker {
            id: 1,
            incarnation: Uuid::from_u128(1),
            endpoints: vec![Endpoint {
                name: "kafka".to_owned(),
                host: "localhost".to_owned(),
                port: 9092,
            }],
            rack: None,
            at_ms: 0,
        };
        let reply = cluster.metadata().propose(register).await.unwrap();
        let before = cluster.metadata().image();
        assert_eq!(
            reply,
            Reply::BrokerRegistered {
                epoch: before.version
            }
        );
        assert!(before.broker(1).is_some(), "a proposer sees its own change");
        cluster.close().await.unwrap();
        let reopened = Cluster::open(&env, dir.path().join("metadata")).await.unwrap();
        assert_eq!(*reopened.metadata().image(), *before);
    }
}
