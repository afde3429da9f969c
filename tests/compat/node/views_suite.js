// Views, read by kafkajs: what the harness put into them is written in `src/views.rs`.
'use strict';

const { Kafka, logLevel } = require('kafkajs');
const { BOOTSTRAP, assert, eventually, main, test, unique } = require('./cases');

const COUNT = 3000;
const FIRST_MS = 1_700_000_000_000;
const KEPT = [250, 750, 1250, 1750, 2250, 2750];

const kafka = new Kafka({ clientId: 'views', brokers: [BOOTSTRAP], logLevel: logLevel.ERROR });
const admin = kafka.admin();

/** A consumer of one view, which keeps what it reads and the offset that it has come to. */
async function follow(topic, groupId = unique('views')) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
  const reader = { consumer, messages: [], last: -1 };
  consumer.on(consumer.events.FETCH, () => {});
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    reader.last = Number(payload.lastOffset);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      reader.messages.push({ offset: Number(message.offset), value: message.value.toString() });
    },
  });
  return reader;
}

test('kafkajs: what the view keeps, at its own offsets', async () => {
  const reader = await follow('views-few');
  await eventually(() => reader.messages.length >= KEPT.length, 'the kept messages');
  await reader.consumer.disconnect();
  assert.deepEqual(reader.messages, KEPT.map((offset) => ({ offset, value: `keep ${offset}` })));
});

test('kafkajs: a view over a view', async () => {
  const reader = await follow('views-capitals');
  await eventually(() => reader.messages.length >= KEPT.length, 'the kept messages');
  await reader.consumer.disconnect();
  assert.deepEqual(reader.messages, KEPT.map((offset) => ({ offset, value: `KEEP ${offset}` })));
});

test('kafkajs: a reader comes to the end of what is left out', async () => {
  // The group commits where it stands, though there was no message to process.
  const reader = await follow('views-few');
  await eventually(() => reader.messages.length >= KEPT.length, 'the kept messages');
  await eventually(() => reader.last === COUNT - 1, 'the end of what is left out after them');
  await reader.consumer.disconnect();
});

test('kafkajs: a group commits in a view, and goes on', async () => {
  const groupId = unique('views');
  const first = await follow('views-few', groupId);
  await eventually(() => first.messages.length >= 3, 'three messages');
  await first.consumer.commitOffsets([{ topic: 'views-few', partition: 0, offset: `${KEPT[2] + 1}` }]);
  await first.consumer.disconnect();
  const second = await follow('views-few', groupId);
  await eventually(() => second.messages.length >= 3, 'the other three');
  await second.consumer.disconnect();
  assert.deepEqual(second.messages.map((m) => m.offset), KEPT.slice(3));
});

test("kafkajs: offsets and times of a view are its source's", async () => {
  await admin.connect();
  const [{ low, high }] = await admin.fetchTopicOffsets('views-few');
  assert.deepEqual([low, high], ['0', `${COUNT}`]);
  const [found] = await admin.fetchTopicOffsetsByTimestamp('views-few', FIRST_MS + 41_500);
  assert.equal(found.offset, '42');
  await admin.disconnect();
});

test('kafkajs: what comes while a reader waits', async () => {
  const marker = unique('keep');
  const reader = await follow('views-live-few');
  const drop = Array.from({ length: 200 }, () => ({ value: 'drop' }));
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'views-live', messages: [...drop, { value: marker }, ...drop] });
  await producer.disconnect();
  await eventually(() => reader.messages.some((m) => m.value === marker), 'the message');
  await reader.consumer.disconnect();
  assert.ok(reader.messages.every((m) => m.value.startsWith('keep')));
});

main();
