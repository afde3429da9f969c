//! A state machine kept by a log of commands and a snapshot.

mod store;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidemill_env::Env;
use tokio::sync::{mpsc, oneshot, watch};

use store::Store;
use writer::{Proposal, Writer};

/// A deterministic machine: the same commands in the same order give the same state on every node.
pub trait StateMachine: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What changes it. Carries every time stamp and random id that it needs.
    type Command: Serialize + DeserializeOwned + Send + 'static;
    /// What an accepted command answers.
    type Reply: Send + 'static;
    /// Why a command is refused. A refused command changes nothing and is not logged.
    type Rejection: Send + 'static;

    /// The state after `command`, which stands at `index` of the log.
    ///
    /// # Errors
    /// The rejection; the state stays as it was.
    fn apply(&self, index: u64, command: &Self::Command) -> Result<(Self, Self::Reply), Self::Rejection>;
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum GroupError<R> {
    /// The machine refused it.
    #[error("the command was refused")]
    Rejected(R),
    /// It could not be made durable, or the group has ended. Whether it will be seen after a restart
    /// is unknown when the disk failed while writing it.
    #[error("metadata cannot be changed now: {0}")]
    Unavailable(String),
}

/// Proposals that may wait before a proposer is made to wait as well.
const QUEUE: usize = 1024;

/// One node's keeper of a [`StateMachine`]: commands are applied in order, made durable together
/// (one `fdatasync` for all that wait), and only then shown.
pub struct LocalGroup<S: StateMachine> {
    state: watch::Receiver<Arc<S>>,
    proposals: mpsc::Sender<Message<S>>,
}

pub(crate) enum Message<S: StateMachine> {
    Propose(Proposal<S>),
    Close(oneshot::Sender<Result<(), String>>),
}

impl<S: StateMachine> LocalGroup<S> {
    /// Opens the group in `dir`, or starts it there with `initial`. Blocks on disk.
    ///
    /// Must be called where `env.tasks` can spawn.
    ///
    /// # Errors
    /// A sentence: the directory cannot be used, or holds a snapshot or command that cannot be read.
    pub fn open(env: &Env, dir: PathBuf, initial: S) -> Result<Self, String> {
        let (store, state) = Store::open(env, dir, initial)?;
        let (show, shown) = watch::channel(Arc::new(state));
        let (proposals, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(env.clone(), store, show);
        env.tasks.spawn(Box::pin(writer.run(queue)));
        Ok(Self {
            state: shown,
            proposals,
        })
    }

    /// The state now: every command in it is durable.
    #[must_use]
    pub fn state(&self) -> Arc<S> {
        self.state.borrow().clone()
    }

    /// Follows the state. A slow watcher sees the newest state, not each one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<S>> {
        self.state.clone()
    }

    /// Applies `command` and answers once it is durable and shown.
    ///
    /// # Errors
    /// [`GroupError`].
    ///
    /// # Cancellation
    /// Dropping the future leaves it open whether the command was applied.
    pub async fn propose(&self, command: S::Command) -> Result<S::Reply, GroupError<S::Rejection>> {
        let (reply, answer) = oneshot::channel();
        let ended = || GroupError::Unavailable("the server is stopping".to_owned());
        let proposal = Proposal { command, reply };
        self.proposals
            .send(Message::Propose(proposal))
            .await
            .map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Writes a snapshot, makes all durable and ends.
    ///
    /// # Errors
    /// A sentence, when the disk failed; what was acknowledged is safe nevertheless.
    pub async fn close(&self) -> Result<(), String> {
        let (done, closed) = oneshot::channel();
        if self.proposals.send(Message::Close(done)).await.is_err() {
            return Ok(());
        }
        closed.await.unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests;
