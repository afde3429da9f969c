// kafkajs: pure JavaScript, a protocol implementation of its own.
'use strict';

const { CompressionTypes, Kafka, logLevel } = require('kafkajs');
const { BOOTSTRAP, assert, eventually, main, test, unique } = require('./cases');
const codecs = require('./codecs');

const kafka = new Kafka({ clientId: 'compat', brokers: [BOOTSTRAP], logLevel: logLevel.ERROR });
const admin = kafka.admin();

async function create(prefix, numPartitions = 1, config = {}) {
  const topic = unique(prefix);
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] });
  return topic;
}

async function send(topic, messages, { compression, ...config } = {}) {
  const producer = kafka.producer(config);
  await producer.connect();
  const placed = messages.map((message) => ({ partition: 0, ...message }));
  const [first] = await producer.send({ topic, messages: placed, compression });
  await producer.disconnect();
  return Number(first.baseOffset);
}

/** Reads so many messages of a topic from its beginning, or from where the group stands. */
async function read(topic, count, { groupId = unique('group'), commit = false, ...config } = {}) {
  const consumer = kafka.consumer({ groupId, ...config });
  const messages = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: commit,
    eachMessage: async ({ message }) => {
      messages.push(message);
    },
  });
  await eventually(() => messages.length >= count, `${count} messages`);
  if (commit) await consumer.stop();
  await consumer.disconnect();
  assert.equal(messages.length, count);
  return messages;
}

const text = (buffer) => (buffer === null ? null : buffer.toString());

for (const [name, compression] of Object.entries(CompressionTypes)) {
  test(`produce and consume: ${name.toLowerCase()}`, async () => {
    const topic = await create('codec');
    const messages = Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, value: `value ${n} `.repeat(20) }));
    assert.equal(await send(topic, messages, { compression }), 0);
    const found = await read(topic, 500);
    assert.deepEqual(found.map((m) => ({ key: text(m.key), value: text(m.value) })), messages);
  });
}

test('headers', async () => {
  const topic = await create('headers');
  await send(topic, [{ value: 'x', headers: { trace: ['1', '2'], empty: '' } }]);
  const [{ headers }] = await read(topic, 1);
  assert.deepEqual(headers.trace.map(text), ['1', '2']);
  assert.equal(text(headers.empty), '');
});

test('null and empty keys and values', async () => {
  const topic = await create('null');
  const messages = [
    { key: null, value: 'v' },
    { key: 'k', value: null },
    { key: '', value: '' },
  ];
  await send(topic, messages);
  const found = await read(topic, 3);
  assert.deepEqual(found.map((m) => ({ key: text(m.key), value: text(m.value) })), messages);
});

test('1 MiB record', async () => {
  const topic = await create('large', 1, { 'max.message.bytes': '2097152' });
  const value = Buffer.alloc(1024 * 1024, 'abcdefg');
  await send(topic, [{ value }]);
  const [message] = await read(topic, 1);
  assert.ok(message.value.equals(value));
});

test('batches larger than every fetch limit arrive whole', async () => {
  const topic = await create('limits');
  const messages = Array.from({ length: 100 }, (_, n) => ({ value: `${n}`.padEnd(4000, 'x') }));
  await send(topic, messages);
  const found = await read(topic, 100, { maxBytesPerPartition: 1024, maxBytes: 1024 });
  assert.deepEqual(found.map((m) => text(m.value)), messages.map((m) => m.value));
});

test('idempotent producer: in order, none twice', async () => {
  const topic = await create('idempotent');
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let n = 0; n < 50; n += 1) {
    await producer.send({ topic, messages: [{ partition: 0, value: `${n}` }] });
  }
  await producer.disconnect();
  const found = await read(topic, 50);
  assert.deepEqual(found.map((m) => text(m.value)), Array.from({ length: 50 }, (_, n) => `${n}`));
});

test('acks 0 and 1', async () => {
  const topic = await create('acks');
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, acks: 1, messages: [{ partition: 0, value: 'one' }] });
  await producer.send({ topic, acks: 0, messages: [{ partition: 0, value: 'zero' }] });
  const found = await read(topic, 2);
  await producer.disconnect();
  assert.deepEqual(found.map((m) => text(m.value)), ['one', 'zero']);
});

