"""kafka-python: pure Python, synchronous."""

import threading

import cases
from cases import BOOTSTRAP, case, equal, eventually, unique
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

ADMIN = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def create(prefix, partitions=1, **configs):
    topic = unique(prefix)
    spec = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    ADMIN.create_topics({topic: spec}, wait_for_metadata=True)
    return topic


def send(topic, records, **config):
    """Sends (key, value) pairs to partition 0; returns the offsets that the server gave them."""
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **config)
    futures = [client.send(topic, key=key, value=value, partition=0) for key, value in records]
    client.flush(30)
    offsets = [future.get(30).offset for future in futures]
    client.close()
    return offsets


def consumer(*topics, **config):
    base = {
        "bootstrap_servers": BOOTSTRAP,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "check_crcs": True,
    }
    return KafkaConsumer(*topics, **{**base, **config})


def read(client, count):
    messages = []

    def step():
        # It ends with the first records. Short ones would be a trap: the client forgets an assignment that comes as a
        # poll ends for want of time, and sits without partitions until its session is over.
        for batch in client.poll(2000).values():
            messages.extend(batch)

    eventually(lambda: len(messages) >= count, step=step)
    equal(len(messages), count)
    return messages


def read_from_start(topic, count, **config):
    client = consumer(**config)
    client.assign([TopicPartition(topic, 0)])
    client.seek_to_beginning()
    try:
        return read(client, count)
    finally:
        client.close()


def codec_case(codec):
    @case(f"produce and consume: {codec or 'none'}")
    def run():
        topic = create("codec")
        records = [(b"k%d" % n, b"value %d " % n * 20) for n in range(500)]
        equal(send(topic, records, compression_type=codec), list(range(500)))
        equal([(m.key, m.value) for m in read_from_start(topic, 500)], records)


for name in (None, "gzip", "snappy", "lz4", "zstd"):
    codec_case(name)


@case("headers")
def headers():
    topic = create("headers")
    wanted = [("trace", b"1"), ("trace", b"2"), ("empty", b"")]
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    client.send(topic, value=b"x", headers=wanted).get(30)
    client.close()
    equal(list(read_from_start(topic, 1)[0].headers), wanted)


@case("null and empty keys and values")
def null_and_empty():
    topic = create("null")
    records = [(None, b"v"), (b"k", None), (b"", b"")]
    send(topic, records)
    equal([(m.key, m.value) for m in read_from_start(topic, 3)], records)


@case("1 MiB record")
def large():
    topic = create("large", **{"max.message.bytes": "2097152"})
    value = bytes(range(256)) * 4096
    send(topic, [(None, value)], max_request_size=2097152)
    equal(read_from_start(topic, 1)[0].value, value)


@case("batches larger than every fetch limit arrive whole")
def larger_than_limits():
    topic = create("limits")
    records = [(None, b"%06d" % n + b"x" * 4000) for n in range(200)]
    send(topic, records, batch_size=500_000)
    found = read_from_start(topic, 200, max_partition_fetch_bytes=1024, fetch_max_bytes=1024)
    equal([m.value for m in found], [value for _, value in records])


@case("idempotent producer: in order, none twice")
def idempotent():
    topic = create("idempotent")
    records = [(None, b"%d" % n) for n in range(2000)]
    equal(send(topic, records, enable_idempotence=True, batch_size=500), list(range(2000)))
    equal([m.value for m in read_from_start(topic, 2000)], [value for _, value in records])


@case("acks 0 and 1")
def acks():
    topic = create("acks")
    send(topic, [(None, b"one")], acks=1, enable_idempotence=False)
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks=0, enable_idempotence=False)
    client.send(topic, value=b"zero")
    client.flush(30)
    equal([m.value for m in read_from_start(topic, 2)], [b"one", b"zero"])
    client.close()


@case("seek by time; beginning and end offsets")
def by_time():
    topic = create("time")
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for n in range(100):
        client.send(topic, value=b"%d" % n, partition=0, timestamp_ms=1_700_000_000_000 + n * 1000)
    client.flush(30)
    client.close()
    reader, part = consumer(), TopicPartition(topic, 0)
    found = reader.offsets_for_times({part: 1_700_000_000_000 + 41_500})[part]
    equal((found.offset, found.timestamp), (42, 1_700_000_042_000))
    equal(reader.beginning_offsets([part]), {part: 0})
    equal(reader.end_offsets([part]), {part: 100})
    reader.close()


@case("read committed and uncommitted")
def isolation():
    topic = create("isolation")
    send(topic, [(None, b"%d" % n) for n in range(100)])
    for level in ("read_committed", "read_uncommitted"):
        equal([m.offset for m in read_from_start(topic, 100, isolation_level=level)], list(range(100)))


