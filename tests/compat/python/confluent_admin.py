"""confluent-kafka-python: the admin client."""

from cases import BOOTSTRAP, case, equal, eventually, unique
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)


CLIENT = AdminClient({"bootstrap.servers": BOOTSTRAP})


def admin():
    return CLIENT


def create(client, prefix, partitions=1, **config):
    topic = unique(prefix)
    client.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(30)
    return topic


def fill(topic, count):
    client = Producer({"bootstrap.servers": BOOTSTRAP})
    for n in range(count):
        client.produce(topic, value=b"%d" % n, partition=0)
    equal(client.flush(30), 0)


def fails_with(code, call):
    try:
        call()
    except KafkaException as error:
        equal(error.args[0].name(), code)
        return
    raise AssertionError(f"passed, though {code} was due")


def configs(client, topic):
    resource = ConfigResource(ResourceType.TOPIC, topic)
    return client.describe_configs([resource])[resource].result(30)


@case("admin: create, describe and delete topics")
def topics():
    client = admin()
    topic = create(client, "admin", partitions=3)
    described = client.describe_topics(TopicCollection([topic]))[topic].result(30)
    equal((described.name, len(described.partitions)), (topic, 3))
    equal([p.leader.id for p in described.partitions], [described.partitions[0].leader.id] * 3)
    fails_with("TOPIC_ALREADY_EXISTS", lambda: client.create_topics([NewTopic(topic, 1, 1)])[topic].result(30))
    client.delete_topics([topic])[topic].result(30)
    fails_with("UNKNOWN_TOPIC_OR_PART", lambda: client.delete_topics([topic])[topic].result(30))


@case("admin: invalid requests get their own errors")
def invalid():
    client = admin()
    name = unique("bad")
    for new, code in [
        (NewTopic("no spaces allowed", 1, 1), "TOPIC_EXCEPTION"),
        (NewTopic(name, 1, 7), "INVALID_REPLICATION_FACTOR"),
        (NewTopic(name, 1, 1, config={"no.such.config": "1"}), "INVALID_CONFIG"),
        (NewTopic(name, 1, 1, config={"retention.ms": "soon"}), "INVALID_CONFIG"),
    ]:
        fails_with(code, lambda new=new: client.create_topics([new])[new.topic].result(30))


@case("admin: describe and alter configs")
def alter():
    client = admin()
    topic = create(client, "configs", **{"retention.ms": "3600000"})
    equal(configs(client, topic)["retention.ms"].value, "3600000")
    change = ConfigResource(
        ResourceType.TOPIC,
        topic,
        incremental_configs=[
            ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET),
            ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE),
        ],
    )
    client.incremental_alter_configs([change])[change].result(30)
    found = configs(client, topic)
    equal(found["cleanup.policy"].value, "compact")
    equal((found["retention.ms"].value, found["retention.ms"].is_default), ("604800000", True))


@case("admin: add partitions")
def partitions():
    client = admin()
    topic = create(client, "grow", partitions=1)
    client.create_partitions([NewPartitions(topic, 4)])[topic].result(30)
    described = client.describe_topics(TopicCollection([topic]))[topic].result(30)
    equal(len(described.partitions), 4)
    fails_with("INVALID_PARTITIONS", lambda: client.create_partitions([NewPartitions(topic, 2)])[topic].result(30))


@case("admin: delete records and list offsets")
def records():
    client = admin()
    topic = create(client, "trim")
    fill(topic, 10)
    part = TopicPartition(topic, 0)
    offset = lambda spec: client.list_offsets({part: spec})[part].result(30).offset  # noqa: E731
    low = list(client.delete_records([TopicPartition(topic, 0, 6)]).values())[0].result(30)
    equal(low.low_watermark, 6)
    equal((offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())), (6, 10))


@case("admin: list the offset of the newest timestamp")
def newest_timestamp():
    client = admin()
    topic = create(client, "newest")
    sender = Producer({"bootstrap.servers": BOOTSTRAP})
    for seconds in (1, 5, 9, 3, 2):
        sender.produce(topic, value=b"x", partition=0, timestamp=1_700_000_000_000 + seconds * 1000)
    equal(sender.flush(30), 0)
    part = TopicPartition(topic, 0)
    found = client.list_offsets({part: OffsetSpec.max_timestamp()})[part].result(30)
    equal((found.offset, found.timestamp), (2, 1_700_000_009_000))


