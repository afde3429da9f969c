"""Produces or consumes with confluent-kafka as fast as it goes, and checks every record.

Usage: load.py produce|consume BOOTSTRAP TOPIC RECORDS RECORD_SIZE BATCH_BYTES LINGER_MS

A record's value begins with its number, so that reading finds what was lost, came twice or out of order.
Prints one JSON object; exits with an error, and no figure, when the check fails.
"""

import json
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

NUMBER = 8


def produce(bootstrap, topic, records, size, batch_bytes, linger_ms):
    failed = []

    def acknowledged(error, _message):
        if error is not None:
            failed.append(error)

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "batch.size": batch_bytes,
            "batch.num.messages": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 131_072,
            "on_delivery": acknowledged,
        }
    )
    rest = bytes(index * 31 % 251 for index in range(size - NUMBER))
    begin = time.perf_counter()
    for number in range(records):
        value = number.to_bytes(NUMBER, "big") + rest
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 1000 == 0:
            producer.poll(0)
    left = producer.flush(120)
    took = time.perf_counter() - begin
    if left or failed:
        sys.exit(f"{left + len(failed)} of {records} records were not acknowledged: {failed[:3]}")
    return records / took


def consume(bootstrap, topic, records, size, _batch_bytes, _linger_ms):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.min.messages": 1_000_000,
            # By default it stops fetching for a second whenever 64 MiB wait, which a fast server brings about.
            "queued.max.messages.kbytes": 1_048_576,
            "fetch.queue.backoff.ms": 1,
        }
    )
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, index, OFFSET_BEGINNING) for index in partitions])
    last = dict.fromkeys(partitions, -1)
    count = total = 0
    begin = time.perf_counter()
    while count < records:
        # It waits for as many as it is asked for.
        messages = consumer.consume(min(10_000, records - count), 30)
        if not messages:
            sys.exit(f"{count} of {records} records came, and then none for 30 seconds")
        for message in messages:
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    continue
                sys.exit(f"consuming failed: {error}")
            value = message.value()
            number = int.from_bytes(value[:NUMBER], "big")
            partition = message.partition()
            if number <= last[partition] or len(value) != size:
                sys.exit(f"record {number} of partition {partition} came after {last[partition]}")
            last[partition] = number
            total += number
            count += 1
    took = time.perf_counter() - begin
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, index))[1] for index in partitions]
    consumer.close()
    if sum(ends) != records:
        sys.exit(f"{sum(ends)} records are stored where {records} were sent")
    # Numbers rise in each partition, so none came twice in one; count and sum tell that none came in two.
    if count != records or total != records * (records - 1) // 2:
        sys.exit(f"{count} records came where {records} were sent")
    return records / took


def main():
    what, bootstrap, topic, *numbers = sys.argv[1:]
    act = {"produce": produce, "consume": consume}[what]
    print(json.dumps({"records_per_second": act(bootstrap, topic, *map(int, numbers))}))


main()