@case("long poll: what is sent while a fetch waits arrives")
def long_poll():
    topic = create("poll")
    client = consumer(fetch_max_wait_ms=20000, request_timeout_ms=40000)
    client.assign([TopicPartition(topic, 0)])
    client.seek_to_beginning()
    for n in range(3):
        equal(client.poll(300), {})
        send(topic, [(None, b"%d" % n)])
        equal([m.value for m in read(client, 1)], [b"%d" % n])
    client.close()


@case("fetch session of many partitions")
def session():
    topic = create("session", partitions=60)
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    reader = consumer()
    reader.assign([TopicPartition(topic, n) for n in range(60)])
    reader.seek_to_beginning()
    # All partitions, then a few of them, so that an incremental fetch names only what changed.
    for turn, parts in enumerate((range(60), (3, 41), range(0, 60, 7))):
        for part in parts:
            client.send(topic, value=b"%d" % turn, partition=part)
        client.flush(30)
        found = read(reader, len(parts))
        equal(sorted((m.partition, m.value) for m in found), sorted((part, b"%d" % turn) for part in parts))
    reader.pause(TopicPartition(topic, 3))
    for part in (3, 4):
        client.send(topic, value=b"paused", partition=part)
    client.flush(30)
    equal([m.partition for m in read(reader, 1)], [4])
    reader.resume(TopicPartition(topic, 3))
    equal([m.partition for m in read(reader, 1)], [3])
    reader.close()
    client.close()


@case("lag by the client: high water mark and position")
def lag():
    topic = create("lag")
    part = TopicPartition(topic, 0)
    send(topic, [(None, b"%d" % n) for n in range(10)])
    client = consumer(max_poll_records=4)
    client.assign([part])
    client.seek_to_beginning()
    eventually(lambda: client.position(part) == 4, step=lambda: client.poll(200))
    equal(client.highwater(part) - client.position(part), 6)
    client.close()


@case("committed offsets are resumed")
def resume():
    topic, group = create("resume"), unique("group")
    part = TopicPartition(topic, 0)
    send(topic, [(None, b"%d" % n) for n in range(10)])
    first = consumer(topic, group_id=group)
    read(first, 10)
    first.commit({part: OffsetAndMetadata(4, "four", -1)})
    first.close()
    second = consumer(topic, group_id=group)
    equal([m.offset for m in read(second, 6)], [4, 5, 6, 7, 8, 9])
    equal(second.committed(part), 4)
    second.close()


