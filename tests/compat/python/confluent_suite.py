"""confluent-kafka-python: librdkafka's consumer and producer."""

import json
import time

import cases
from cases import BOOTSTRAP, case, equal, eventually, unique
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import confluent_admin  # noqa: F401: registers its cases


ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def create(prefix, partitions=1, **config):
    topic = unique(prefix)
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config)
    ADMIN.create_topics([new])[topic].result(30)
    return topic


def producer(**config):
    return Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, **config})


def send(topic, records, **config):
    """Sends (key, value) pairs in order; returns the offsets that the server gave them."""
    offsets = []

    def delivered(error, message):
        if error is not None:
            raise AssertionError(f"not delivered: {error}")
        offsets.append(message.offset())

    client = producer(**config)
    for key, value in records:
        client.produce(topic, value=value, key=key, partition=0, on_delivery=delivered)
    equal(client.flush(30), 0)
    return offsets


def consumer(group=None, **config):
    base = {
        "bootstrap.servers": BOOTSTRAP,
        "group.id": group or unique("group"),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "check.crcs": True,
    }
    return Consumer({**base, **config})


def read(client, count, seconds=30):
    """Reads so many messages."""
    messages = []
    deadline = time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < deadline:
        message = client.poll(0.5)
        if message is None:
            continue
        if message.error():
            raise AssertionError(str(message.error()))
        messages.append(message)
    equal(len(messages), count)
    return messages


def read_from_start(topic, count, **config):
    client = consumer(**config)
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    try:
        return read(client, count)
    finally:
        client.close()


def codec_case(codec):
    @case(f"produce and consume: {codec}")
    def run():
        topic = create("codec")
        records = [(b"k%d" % n, b"value %d " % n * 20) for n in range(1000)]
        equal(send(topic, records, **{"compression.type": codec}), list(range(1000)))
        found = [(m.key(), m.value()) for m in read_from_start(topic, 1000)]
        equal(found, records)


for name in ("none", "gzip", "snappy", "lz4", "zstd"):
    codec_case(name)


@case("headers")
def headers():
    topic = create("headers")
    wanted = [("trace", b"1"), ("trace", b"2"), ("null", None), ("empty", b"")]
    client = producer()
    client.produce(topic, value=b"x", headers=wanted)
    equal(client.flush(30), 0)
    equal(read_from_start(topic, 1)[0].headers(), wanted)


@case("null and empty keys and values")
def null_and_empty():
    topic = create("null")
    records = [(None, b"v"), (b"k", None), (b"", b""), (None, None)]
    send(topic, records)
    equal([(m.key(), m.value()) for m in read_from_start(topic, 4)], records)


@case("1 MiB record")
def large():
    topic = create("large", **{"max.message.bytes": "2097152"})
    value = bytes(range(256)) * 4096
    send(topic, [(None, value)], **{"message.max.bytes": 2097152})
    equal(read_from_start(topic, 1)[0].value(), value)


@case("batches larger than every fetch limit arrive whole")
def larger_than_limits():
    topic = create("limits")
    records = [(None, b"%06d" % n + b"x" * 4000) for n in range(500)]
    send(topic, records, **{"linger.ms": 100, "batch.size": 900_000})
    limits = {"max.partition.fetch.bytes": 1024, "fetch.max.bytes": 1_048_576, "message.max.bytes": 1_048_576}
    equal([m.value() for m in read_from_start(topic, 500, **limits)], [value for _, value in records])


@case("idempotent producer: in order, none twice")
def idempotent():
    topic = create("idempotent")
    records = [(None, b"%d" % n) for n in range(5000)]
    settings = {"enable.idempotence": True, "linger.ms": 0, "batch.num.messages": 50}
    equal(send(topic, records, **settings), list(range(5000)))
    equal([m.value() for m in read_from_start(topic, 5000)], [value for _, value in records])