@case("admin: list, describe and delete groups; reset offsets")
def groups():
    client = admin()
    topic, group = create(client, "groups"), unique("group")
    fill(topic, 10)
    member = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest"})
    member.subscribe([topic])
    eventually(lambda: member.assignment(), step=lambda: member.poll(0.1))
    member.commit(offsets=[TopicPartition(topic, 0, 7)], asynchronous=False)

    described = client.describe_consumer_groups([group])[group].result(30)
    equal((described.state.name, len(described.members)), ("STABLE", 1))
    listed = [entry.group_id for entry in client.list_consumer_groups().result(30).valid]
    equal(group in listed, True)
    fails_with("NON_EMPTY_GROUP", lambda: client.delete_consumer_groups([group])[group].result(30))
    member.close()

    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
    committed = client.list_consumer_group_offsets([asked])[group].result(30)
    equal(committed.topic_partitions[0].offset, 7)
    reset = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 2)])
    client.alter_consumer_group_offsets([reset])[group].result(30)
    committed = client.list_consumer_group_offsets([asked])[group].result(30)
    equal(committed.topic_partitions[0].offset, 2)
    client.delete_consumer_groups([group])[group].result(30)
    fails_with("GROUP_ID_NOT_FOUND", lambda: client.delete_consumer_groups([group])[group].result(30))


@case("admin: replace all configs; validate only")
def replace_configs():
    client = admin()
    topic = create(client, "configs", **{"retention.ms": "3600000", "cleanup.policy": "compact"})
    whole = ConfigResource(ResourceType.TOPIC, topic, set_config={"retention.ms": "7200000"})
    client.alter_configs([whole], validate_only=True)[whole].result(30)
    equal(configs(client, topic)["retention.ms"].value, "3600000")
    client.alter_configs([whole])[whole].result(30)
    found = configs(client, topic)
    equal((found["retention.ms"].value, found["cleanup.policy"].value), ("7200000", "delete"))
    wrong = ConfigResource(ResourceType.TOPIC, topic, set_config={"retention.ms": "soon"})
    fails_with("INVALID_CONFIG", lambda: client.alter_configs([wrong])[wrong].result(30))
    name = unique("validate")
    client.create_topics([NewTopic(name, 1, 1)], validate_only=True)[name].result(30)
    equal(name in client.list_topics(timeout=30).topics, False)


@case("admin: describe a broker's configs")
def broker_configs():
    client = admin()
    broker = ConfigResource(ResourceType.BROKER, str(client.describe_cluster().result(30).controller.id))
    found = client.describe_configs([broker])[broker].result(30)
    equal(len(found) > 0 and all(entry.name == name for name, entry in found.items()), True)


@case("admin: describe a KIP-848 group")
def consumer_group():
    client = admin()
    topic, group = create(client, "groups", partitions=2), unique("group")
    config = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "group.protocol": "consumer"}
    member = Consumer(config)
    member.subscribe([topic])
    eventually(lambda: len(member.assignment()) == 2, step=lambda: member.poll(0.1))
    described = client.describe_consumer_groups([group])[group].result(30)
    equal((described.state.name, described.type.name, len(described.members)), ("STABLE", "CONSUMER", 1))
    equal(len(described.members[0].assignment.topic_partitions), 2)
    listed = {entry.group_id: entry.type.name for entry in client.list_consumer_groups().result(30).valid}
    equal(listed[group], "CONSUMER")
    member.close()
    eventually(lambda: client.describe_consumer_groups([group])[group].result(30).state.name == "EMPTY")
    client.delete_consumer_groups([group])[group].result(30)


@case("admin: describe cluster")
def cluster():
    described = admin().describe_cluster().result(30)
    equal(len(described.nodes), 1)
    equal(bool(described.cluster_id), True)
    equal(f"{described.controller.host}:{described.controller.port}", BOOTSTRAP)
