use std::path::{Path, PathBuf};

use tidemill_env::Disk;
use tidemill_env::sim::{self, SimClock, SimDisk};
use tidemill_metadata::testing::InMemory;
use tidemill_metadata::{Command, TopicKey};
use tidemill_resource::TopicSpec;

use super::*;

#[tokio::test]
async fn a_topic_deleted_before_its_partitions_were_opened_leaves_nothing() {
    let metadata = InMemory::one_broker();
    let disk = SimDisk::default();
    disk.create_dir_all(Path::new("/topics")).unwrap();
    let (env, _) = sim::env(Arc::new(disk.clone()), Arc::new(SimClock::new(0)), 1);
    let partitions = Arc::new(Partitions::new(env, PathBuf::from("/topics"), Arc::new(())));
    let cache = Arc::new(CacheBudget::new(1 << 20));
    let changes = watch::channel(0).0;
    let host = Host::new(1, metadata.clone(), Arc::clone(&partitions), (cache, changes));
    let id = Uuid::from_u128(7);
    let create = Command::CreateTopic {
        name: "orders".to_owned(),
        id,
        spec: TopicSpec::default(),
        labels: Default::default(),
        annotations: Default::default(),
        assignments: None,
        internal: false,
        at_ms: 0,
    };
    metadata.propose(create).await.unwrap();
    let image = metadata.image();
    let mut missing = host.adjust(image.topic("orders").unwrap());

    let topic = TopicKey::named("orders");
    let delete = Command::DeleteTopic { topic, at_ms: 0 };
    metadata.propose(delete).await.unwrap();
    // Nobody knows of data, so the deletion is forgotten.
    assert!(host.topics_on_disk().is_empty());
    metadata.propose(Command::FinishDeletion { id }).await.unwrap();

    assert!(host.open(missing.remove(0)).await);
    assert!(partitions.get(id, 0).is_none());
    assert!(host.topics_on_disk().is_empty());
    assert!(disk.list(Path::new("/topics")).unwrap().is_empty());
}
