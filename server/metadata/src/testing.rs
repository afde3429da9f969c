//! Metadata kept in memory, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use tidemill_resource::Endpoint;
use tokio::sync::watch;
use uuid::Uuid;

use crate::apply::apply;
use crate::command::Command;
use crate::image::Image;
use crate::propose::{Metadata, Propose, ProposeError, Proposed, Reply};

/// A proposer that applies at once and keeps nothing.
pub struct InMemory {
    images: Mutex<watch::Sender<Arc<Image>>>,
}

impl InMemory {
    /// A handle on metadata that starts as `image`.
    pub fn starting_from(image: Image) -> Metadata {
        let (sender, receiver) = watch::channel(Arc::new(image));
        Metadata::new(
            Arc::new(Self {
                images: Mutex::new(sender),
            }),
            receiver,
        )
    }

    /// A handle on a cluster with an id and one broker, number 1.
    pub fn one_broker() -> Metadata {
        Self::starting_from(one_broker())
    }

    fn apply_now(&self, command: &Command) -> Result<Reply, ProposeError> {
        let images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let image = images.borrow().clone();
        let (next, reply) = apply(&image, image.version + 1, command)?;
        images.send_replace(Arc::new(next));
        Ok(reply)
    }
}

impl Propose for InMemory {
    fn propose(&self, command: Command) -> Proposed<'_> {
        Box::pin(async move { self.apply_now(&command) })
    }
}

/// The image of a cluster with an id and one broker, number 1.
pub fn one_broker() -> Image {
    with_brokers(&[1])
}

/// The image of a cluster with an id and these brokers.
pub fn with_brokers(ids: &[i32]) -> Image {
    let form = Command::FormCluster {
        cluster_id: Uuid::from_u128(0xc1),
    };
    let register = |id: &i32| Command::RegisterBroker {
        id: *id,
        incarnation: Uuid::from_u128(u128::from(id.unsigned_abs())),
        endpoints: vec![Endpoint {
            name: "kafka".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 9092,
        }],
        rack: None,
        at_ms: 1_700_000_000_000,
    };
    let commands = std::iter::once(form).chain(ids.iter().map(register));
    commands.fold(Image::default(), |image, command| {
        match apply(&image, image.version + 1, &command) {
            Ok((next, _)) => next,
            Err(_) => image,
        }
    })
}
