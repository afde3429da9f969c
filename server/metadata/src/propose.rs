//! The way in for changes, and the way out for images.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use uuid::Uuid;

use crate::apply::apply;
use crate::command::Command;
use crate::image::Image;
use crate::module_image::SmartModuleImage;
use crate::rejection::Rejection;
use crate::topic_image::TopicImage;
use crate::view_image::ViewImage;

/// What an accepted command answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Done, with nothing to tell.
    Done,
    /// The topic as it is now.
    Topic(Arc<TopicImage>),
    /// The topic that was deleted.
    TopicDeleted(Uuid),
    /// The SmartModule as it is now.
    SmartModule(Arc<SmartModuleImage>),
    /// The view as it is now.
    View(Arc<ViewImage>),
    /// The broker is registered; the epoch is greater than any before.
    BrokerRegistered {
        /// The registration's epoch.
        epoch: u64,
    },
    /// The caller's own producer ids: `first`, and the `count - 1` after it.
    ProducerIds {
        /// The first id.
        first: i64,
        /// How many.
        count: u32,
    },
    /// The answers of a batch, in order.
    Batch(Vec<Reply>),
}

/// Why a proposal has no reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProposeError {
    /// The command is not legal in the present state. Nothing was changed; the same command will fare no better.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It could not be ordered or made durable now. Whether it took effect is unknown; ask again later.
    #[error("metadata cannot be changed now: {0}")]
    Unavailable(String),
}

/// The future of a proposal.
pub type Proposed<'a> = Pin<Box<dyn Future<Output = Result<Reply, ProposeError>> + Send + 'a>>;

/// Orders commands and makes them durable.
pub trait Propose: Send + Sync {
    /// Applies a command once it is durable. When it answers, the image of [`Metadata::image`] holds the change.
    ///
    /// # Cancellation
    /// Dropping the future leaves it open whether the command takes effect.
    fn propose(&self, command: Command) -> Proposed<'_>;
}

/// A handle on the metadata. Clones are the same handle.
#[derive(Clone)]
pub struct Metadata {
    proposer: Arc<dyn Propose>,
    images: watch::Receiver<Arc<Image>>,
}

impl Metadata {
    /// A handle that proposes through `proposer` and reads from `images`.
    pub fn new(proposer: Arc<dyn Propose>, images: watch::Receiver<Arc<Image>>) -> Self {
        Self { proposer, images }
    }

    /// The latest image. Cheap: one short lock and a reference count.
    pub fn image(&self) -> Arc<Image> {
        self.images.borrow().clone()
    }

    /// Follows the image. A slow watcher sees the newest, not each one.
    pub fn watch(&self) -> watch::Receiver<Arc<Image>> {
        self.images.clone()
    }

    /// Changes the metadata; see [`Propose::propose`].
    ///
    /// # Errors
    /// [`ProposeError`].
    pub async fn propose(&self, command: Command) -> Result<Reply, ProposeError> {
        self.proposer.propose(command).await
    }

    /// Says what a command would answer, changing nothing (`validateOnly`, `dryRun`).
    ///
    /// # Errors
    /// The rejection it would get.
    pub fn validate(&self, command: &Command) -> Result<Reply, Rejection> {
        let image = self.image();
        apply(&image, image.version + 1, command).map(|(_, reply)| reply)
    }
}
