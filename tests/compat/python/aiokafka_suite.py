"""aiokafka: asynchronous."""

import asyncio

import cases
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from cases import BOOTSTRAP, case, equal, unique


def async_case(name):
    """A case that is a coroutine, with an admin client handed to it."""

    def register(function):
        async def run():
            admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
            await admin.start()
            try:
                await function(admin)
            finally:
                await admin.close()

        case(name)(lambda: asyncio.run(run()))
        return function

    return register


async def create(admin, prefix, partitions=1, **configs):
    topic = unique(prefix)
    new = NewTopic(topic, partitions, 1, topic_configs=configs)
    response = await admin.create_topics([new])
    equal([error[1] for error in response.topic_errors], [0])
    return topic


async def send(topic, records, **config):
    """Sends (key, value) pairs to partition 0; returns the offsets that the server gave them."""
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **config) as client:
        futures = [await client.send(topic, key=key, value=value, partition=0) for key, value in records]
        return [(await future).offset for future in futures]


def consumer(*topics, **config):
    base = {
        "bootstrap_servers": BOOTSTRAP,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "check_crcs": True,
    }
    return AIOKafkaConsumer(*topics, **{**base, **config})


async def read(client, count):
    return [await asyncio.wait_for(client.getone(), 30) for _ in range(count)]


async def read_from_start(topic, count, **config):
    async with consumer(**config) as client:
        client.assign([TopicPartition(topic, 0)])
        await client.seek_to_beginning()
        return await read(client, count)


async def eventually(check, seconds=30):
    deadline = asyncio.get_running_loop().time() + seconds
    while not check():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not come true within {seconds} s")
        await asyncio.sleep(0.05)


def codec_case(codec):
    @async_case(f"produce and consume: {codec or 'none'}")
    async def run(admin):
        topic = await create(admin, "codec")
        records = [(b"k%d" % n, b"value %d " % n * 20) for n in range(500)]
        equal(await send(topic, records, compression_type=codec), list(range(500)))
        equal([(m.key, m.value) for m in await read_from_start(topic, 500)], records)


for name in (None, "gzip", "snappy", "lz4", "zstd"):
    codec_case(name)


@async_case("headers, null and empty keys and values")
async def contents(admin):
    topic = await create(admin, "contents")
    headers = [("trace", b"1"), ("trace", b"2"), ("empty", b"")]
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as client:
        await client.send_and_wait(topic, key=None, value=b"v", headers=headers)
        await client.send_and_wait(topic, key=b"k", value=None)
        await client.send_and_wait(topic, key=b"", value=b"")
    found = await read_from_start(topic, 3)
    equal(list(found[0].headers), headers)
    equal([(m.key, m.value) for m in found], [(None, b"v"), (b"k", None), (b"", b"")])


@async_case("1 MiB record")
async def large(admin):
    topic = await create(admin, "large", **{"max.message.bytes": "2097152"})
    value = bytes(range(256)) * 4096
    await send(topic, [(None, value)], max_request_size=2097152)
    equal((await read_from_start(topic, 1))[0].value, value)


@async_case("batches larger than every fetch limit arrive whole")
async def larger_than_limits(admin):
    topic = await create(admin, "limits")
    records = [(None, b"%06d" % n + b"x" * 4000) for n in range(200)]
    await send(topic, records, max_batch_size=500_000)
    found = await read_from_start(topic, 200, max_partition_fetch_bytes=1024, fetch_max_bytes=1024)
    equal([m.value for m in found], [value for _, value in records])


@async_case("idempotent producer: in order, none twice")
async def idempotent(admin):
    topic = await create(admin, "idempotent")
    records = [(None, b"%d" % n) for n in range(2000)]
    equal(await send(topic, records, enable_idempotence=True, max_batch_size=500), list(range(2000)))
    equal([m.value for m in await read_from_start(topic, 2000)], [value for _, value in records])


@async_case("seek by time; beginning and end offsets")
async def by_time(admin):
    topic = await create(admin, "time")
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as client:
        for n in range(100):
            await client.send(topic, b"%d" % n, partition=0, timestamp_ms=1_700_000_000_000 + n * 1000)
    part = TopicPartition(topic, 0)
    async with consumer() as reader:
        found = (await reader.offsets_for_times({part: 1_700_000_000_000 + 41_500}))[part]
        equal((found.offset, found.timestamp), (42, 1_700_000_042_000))
        equal(await reader.beginning_offsets([part]), {part: 0})
        equal(await reader.end_offsets([part]), {part: 100})


@async_case("acks 0 and 1")
async def acks(admin):
    topic = await create(admin, "acks")
    await send(topic, [(None, b"one")], acks=1)
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, acks=0) as client:
        await client.send_and_wait(topic, b"zero", partition=0)
    equal([m.value for m in await read_from_start(topic, 2)], [b"one", b"zero"])


@async_case("read committed and uncommitted")
async def isolation(admin):
    topic = await create(admin, "isolation")
    await send(topic, [(None, b"%d" % n) for n in range(100)])
    for level in ("read_committed", "read_uncommitted"):
        found = await read_from_start(topic, 100, isolation_level=level)
        equal([m.offset for m in found], list(range(100)))


@async_case("long poll: what is sent while a fetch waits arrives")
async def long_poll(admin):
    topic = await create(admin, "poll")
    async with consumer(fetch_max_wait_ms=20000) as client:
        client.assign([TopicPartition(topic, 0)])
        await client.seek_to_beginning()
        for n in range(3):
            equal(await client.getmany(timeout_ms=300), {})
            await send(topic, [(None, b"%d" % n)])
            equal([m.value for m in await read(client, 1)], [b"%d" % n])