@case("committed offsets are resumed")
def resume():
    topic, group = create("resume"), unique("group")
    send(topic, [(None, b"%d" % n) for n in range(10)])
    first = consumer(group)
    first.subscribe([topic])
    read(first, 4)
    first.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    first.close()
    second = consumer(group)
    second.subscribe([topic])
    equal([m.offset() for m in read(second, 6)], [4, 5, 6, 7, 8, 9])
    second.close()


@case("seek by time")
def by_time():
    topic = create("time")
    client = producer()
    for n in range(100):
        client.produce(topic, value=b"%d" % n, partition=0, timestamp=1_700_000_000_000 + n * 1000)
    equal(client.flush(30), 0)
    reader = consumer()
    asked = [TopicPartition(topic, 0, 1_700_000_000_000 + 41_500)]
    equal(reader.offsets_for_times(asked, timeout=30)[0].offset, 42)
    equal(reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=30), (0, 100))
    reader.close()


def rebalance_case(name, **config):
    @case(f"group with rebalance: {name}")
    def run():
        topic, group = create("rebalance", partitions=4), unique("group")
        first, second = consumer(group, **config), consumer(group, **config)
        turn = lambda: (first.poll(0.05), second.poll(0.05))  # noqa: E731
        first.subscribe([topic])
        eventually(lambda: len(first.assignment()) == 4, step=lambda: first.poll(0.1))
        second.subscribe([topic])
        eventually(lambda: (len(first.assignment()), len(second.assignment())) == (2, 2), step=turn)
        owned = {p.partition for p in first.assignment()} | {p.partition for p in second.assignment()}
        equal(owned, {0, 1, 2, 3})
        second.close()
        eventually(lambda: len(first.assignment()) == 4, step=lambda: first.poll(0.1))
        first.close()


FAST = {"heartbeat.interval.ms": 500}
rebalance_case("range", **{"partition.assignment.strategy": "range", **FAST})
rebalance_case("roundrobin", **{"partition.assignment.strategy": "roundrobin", **FAST})
rebalance_case("cooperative-sticky", **{"partition.assignment.strategy": "cooperative-sticky", **FAST})
rebalance_case("KIP-848 consumer protocol", **{"group.protocol": "consumer"})


@case("static member comes back without a rebalance")
def static_member():
    topic, group = create("static", partitions=4), unique("group")
    revoked = []
    stay = consumer(group, **{"group.instance.id": "stay", "session.timeout.ms": 30000})
    stay.subscribe([topic], on_revoke=lambda _c, partitions: revoked.append(partitions))

    def join():
        client = consumer(group, **{"group.instance.id": "goes", "session.timeout.ms": 30000})
        client.subscribe([topic])
        return client

    goes = join()
    both = lambda: (stay.poll(0.05), goes.poll(0.05))  # noqa: E731
    eventually(lambda: (len(stay.assignment()), len(goes.assignment())) == (2, 2), step=both)
    before, owned = len(revoked), sorted(p.partition for p in goes.assignment())
    goes.close()
    goes = join()
    eventually(lambda: len(goes.assignment()) == 2, step=lambda: (stay.poll(0.05), goes.poll(0.05)))
    equal(sorted(p.partition for p in goes.assignment()), owned)
    equal(len(revoked), before)
    stay.close()
    goes.close()


@case("acks 0 and 1")
def acks():
    topic = create("acks")
    send(topic, [(None, b"one")], acks=1)
    send(topic, [(None, b"zero")], acks=0)
    equal([m.value() for m in read_from_start(topic, 2)], [b"one", b"zero"])


@case("read committed and uncommitted")
def isolation():
    topic = create("isolation")
    send(topic, [(None, b"%d" % n) for n in range(100)])
    for level in ("read_committed", "read_uncommitted"):
        found = read_from_start(topic, 100, **{"isolation.level": level})
        equal([m.offset() for m in found], list(range(100)))


@case("long poll: what is sent while a fetch waits arrives")
def long_poll():
    topic = create("poll")
    client = consumer(**{"fetch.wait.max.ms": 20000, "fetch.min.bytes": 1, "socket.timeout.ms": 60000})
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    for n in range(3):
        equal(client.poll(0.3), None)
        send(topic, [(None, b"%d" % n)])
        equal([m.value() for m in read(client, 1)], [b"%d" % n])
    client.close()