test('read committed and uncommitted', async () => {
  const topic = await create('isolation');
  await send(topic, Array.from({ length: 100 }, (_, n) => ({ value: `${n}` })));
  for (const readUncommitted of [false, true]) {
    const found = await read(topic, 100, { readUncommitted });
    assert.deepEqual(found.map((m) => Number(m.offset)), Array.from({ length: 100 }, (_, n) => n));
  }
});

/** A consumer of one topic, from its beginning, that keeps what it reads and the lag of each batch. */
async function follow(topic, config = {}) {
  const consumer = kafka.consumer({ groupId: unique('group'), ...config });
  const reader = { consumer, messages: [], lags: [] };
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      reader.lags.push(Number(batch.offsetLag()));
      reader.messages.push(...batch.messages.map((m) => ({ partition: batch.partition, value: text(m.value) })));
    },
  });
  return reader;
}

test('long poll: what is sent while a fetch waits arrives', async () => {
  const topic = await create('poll');
  const reader = await follow(topic, { maxWaitTimeInMs: 20_000 });
  for (let n = 0; n < 3; n += 1) {
    await send(topic, [{ value: `${n}` }]);
    await eventually(() => reader.messages.length === n + 1, `message ${n}`);
  }
  await reader.consumer.disconnect();
  assert.deepEqual(reader.messages.map((m) => m.value), ['0', '1', '2']);
});

test('fetches of many partitions', async () => {
  const topic = await create('many', 60);
  const reader = await follow(topic);
  const all = Array.from({ length: 60 }, (_, n) => n);
  for (const [turn, parts] of [all, [3, 41], all.filter((n) => n % 7 === 0)].entries()) {
    reader.messages.length = 0;
    await send(topic, parts.map((partition) => ({ partition, value: `${turn}` })));
    await eventually(() => reader.messages.length >= parts.length, `turn ${turn}`);
    assert.deepEqual(reader.messages.map((m) => m.partition).sort((a, b) => a - b), parts);
  }
  reader.messages.length = 0;
  reader.consumer.pause([{ topic, partitions: [3] }]);
  await send(topic, [3, 4].map((partition) => ({ partition, value: 'paused' })));
  await eventually(() => reader.messages.length >= 1, 'what is not paused');
  assert.deepEqual(reader.messages.map((m) => m.partition), [4]);
  reader.consumer.resume([{ topic, partitions: [3] }]);
  await eventually(() => reader.messages.length === 2, 'what was paused');
  await reader.consumer.disconnect();
});

test('lag by the client', async () => {
  const topic = await create('lag');
  for (let n = 0; n < 5; n += 1) await send(topic, [{ value: 'x'.repeat(2000) }]);
  const reader = await follow(topic, { maxBytesPerPartition: 2048 });
  await eventually(() => reader.messages.length === 5, 'all messages');
  await reader.consumer.disconnect();
  assert.equal(reader.lags.at(-1), 0);
  assert.ok(reader.lags[0] > 0, `lags ${reader.lags}`);
});

test('a regular expression names the topics', async () => {
  const prefix = unique('pattern');
  const names = ['a', 'b'].map((end) => `${prefix}-${end}`);
  await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 1, replicationFactor: 1 })) });
  for (const name of names) await send(name, [{ value: name }]);
  const consumer = kafka.consumer({ groupId: unique('group') });
  const found = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [new RegExp(`^${prefix}-`)], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      found.push(text(message.value));
    },
  });
  await eventually(() => found.length === 2, 'a message of each');
  await consumer.disconnect();
  assert.deepEqual(found.sort(), names);
});

test('committed offsets are resumed', async () => {
  const topic = await create('resume');
  const groupId = unique('group');
  await send(topic, Array.from({ length: 4 }, (_, n) => ({ value: `${n}` })));
  await read(topic, 4, { groupId, commit: true });
  await send(topic, Array.from({ length: 6 }, (_, n) => ({ value: `${n + 4}` })));
  const found = await read(topic, 6, { groupId });
  assert.deepEqual(found.map((m) => Number(m.offset)), [4, 5, 6, 7, 8, 9]);
});

test('seek by time', async () => {
  const topic = await create('time');
  const start = 1_700_000_000_000;
  await send(topic, Array.from({ length: 100 }, (_, n) => ({ value: `${n}`, timestamp: `${start + n * 1000}` })));
  const [found] = await admin.fetchTopicOffsetsByTimestamp(topic, start + 41_500);
  assert.equal(found.offset, '42');
  const [offsets] = await admin.fetchTopicOffsets(topic);
  assert.deepEqual([offsets.low, offsets.high], ['0', '100']);
});

