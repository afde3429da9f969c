"""The server is killed while each Python client is at work, and started again."""

import asyncio
import sys

import aiokafka
import cases
import confluent_kafka
import kafka
from cases import BOOTSTRAP, case, equal, eventually, unique
from confluent_kafka.admin import AdminClient, NewTopic

ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})
COUNT = 3000
VALUES = [b"%d" % n for n in range(COUNT)]


def restart():
    """Has the server killed and started again."""
    print('{"ask": "restart"}', flush=True)
    equal(sys.stdin.readline(), "done\n")


def create():
    topic = unique("restart")
    ADMIN.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    return topic


def check(topic, read):
    """The log holds each record once, in order; a group that had to rebalance may read some again, but misses none."""
    reader = confluent_kafka.Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": unique("check")})
    reader.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
    found = []
    while len(found) < reader.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=30)[1]:
        found.extend(message.value() for message in reader.consume(500, timeout=0.2))
    reader.close()
    equal(found, VALUES)
    equal(set(read), set(VALUES))


def is_due(n):
    """Every thousand records, when some are acknowledged and some are on their way."""
    return n % 1000 == 500


def confluent_case(protocol):
    @case(f"confluent-kafka: none lost, none twice, in order: {protocol} group")
    def run():
        topic, delivered, read = create(), [], []
        config = {"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "batch.num.messages": 50, "linger.ms": 1}
        group = {"group.id": unique("group"), "group.protocol": protocol, "auto.offset.reset": "earliest"}
        producer = confluent_kafka.Producer({**config, "reconnect.backoff.max.ms": 500})
        consumer = confluent_kafka.Consumer({"bootstrap.servers": BOOTSTRAP, "reconnect.backoff.max.ms": 500, **group})
        consumer.subscribe([topic])

        def on_delivery(error, message):
            delivered.append(message.offset() if error is None else error)

        def take(seconds):
            message = consumer.poll(seconds)
            if message is not None and message.error() is None:
                read.append(message.value())

        for n, value in enumerate(VALUES):
            producer.produce(topic, value=value, partition=0, on_delivery=on_delivery)
            if is_due(n):
                eventually(lambda n=n: len(delivered) >= n - 250, step=lambda: producer.poll(0.05))
                restart()
            if n % 10 == 0:
                take(0)
        equal(producer.flush(40), 0)
        equal(delivered, list(range(COUNT)))
        eventually(lambda: len(set(read)) >= COUNT, step=lambda: take(0.1))
        consumer.close()
        check(topic, read)

    return run


confluent_case("classic")
confluent_case("consumer")


@case("kafka-python: none lost, none twice, in order: classic group")
def kafka_python():
    topic, futures, read = create(), [], []
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=BOOTSTRAP, group_id=unique("group"), auto_offset_reset="earliest"
    )
    producer = kafka.KafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True, batch_size=500, linger_ms=1)

    def take(ms):
        for batch in consumer.poll(ms).values():
            read.extend(message.value for message in batch)

    # In long polls: the client forgets an assignment that comes as a poll ends.
    eventually(consumer.assignment, step=lambda: take(1000))
    for n, value in enumerate(VALUES):
        futures.append(producer.send(topic, value=value, partition=0))
        if is_due(n):
            futures[n - 250].get(30)
            restart()
        if n % 100 == 0:
            take(0)
    producer.flush(40)
    equal([future.get(30).offset for future in futures], list(range(COUNT)))
    eventually(lambda: len(set(read)) >= COUNT, step=lambda: take(1000))
    producer.close()
    consumer.close()
    check(topic, read)


@case("aiokafka: none lost, none twice, in order: classic group")
def aiokafka_restart():
    asyncio.run(aiokafka_over_restarts())


async def aiokafka_over_restarts():
    topic, futures = create(), []
    config = {"bootstrap_servers": BOOTSTRAP, "retry_backoff_ms": 100}
    reader = aiokafka.AIOKafkaConsumer(topic, group_id=unique("group"), auto_offset_reset="earliest", **config)
    writer = aiokafka.AIOKafkaProducer(enable_idempotence=True, max_batch_size=500, linger_ms=1, **config)

    async def take():
        read = set()
        while len(read) < COUNT:
            read.add((await reader.getone()).value)
        return read

    async with reader, writer:
        taking = asyncio.create_task(take())
        for n, value in enumerate(VALUES):
            futures.append(await writer.send(topic, value=value, partition=0))
            if is_due(n):
                await futures[n - 250]
                await asyncio.to_thread(restart)
        equal([(await future).offset for future in futures], list(range(COUNT)))
        read = await asyncio.wait_for(taking, 40)
    check(topic, read)


if __name__ == "__main__":
    cases.main()