@case("fetch session of many partitions")
def session():
    topic = create("session", partitions=60)
    client = producer()
    reader = consumer()
    reader.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(60)])
    # All partitions, then a few of them, so that an incremental fetch names only what changed.
    for turn, parts in enumerate((range(60), (3, 41), range(0, 60, 7))):
        for part in parts:
            client.produce(topic, value=b"%d" % turn, partition=part)
        equal(client.flush(30), 0)
        found = read(reader, len(parts))
        equal(sorted((m.partition(), m.value()) for m in found), sorted((part, b"%d" % turn) for part in parts))
    reader.pause([TopicPartition(topic, 3)])
    for part in (3, 4):
        client.produce(topic, value=b"paused", partition=part)
    equal(client.flush(30), 0)
    equal([m.partition() for m in read(reader, 1)], [4])
    reader.resume([TopicPartition(topic, 3)])
    equal([m.partition() for m in read(reader, 1)], [3])
    reader.close()


@case("lag by the client's statistics")
def lag():
    topic, seen = create("lag"), []
    send(topic, [(None, b"%d" % n) for n in range(10)])

    def on_stats(text):
        partition = json.loads(text)["topics"].get(topic, {}).get("partitions", {}).get("0", {})
        seen.append(partition.get("consumer_lag_stored"))

    client = consumer(**{"statistics.interval.ms": 100, "stats_cb": on_stats, "queued.min.messages": 1})
    client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    read(client, 10)
    eventually(lambda: 0 in seen, step=lambda: client.poll(0.1))
    client.pause([TopicPartition(topic, 0)])
    low, high = client.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
    equal((low, high - client.position([TopicPartition(topic, 0)])[0].offset), (0, 0))
    client.close()


@case("a regular expression follows new topics")
def pattern():
    prefix = unique("pattern")
    group = {"topic.metadata.refresh.interval.ms": 300, "metadata.max.age.ms": 1000}
    client = consumer(**group)
    client.subscribe([f"^{prefix}.*"])
    for count in (1, 2):
        ADMIN.create_topics([NewTopic(f"{prefix}-{count}", 1, 1)])[f"{prefix}-{count}"].result(30)
        eventually(lambda count=count: len(client.assignment()) == count, step=lambda: client.poll(0.1))
    client.close()


@case("static member comes back without a rebalance: KIP-848")
def static_consumer_member():
    topic, group = create("static", partitions=4), unique("group")

    def join(instance):
        client = consumer(group, **{"group.protocol": "consumer", "group.instance.id": instance})
        client.subscribe([topic])
        return client

    stay, goes = join("stay"), join("goes")
    turn = lambda: (stay.poll(0.05), goes.poll(0.05))  # noqa: E731
    eventually(lambda: (len(stay.assignment()), len(goes.assignment())) == (2, 2), step=turn)
    owned = sorted(p.partition for p in goes.assignment())
    goes.close()
    goes = join("goes")
    eventually(lambda: len(goes.assignment()) == 2, step=lambda: goes.poll(0.1))
    equal(sorted(p.partition for p in goes.assignment()), owned)
    equal(len(stay.assignment()), 2)
    stay.close()
    goes.close()


@case("two groups read the same topic")
def two_groups():
    topic = create("two")
    send(topic, [(None, b"%d" % n) for n in range(100)])
    for _ in range(2):
        client = consumer()
        client.subscribe([topic])
        equal([m.offset() for m in read(client, 100)], list(range(100)))
        client.close()


@case("topic deleted and created again works at once")
def recreate():
    topic = create("again")
    for turn in range(3):
        value = b"turn %d" % turn
        equal(send(topic, [(None, value)]), [0])
        equal([m.value() for m in read_from_start(topic, 1)], [value])
        ADMIN.delete_topics([topic])[topic].result(30)
        ADMIN.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


if __name__ == "__main__":
    cases.main()
