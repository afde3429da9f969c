//! Consumers that share the partitions of topics.
use crate::cluster::Cluster;
use std::sync::Arc;
/// x
pub struct GroupBuilder;
/// x
pub struct GroupConsumer;
/// x
pub enum GroupEvent {}
/// x
pub enum GroupProtocol {}
/// x
pub enum Assignor {}
impl GroupBuilder {
    pub(crate) fn new(_: Arc<Cluster>, _: String) -> Self {
        Self
    }
}
