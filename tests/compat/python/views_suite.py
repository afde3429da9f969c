"""Views, read by each Python client: what the harness put into them is written in `src/views.rs`."""

import asyncio

import aiokafka
import cases
import confluent_kafka
import kafka
from cases import BOOTSTRAP, case, equal, eventually, unique

COUNT = 3000
FIRST_MS = 1_700_000_000_000
KEPT = list(range(250, COUNT, 500))
VALUES = [b"keep %d" % n for n in KEPT]
# Enough that a reader has to pass over them.
PASSED_OVER = 200


class Confluent:
    """librdkafka's consumer and producer."""

    name = "confluent-kafka"

    def __init__(self, topic, group=None):
        config = {"auto.offset.reset": "earliest", "enable.auto.commit": False, "check.crcs": True}
        self.consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": BOOTSTRAP, "group.id": group or unique("views"), **config}
        )
        self.part = confluent_kafka.TopicPartition(topic, 0)
        if group:
            self.consumer.subscribe([topic])
        else:
            start = confluent_kafka.OFFSET_BEGINNING
            self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, start)])

    def poll(self):
        message = self.consumer.poll(0.2)
        if message is None:
            return []
        if message.error():
            raise AssertionError(str(message.error()))
        return [(message.offset(), message.value())]

    def commit(self, offset):
        self.consumer.commit(
            offsets=[confluent_kafka.TopicPartition(self.part.topic, 0, offset)], asynchronous=False
        )

    def ends(self):
        return self.consumer.get_watermark_offsets(self.part, timeout=30)

    def at_time(self, ms):
        asked = confluent_kafka.TopicPartition(self.part.topic, 0, ms)
        return self.consumer.offsets_for_times([asked], timeout=30)[0].offset

    def close(self):
        self.consumer.close()

    @staticmethod
    def send(topic, values):
        producer = confluent_kafka.Producer({"bootstrap.servers": BOOTSTRAP})
        for value in values:
            producer.produce(topic, value)
        equal(producer.flush(30), 0)


class KafkaPython:
    """kafka-python."""

    name = "kafka-python"

    def __init__(self, topic, group=None):
        self.part = kafka.TopicPartition(topic, 0)
        config = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "check_crcs": True}
        self.consumer = kafka.KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=group, **config)
        if group:
            self.consumer.subscribe([topic])
        else:
            self.consumer.assign([self.part])
            self.consumer.seek_to_beginning()

    def poll(self):
        found = self.consumer.poll(2000, max_records=1).values()
        return [(message.offset, message.value) for batch in found for message in batch]

    def commit(self, offset):
        self.consumer.commit({self.part: kafka.structs.OffsetAndMetadata(offset, "", -1)})

    def ends(self):
        start = self.consumer.beginning_offsets([self.part])[self.part]
        return start, self.consumer.end_offsets([self.part])[self.part]

    def at_time(self, ms):
        return self.consumer.offsets_for_times({self.part: ms})[self.part].offset

    def position(self):
        return self.consumer.position(self.part)

    def close(self):
        self.consumer.close()

    @staticmethod
    def send(topic, values):
        producer = kafka.KafkaProducer(bootstrap_servers=BOOTSTRAP)
        for value in values:
            producer.send(topic, value)
        producer.close()


class Aiokafka:
    """aiokafka, on a loop of its own."""

    name = "aiokafka"

    def __init__(self, topic, group=None):
        self.loop = asyncio.new_event_loop()
        self.part = aiokafka.TopicPartition(topic, 0)
        config = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "check_crcs": True}

        async def start():
            self.consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=group, **config)
            await self.consumer.start()
            if group:
                self.consumer.subscribe([topic])
            else:
                self.consumer.assign([self.part])
                await self.consumer.seek_to_beginning()

        self.run(start())

    def run(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    def poll(self):
        found = self.run(self.consumer.getmany(timeout_ms=200, max_records=1)).values()
        return [(message.offset, message.value) for batch in found for message in batch]

    def commit(self, offset):
        self.run(self.consumer.commit({self.part: offset}))

    def ends(self):
        start = self.run(self.consumer.beginning_offsets([self.part]))[self.part]
        return start, self.run(self.consumer.end_offsets([self.part]))[self.part]

    def at_time(self, ms):
        return self.run(self.consumer.offsets_for_times({self.part: ms}))[self.part].offset

    def position(self):
        return self.run(self.consumer.position(self.part))

    def close(self):
        self.run(self.consumer.stop())
        self.loop.close()

    @staticmethod
    def send(topic, values):
        async def sending():
            async with aiokafka.AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as producer:
                for value in values:
                    await producer.send_and_wait(topic, value)

        asyncio.run(sending())


def read(reader, count):
    """Reads so many records, as (offset, value)."""
    found = []
    eventually(lambda: len(found) >= count, step=lambda: found.extend(reader.poll()))
    equal(len(found), count)
    return found


def register(client):
    name = client.name

    @case(f"{name}: what the view keeps, at its own offsets")
    def kept():
        reader = client("views-few")
        equal(read(reader, len(KEPT)), list(zip(KEPT, VALUES, strict=True)))
        reader.close()

    @case(f"{name}: a view over a view")
    def chained():
        reader = client("views-capitals")
        wanted = [(n, b"KEEP %d" % n) for n in KEPT]
        equal(read(reader, len(KEPT)), wanted)
        reader.close()

    @case(f"{name}: a reader comes to the end of what is left out")
    def left_out():
        if client is Confluent:
            return end_of_partition()
        reader = client("views-none")
        found = []
        eventually(lambda: reader.position() == COUNT, step=lambda: found.extend(reader.poll()))
        equal(found, [])
        reader.close()

    @case(f"{name}: a group commits in a view, and goes on")
    def group():
        group = unique("views")
        first = client("views-few", group)
        equal([offset for offset, _ in read(first, 3)], KEPT[:3])
        first.commit(KEPT[2] + 1)
        first.close()
        second = client("views-few", group)
        equal([offset for offset, _ in read(second, 3)], KEPT[3:])
        second.close()

    @case(f"{name}: offsets and times of a view are its source's")
    def offsets():
        reader = client("views-few")
        equal(reader.ends(), (0, COUNT))
        equal(reader.at_time(FIRST_MS + 41_500), 42)
        reader.close()

    @case(f"{name}: what comes while a reader waits")
    def live():
        marker = unique("keep").encode()
        reader = client("views-live-few")
        before = reader.poll()
        client.send("views-live", [b"drop"] * PASSED_OVER + [marker] + [b"drop"] * PASSED_OVER)
        found = [value for _, value in before]
        eventually(lambda: marker in found, step=lambda: found.extend(value for _, value in reader.poll()))
        equal([value for value in found if not value.startswith(b"keep")], [])
        reader.close()


def end_of_partition():
    """librdkafka's position is that of the last message; it says itself when it is at the end."""
    config = {"group.id": unique("views"), "enable.partition.eof": True}
    reader = confluent_kafka.Consumer({"bootstrap.servers": BOOTSTRAP, **config})
    start = confluent_kafka.OFFSET_BEGINNING
    reader.assign([confluent_kafka.TopicPartition("views-none", 0, start)])
    found = []
    eventually(lambda: found, step=lambda: found.extend(reader.consume(1, timeout=0.2)))
    equal(found[0].error() and found[0].error().code(), confluent_kafka.KafkaError._PARTITION_EOF)
    equal(found[0].offset(), COUNT)
    reader.close()


for one in (Confluent, KafkaPython, Aiokafka):
    register(one)

if __name__ == "__main__":
    cases.main()
