// The server is killed while kafkajs is at work, and started again.
'use strict';

const readline = require('node:readline');
const { Kafka, logLevel } = require('kafkajs');
const { BOOTSTRAP, assert, eventually, main, test, unique } = require('./cases');

const COUNT = 300;
const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 60 };
const kafka = new Kafka({ clientId: 'restart', brokers: [BOOTSTRAP], logLevel: logLevel.NOTHING, retry });
const harness = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the server killed and started again. */
async function restart() {
  console.log('{"ask": "restart"}');
  assert.equal((await harness.next()).value, 'done');
}

test('kafkajs: none lost, none twice, in order: classic group', async () => {
  const topic = unique('restart');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] });
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: unique('group'), retry });
  const read = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      read.push(message.value.toString());
    },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry });
  await producer.connect();
  for (let n = 0; n < COUNT; n += 1) {
    const sending = producer.send({ topic, messages: [{ partition: 0, value: `${n}` }] });
    // The record is on its way while the server goes.
    if (n % 100 === 50) await restart();
    await sending;
  }
  await producer.disconnect();
  await admin.connect();
  const [{ high }] = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  await eventually(() => new Set(read).size >= COUNT, 'all messages');
  await consumer.disconnect();
  // A group that has to rebalance may read some again; the offsets below say that the log holds each once.
  assert.deepEqual([...new Set(read)], Array.from({ length: COUNT }, (_, n) => `${n}`));
  assert.equal(high, `${COUNT}`);
});

main();