@async_case("fetches of many partitions")
async def many_partitions(admin):
    topic = await create(admin, "many", partitions=60)
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as client, consumer() as reader:
        reader.assign([TopicPartition(topic, n) for n in range(60)])
        await reader.seek_to_beginning()
        for turn, parts in enumerate((range(60), (3, 41), range(0, 60, 7))):
            for part in parts:
                await client.send_and_wait(topic, b"%d" % turn, partition=part)
            found = await read(reader, len(parts))
            wanted = sorted((part, b"%d" % turn) for part in parts)
            equal(sorted((m.partition, m.value) for m in found), wanted)
        reader.pause(TopicPartition(topic, 3))
        for part in (3, 4):
            await client.send_and_wait(topic, b"paused", partition=part)
        equal([m.partition for m in await read(reader, 1)], [4])
        reader.resume(TopicPartition(topic, 3))
        equal([m.partition for m in await read(reader, 1)], [3])


@async_case("lag by the client: high water mark and position")
async def lag(admin):
    topic = await create(admin, "lag")
    part = TopicPartition(topic, 0)
    await send(topic, [(None, b"%d" % n) for n in range(10)])
    async with consumer() as client:
        client.assign([part])
        await client.seek_to_beginning()
        await read(client, 4)
        equal(client.highwater(part) - await client.position(part), 6)
        equal(client.last_stable_offset(part), 10)


@async_case("committed offsets are resumed")
async def resume(admin):
    topic, group = await create(admin, "resume"), unique("group")
    await send(topic, [(None, b"%d" % n) for n in range(10)])
    async with consumer(topic, group_id=group) as first:
        await read(first, 10)
        await first.commit({TopicPartition(topic, 0): (4, "four")})
    async with consumer(topic, group_id=group) as second:
        equal([m.offset for m in await read(second, 6)], [4, 5, 6, 7, 8, 9])


def rebalance_case(name, assignor):
    @async_case(f"group with rebalance: {name}")
    async def run(admin):
        topic, group = await create(admin, "rebalance", partitions=4), unique("group")
        config = {"group_id": group, "partition_assignment_strategy": [assignor], "heartbeat_interval_ms": 500}
        async with consumer(topic, **config) as first:
            await eventually(lambda: len(first.assignment()) == 4)
            async with consumer(topic, **config) as second:
                await eventually(lambda: (len(first.assignment()), len(second.assignment())) == (2, 2))
                owned = {p.partition for p in first.assignment() | second.assignment()}
                equal(owned, {0, 1, 2, 3})
            await eventually(lambda: len(first.assignment()) == 4)


rebalance_case("range", RangePartitionAssignor)
rebalance_case("roundrobin", RoundRobinPartitionAssignor)
rebalance_case("sticky", StickyPartitionAssignor)


@async_case("static member keeps its partitions over a restart")
async def static_member(admin):
    topic, group = await create(admin, "static", partitions=4), unique("group")
    for _ in range(2):
        async with consumer(topic, group_id=group, group_instance_id="it") as client:
            await eventually(lambda: len(client.assignment()) == 4)


@async_case("admin: topics, partitions and records")
async def admin_topics(admin):
    topic = await create(admin, "admin", partitions=2)
    await admin.create_partitions({topic: NewPartitions(5)})
    equal(topic in await admin.list_topics(), True)
    described = (await admin.describe_topics([topic]))[0]
    equal((described["topic"], len(described["partitions"])), (topic, 5))
    await send(topic, [(None, b"x")] * 10)
    part = TopicPartition(topic, 0)
    equal(await admin.delete_records({part: RecordsToDelete(6)}), {part: 6})
    await admin.delete_topics([topic])
    equal(topic in await admin.list_topics(), False)


@async_case("admin: configs")
async def admin_configs(admin):
    topic = await create(admin, "configs", **{"retention.ms": "3600000"})
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": None})
    response = (await admin.describe_configs([resource]))[0]
    entries = {entry[0]: entry[1] for entry in response.resources[0][4]}
    equal(entries, {"retention.ms": "3600000"})
    # The client replaces all of them: it knows no other call.
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "7200000"})])
    response = (await admin.describe_configs([resource]))[0]
    equal({entry[0]: entry[1] for entry in response.resources[0][4]}, {"retention.ms": "7200000"})


@async_case("admin: cluster and coordinator")
async def admin_cluster(admin):
    described = await admin.describe_cluster()
    equal(len(described["brokers"]), 1)
    equal(await admin.find_coordinator(unique("group")), described["controller_id"])


@async_case("admin: groups")
async def admin_groups(admin):
    topic, group = await create(admin, "groups"), unique("group")
    await send(topic, [(None, b"x")] * 10)
    part = TopicPartition(topic, 0)
    async with consumer(topic, group_id=group) as member:
        await read(member, 10)
        await member.commit({part: 7})
        listed = [entry[0] for entry in await admin.list_consumer_groups()]
        equal(group in listed, True)
        described = (await admin.describe_consumer_groups([group]))[0].groups[0]
        equal((described[2], described[3]), ("Stable", "consumer"))
    offsets = await admin.list_consumer_group_offsets(group)
    equal(offsets[part].offset, 7)


@async_case("topic deleted and created again works at once")
async def recreate(admin):
    topic = await create(admin, "again")
    for turn in range(3):
        value = b"turn %d" % turn
        equal(await send(topic, [(None, value)]), [0])
        equal([m.value for m in await read_from_start(topic, 1)], [value])
        await admin.delete_topics([topic])
        response = await admin.create_topics([NewTopic(topic, 1, 1)])
        equal([error[1] for error in response.topic_errors], [0])


if __name__ == "__main__":
    cases.main()
