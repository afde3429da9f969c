//! The shapes of the messages that group members send each other.

use crate::kafka::messages::{consumer_protocol_assignment, consumer_protocol_subscription};

use super::Kind::{Data, Fixed, Fixeds, Structs, Text, Texts};
use super::{NEVER, Shape, always, shape, since};

pub(crate) static SUBSCRIPTION: Shape = shape(NEVER, &[
    always("Topics", Texts),
    always("UserData", Data),
    since(1, "OwnedPartitions", Structs(size_of::<consumer_protocol_subscription::TopicPartition>(), &[
        always("Topic", Text),
        always("Partitions", Fixeds(4)),
    ])),
    since(2, "GenerationId", Fixed(4)),
    since(3, "RackId", Text),
]);

pub(crate) static ASSIGNMENT: Shape = shape(NEVER, &[
    always("AssignedPartitions", Structs(size_of::<consumer_protocol_assignment::TopicPartition>(), &[
        always("Topic", Text),
        always("Partitions", Fixeds(4)),
    ])),
    always("UserData", Data),
]);