class Member:
    """A consumer that a thread of its own polls, as an application would.

    Two of them must not take turns in one thread: the client drops a join that ends while its consumer is not in a
    poll, and joins anew. When answers take as long as a turn, nobody ever keeps an assignment.
    """

    def __init__(self, *topics, **config):
        self.assigned, self._error = set(), None
        self._stopping = threading.Event()
        self._client = consumer(*topics, **config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stopping.is_set():
                self._client.poll(1000)
                self.assigned = self._client.assignment()
            self._client.close()
        except BaseException as error:  # noqa: BLE001: whatever goes wrong is told to who asks
            self._error = error

    def count(self):
        if self._error is not None:
            raise self._error
        return len(self.assigned)

    def leave(self):
        self._stopping.set()
        self._thread.join()
        self.count()


def rebalance_case(name, **config):
    @case(f"group with rebalance: {name}")
    def run():
        topic, group = create("rebalance", partitions=4), unique("group")
        first = Member(topic, group_id=group, **config)
        eventually(lambda: first.count() == 4)
        second = Member(topic, group_id=group, **config)
        eventually(lambda: (first.count(), second.count()) == (2, 2))
        owned = {p.partition for p in first.assigned | second.assigned}
        equal(owned, {0, 1, 2, 3})
        second.leave()
        eventually(lambda: first.count() == 4)
        first.leave()


FAST = {"heartbeat_interval_ms": 500, "metadata_max_age_ms": 1000}
rebalance_case("range", partition_assignment_strategy=[RangePartitionAssignor], **FAST)
rebalance_case("roundrobin", partition_assignment_strategy=[RoundRobinPartitionAssignor], **FAST)
rebalance_case("cooperative-sticky", partition_assignment_strategy=[CooperativeStickyAssignor], **FAST)


@case("static member keeps its partitions over a restart")
def static_member():
    topic, group = create("static", partitions=4), unique("group")

    def join():
        return Member(topic, group_id=group, group_instance_id="it", session_timeout_ms=30000)

    first = join()
    eventually(lambda: first.count() == 4)
    first.leave()
    again = join()
    eventually(lambda: again.count() == 4)
    described = ADMIN.describe_groups([group])[group]
    equal([m["group_instance_id"] for m in described["members"]], ["it"])
    again.leave()


@case("admin: topics")
def admin_topics():
    topic = create("admin", partitions=3)
    equal(topic in ADMIN.list_topics(), True)
    described = ADMIN.describe_topics([topic])[0]
    equal((described["name"], len(described["partitions"])), (topic, 3))
    try:
        ADMIN.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
        raise AssertionError("created a topic twice")
    except TopicAlreadyExistsError:
        pass
    ADMIN.create_partitions({topic: 5})
    eventually(lambda: len(ADMIN.describe_topics([topic])[0]["partitions"]) == 5)
    ADMIN.delete_topics([topic])
    eventually(lambda: topic not in ADMIN.list_topics())


@case("admin: configs")
def admin_configs():
    from kafka.admin import ConfigResource, ConfigResourceType

    topic = create("configs", **{"retention.ms": "3600000"})
    resource = lambda configs: ConfigResource(ConfigResourceType.TOPIC, topic, configs)  # noqa: E731
    found = ADMIN.describe_configs([resource(None)])["topic"][topic]
    equal(found["retention.ms"]["value"], "3600000")
    ADMIN.alter_configs([resource({"retention.ms": "7200000"})])
    found = ADMIN.describe_configs([resource(None)])["topic"][topic]
    equal(found["retention.ms"]["value"], "7200000")


@case("admin: replace all configs, reset some")
def admin_replace():
    from kafka.admin import ConfigResource, ConfigResourceType

    topic = create("configs", **{"retention.ms": "3600000", "cleanup.policy": "compact"})
    resource = lambda configs: ConfigResource(ConfigResourceType.TOPIC, topic, configs)  # noqa: E731

    def now(name):
        return ADMIN.describe_configs([resource(None)])["topic"][topic].get(name, {}).get("value")

    ADMIN.alter_configs([resource({"cleanup.policy": ("append", "delete")})])
    equal(sorted(now("cleanup.policy").split(",")), ["compact", "delete"])
    ADMIN.alter_configs([resource({"retention.ms": "7200000"})], validate_only=True)
    equal(now("retention.ms"), "3600000")
    ADMIN.reset_configs([resource(["retention.ms"])])
    # The client leaves out what is not set on the topic.
    equal(now("retention.ms"), None)
    ADMIN.alter_configs([resource({"retention.ms": "7200000"})], incremental=False)
    equal(now("retention.ms"), "7200000")


@case("admin: cluster, log dirs, producers, topic partitions, offsets")
def admin_cluster():
    from kafka.admin import OffsetSpec

    topic = create("cluster", partitions=2)
    part = TopicPartition(topic, 0)
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True)
    client.send(topic, value=b"x", partition=0).get(30)
    producers = ADMIN.describe_producers([part])[part]
    equal(len(producers.active_producers), 1)
    client.close()
    equal(len(ADMIN.describe_cluster()["brokers"]), 1)
    equal(topic in str(ADMIN.describe_log_dirs([topic])), True)
    page = ADMIN.describe_topic_partitions([topic], response_partition_limit=1)
    equal((len(page["topics"][0]["partitions"]), page["next_cursor"]["partition_index"]), (1, 1))
    found = ADMIN.list_partition_offsets({part: OffsetSpec.LATEST})[part]
    equal(found.offset, 1)


@case("admin: delete records")
def admin_records():
    topic = create("trim")
    part = TopicPartition(topic, 0)
    send(topic, [(None, b"%d" % n) for n in range(10)])
    ADMIN.delete_records({part: 6})
    reader = consumer()
    equal(reader.beginning_offsets([part]), {part: 6})
    reader.close()


@case("admin: groups")
def admin_groups():
    topic, group = create("groups"), unique("group")
    part = TopicPartition(topic, 0)
    send(topic, [(None, b"x")] * 10)
    member = consumer(topic, group_id=group)
    read(member, 10)
    member.commit({part: OffsetAndMetadata(7, "", -1)})
    equal(group in [listed["group_id"] for listed in ADMIN.list_groups()], True)
    member.close()
    ADMIN.alter_group_offsets(group, {part: OffsetAndMetadata(2, "", -1)})
    again = consumer(topic, group_id=group)
    equal([m.offset for m in read(again, 8)], list(range(2, 10)))
    again.close()
    equal(ADMIN.list_group_offsets({group: None})[group][part].offset, 2)
    ADMIN.delete_group_offsets(group, [part])
    equal(part in ADMIN.list_group_offsets({group: None})[group], False)
    ADMIN.delete_groups([group])
    equal(group in [listed["group_id"] for listed in ADMIN.list_groups()], False)


@case("topic deleted and created again works at once")
def recreate():
    topic = create("again")
    for turn in range(3):
        value = b"turn %d" % turn
        equal(send(topic, [(None, value)]), [0])
        equal([m.value for m in read_from_start(topic, 1)], [value])
        ADMIN.delete_topics([topic])
        ADMIN.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})


if __name__ == "__main__":
    cases.main()
