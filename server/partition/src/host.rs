//! The partitions that this node hosts.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;
use tidemill_env::Env;
use uuid::Uuid;

use crate::error::OpenError;
use crate::partition::{Partition, PartitionHooks, PartitionSpec};

/// Topic id and partition index.
pub type PartitionId = (Uuid, i32);

/// Directories that wait to be removed end so.
const REMOVED: &str = ".removed";

/// All partitions hosted here, in `root/<topic id>/<index>/`.
pub struct Partitions {
    env: Env,
    root: PathBuf,
    hooks: Arc<dyn PartitionHooks>,
    open: RwLock<FxHashMap<PartitionId, Arc<Partition>>>,
}

impl Partitions {
    /// None yet. Directories are made as partitions are opened.
    #[must_use]
    pub fn new(env: Env, root: PathBuf, hooks: Arc<dyn PartitionHooks>) -> Self {
        Self {
            env,
            root,
            hooks,
            open: RwLock::default(),
        }
    }

    /// Opens a partition, or answers the one that is open.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(&self, spec: PartitionSpec) -> Result<Arc<Partition>, OpenError> {
        let id = (spec.topic_id, spec.index);
        if let Some(open) = self.get(id.0, id.1) {
            return Ok(open);
        }
        let dir = self.root.join(id.0.to_string()).join(id.1.to_string());
        let stopping = OpenError {
            topic: spec.topic.clone(),
            index: spec.index,
            dir: dir.display().to_string(),
            reason: "the server is stopping".to_owned(),
        };
        let (env, hooks) = (self.env.clone(), Arc::clone(&self.hooks));
        let opened = self
            .env
            .blocking(move || Partition::open(env, dir, spec, hooks))
            .await;
        let partition = Arc::new(opened.map_err(|_| stopping)??);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(open.entry(id).or_insert(partition)))
    }

    /// The open partition `index` of a topic.
    #[must_use]
    pub fn get(&self, topic_id: Uuid, index: i32) -> Option<Arc<Partition>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(topic_id, index))
            .cloned()
    }

    /// All open partitions, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Partition>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Closes a partition and removes its files. Readers and writers are told at once; a crash in
    /// between leaves files that [`Partitions::sweep`] removes.
    pub async fn remove(&self, topic_id: Uuid, index: i32) {
        let removed = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(topic_id, index));
        if let Some(partition) = removed {
            partition.abandon();
        }
        let topic_dir = self.root.join(topic_id.to_string());
        let dir = topic_dir.join(index.to_string());
        let doomed = topic_dir.join(format!("{index}{REMOVED}"));
        let disk = Arc::clone(&self.env.disk);
        let work = move || {
            if disk.exists(&dir) {
                disk.rename(&dir, &doomed)?;
                disk.remove_dir_all(&doomed)?;
            }
            if disk.list(&topic_dir).is_ok_and(|entries| entries.is_empty()) {
                // The topic's other partitions are removed at the same time: one of them may have been first.
                match disk.remove_dir_all(&topic_dir) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
            Ok::<(), std::io::Error>(())
        };
        if let Ok(Err(error)) = self.env.blocking(work).await {
            tracing::warn!(%topic_id, index, %error, "files of a deleted partition remain; they go at the next start");
        }
    }

    /// Removes directories of topics that `keep` does not know: what a crash left of deletions.
    /// Blocks on disk.
    ///
    /// # Errors
    /// As the disk's.
    pub fn sweep(&self, keep: &dyn Fn(Uuid, Option<i32>) -> bool) -> std::io::Result<()> {
        let disk = &self.env.disk;
        if !disk.exists(&self.root) {
            return Ok(());
        }
        for topic in disk.list(&self.root)?.into_iter().filter(|entry| entry.is_dir) {
            // What is not named as a topic's directory is not ours to remove.
            let Ok(topic_id) = Uuid::parse_str(&topic.name) else {
                continue;
            };
            let topic_dir = self.root.join(&topic.name);
            if !keep(topic_id, None) {
                disk.remove_dir_all(&topic_dir)?;
                continue;
            }
            for entry in disk.list(&topic_dir)? {
                let index = entry.name.parse::<i32>().ok();
                let ours = index.is_some() || entry.name.ends_with(REMOVED);
                if ours && !index.is_some_and(|index| keep(topic_id, Some(index))) {
                    disk.remove_dir_all(&topic_dir.join(&entry.name))?;
                }
            }
        }
        Ok(())
    }

    /// Topics that have a directory here, whether their partitions are open or not. Blocks on disk.
    ///
    /// # Errors
    /// As the disk's.
    pub fn topics_on_disk(&self) -> std::io::Result<BTreeSet<Uuid>> {
        if !self.env.disk.exists(&self.root) {
            return Ok(BTreeSet::new());
        }
        let entries = self.env.disk.list(&self.root)?;
        let topics = entries.iter().filter(|entry| entry.is_dir);
        Ok(topics
            .filter_map(|entry| Uuid::parse_str(&entry.name).ok())
            .collect())
    }

    /// Closes all partitions: everything durable, the next start clean.
    pub async fn close_all(&self) {
        let all: Vec<Arc<Partition>> = {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            open.drain().map(|(_, partition)| partition).collect()
        };
        // Several at once: a close waits for the disk, and the disk takes several.
        const AT_ONCE: usize = 8;
        let share = all.len().div_ceil(AT_ONCE).max(1);
        let mut closing = Vec::new();
        for chunk in all.chunks(share) {
            let chunk = chunk.to_vec();
            closing.push(
                self.env
                    .blocking(move || chunk.iter().for_each(|partition| partition.close())),
            );
        }
        for closed in futures_util::future::join_all(closing).await {
            if closed.is_err() {
                tracing::error!("closing a partition panicked; its log will be recovered at the next start");
            }
        }
    }
}