test('seek while consuming', async () => {
  const topic = await create('seek');
  await send(topic, Array.from({ length: 10 }, (_, n) => ({ value: `${n}` })));
  const consumer = kafka.consumer({ groupId: unique('group') });
  const offsets = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      offsets.push(Number(message.offset));
    },
  });
  consumer.seek({ topic, partition: 0, offset: '7' });
  await eventually(() => offsets.includes(9), 'the last message');
  await consumer.disconnect();
  assert.deepEqual(offsets.slice(-3), [7, 8, 9]);
});

test('group with rebalance', async () => {
  const topic = await create('rebalance', 4);
  const groupId = unique('group');
  const join = async () => {
    const consumer = kafka.consumer({ groupId, heartbeatInterval: 500, sessionTimeout: 10_000 });
    const member = { consumer, owned: [] };
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      member.owned = payload.memberAssignment[topic] ?? [];
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ eachMessage: async () => {} });
    return member;
  };
  const first = await join();
  await eventually(() => first.owned.length === 4, 'one member owns all');
  const second = await join();
  await eventually(() => first.owned.length === 2 && second.owned.length === 2, 'two members share');
  assert.deepEqual([...first.owned, ...second.owned].sort(), [0, 1, 2, 3]);
  await second.consumer.disconnect();
  await eventually(() => first.owned.length === 4, 'the last member owns all');
  await first.consumer.disconnect();
});

test('admin: topics, partitions, records', async () => {
  const topic = await create('admin', 2);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
  assert.ok((await admin.listTopics()).includes(topic));
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  assert.equal(topics[0].partitions.length, 5);
  await send(topic, Array.from({ length: 10 }, () => ({ value: 'x' })));
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
  const offsets = await admin.fetchTopicOffsets(topic);
  assert.equal(offsets.find((entry) => entry.partition === 0).low, '6');
  await admin.deleteTopics({ topics: [topic] });
  await eventually(async () => !(await admin.listTopics()).includes(topic), 'the topic is gone');
});

test('admin: configs', async () => {
  const topic = await create('configs', 1, { 'retention.ms': '3600000' });
  const resource = { type: 2, name: topic };
  const value = async () => {
    const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
    return resources[0].configEntries.find((entry) => entry.configName === 'retention.ms').configValue;
  };
  assert.equal(await value(), '3600000');
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '7200000' }] }],
  });
  assert.equal(await value(), '7200000');
});

test('admin: groups', async () => {
  const topic = await create('groups');
  const groupId = unique('group');
  await send(topic, Array.from({ length: 10 }, () => ({ value: 'x' })));
  await read(topic, 10, { groupId, commit: true });
  const { groups } = await admin.listGroups();
  assert.ok(groups.some((group) => group.groupId === groupId));
  const described = await admin.describeGroups([groupId]);
  assert.equal(described.groups[0].state, 'Empty');
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }] });
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
  assert.equal(partitions[0].offset, '2');
  await admin.resetOffsets({ groupId, topic, earliest: true });
  const [{ partitions: reset }] = await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true });
  assert.equal(reset[0].offset, '0');
  await admin.deleteGroups([groupId]);
  assert.ok(!(await admin.listGroups()).groups.some((group) => group.groupId === groupId));
});

test('admin: cluster', async () => {
  const { brokers, controller, clusterId } = await admin.describeCluster();
  assert.equal(brokers.length, 1);
  assert.equal(`${brokers[0].host}:${brokers[0].port}`, BOOTSTRAP);
  assert.equal(controller, brokers[0].nodeId);
  assert.ok(clusterId);
});

test('topic deleted and created again works at once', async () => {
  const topic = await create('again');
  for (let turn = 0; turn < 3; turn += 1) {
    assert.equal(await send(topic, [{ value: `turn ${turn}` }]), 0);
    const [message] = await read(topic, 1);
    assert.equal(text(message.value), `turn ${turn}`);
    await admin.deleteTopics({ topics: [topic] });
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] });
  }
});

codecs
  .register()
  .then(() => admin.connect())
  .then(main);
