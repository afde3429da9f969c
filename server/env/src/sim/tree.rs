//! Directories whose names become durable by a sync of the directory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use super::disk::Survival;
use super::file::SimInode;
use super::random::SimRandom;

/// Index of a file or directory. Never used again, so a removed file stays readable by who has it open.
pub(super) type NodeId = usize;

#[derive(Debug, Clone)]
pub(super) enum Node {
    File(SimInode),
    Dir(SimDir),
}

/// Names now, and names that a power cut leaves.
#[derive(Debug, Clone, Default)]
pub(super) struct SimDir {
    now: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
}

/// A name made to stand for something, or for nothing.
type Assignment = (NodeId, String, Option<NodeId>);

/// All files and directories.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Changes of names that were not synced; each is lost or kept whole.
    unsynced: Vec<Vec<Assignment>>,
}

const ROOT: NodeId = 0;

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Node::Dir(SimDir::default())],
            unsynced: Vec::new(),
        }
    }
}

impl Tree {
    pub(super) fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut at = ROOT;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let name = name.to_str().ok_or_else(not_found)?;
                at = *self.dir(at)?.now.get(name).ok_or_else(not_found)?;
            }
        }
        Ok(at)
    }

    /// The directory that holds `path`, and the name in it.
    pub(super) fn parent(&self, path: &Path) -> io::Result<(NodeId, String)> {
        let name = path.file_name().and_then(|name| name.to_str());
        let parent = self.find(path.parent().unwrap_or(Path::new("/")))?;
        self.dir(parent)?;
        Ok((parent, name.ok_or(io::ErrorKind::InvalidInput)?.to_owned()))
    }

    fn dir(&self, id: NodeId) -> io::Result<&SimDir> {
        match self.nodes.get(id) {
            Some(Node::Dir(dir)) => Ok(dir),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn file(&self, id: NodeId) -> io::Result<&SimInode> {
        match self.nodes.get(id) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn file_mut(&mut self, id: NodeId) -> io::Result<&mut SimInode> {
        match self.nodes.get_mut(id) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn is_dir(&self, id: NodeId) -> bool {
        self.dir(id).is_ok()
    }

    pub(super) fn names(&self, id: NodeId) -> io::Result<&BTreeMap<String, NodeId>> {
        Ok(&self.dir(id)?.now)
    }

    /// A new node under `name`.
    pub(super) fn add(&mut self, (parent, name): (NodeId, String), node: Node) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(node);
        self.assign(vec![(parent, name, Some(id))]);
        id
    }

    pub(super) fn assign(&mut self, change: Vec<Assignment>) {
        for assignment in &change {
            self.set(assignment, false);
        }
        self.unsynced.push(change);
    }

    fn set(&mut self, (dir, name, to): &Assignment, durable: bool) {
        let Some(Node::Dir(dir)) = self.nodes.get_mut(*dir) else {
            return;
        };
        let names = if durable { &mut dir.durable } else { &mut dir.now };
        match to {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }

    /// Makes changes of names in `dir` durable.
    pub(super) fn sync_dir(&mut self, dir: NodeId) {
        let (synced, rest) = std::mem::take(&mut self.unsynced)
            .into_iter()
            .partition(|change: &Vec<Assignment>| change.iter().any(|(at, _, _)| *at == dir));
        self.unsynced = rest;
        self.persist(&synced);
    }

    fn persist(&mut self, changes: &[Vec<Assignment>]) {
        for assignment in changes.iter().flatten() {
            self.set(assignment, true);
        }
    }

    /// The power goes: what was not synced is kept as `survival` says.
    pub(super) fn crash(&mut self, survival: Survival, random: &SimRandom) {
        let mut changes = std::mem::take(&mut self.unsynced);
        match survival {
            Survival::Nothing => changes.clear(),
            Survival::Everything => {}
            Survival::Some => changes.retain(|_| random.one_in(2)),
        }
        self.persist(&changes);
        for node in &mut self.nodes {
            match (node, survival) {
                (Node::Dir(dir), _) => dir.now.clone_from(&dir.durable),
                (Node::File(file), Survival::Nothing) => file.keep_none(),
                (Node::File(file), Survival::Everything) => file.keep_all(),
                (Node::File(file), Survival::Some) => file.keep_some(random),
            }
        }
    }
}
