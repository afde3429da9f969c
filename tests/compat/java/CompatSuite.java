import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Apache Kafka's own Java clients: records. Groups and administration are in files of their own. */
final class CompatSuite {
    private CompatSuite() {}

    public static void main(String[] arguments) {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Cases.add("produce and consume: " + codec, () -> codec(codec));
        }
        Cases.add("headers, null and empty keys and values", CompatSuite::contents);
        Cases.add("1 MiB record", CompatSuite::large);
        Cases.add("record over the topic's limit is refused", CompatSuite::tooLarge);
        Cases.add("batches larger than every fetch limit arrive whole", CompatSuite::largerThanLimits);
        Cases.add("idempotent producer: in order, none twice", CompatSuite::idempotent);
        Cases.add("log append time", CompatSuite::logAppendTime);
        Cases.add("seek by time; beginning and end offsets", CompatSuite::byTime);
        Cases.add("read committed", CompatSuite::readCommitted);
        Cases.add("topic deleted and created again works at once", AdminCases::recreate);
        FetchCases.register();
        GroupCases.register();
        MigrationCases.register();
        AdminCases.register();
        Cases.run(arguments.length > 0 ? arguments[0] : "");
    }

    private static void codec(String codec) throws Exception {
        String topic = Clients.create("codec");
        List<byte[]> values = Clients.numbered(0, 2000);
        List<Long> offsets = Clients.send(topic, values, Map.of("compression.type", codec, "linger.ms", 5));
        Cases.equal(offsets, LongStream.range(0, 2000).boxed().toList());
        Cases.equal(Clients.values(Clients.readFromStart(topic, 2000, Map.of())), Clients.texts(values));
    }

    private static void contents() throws Exception {
        String topic = Clients.create("contents");
        try (KafkaProducer<byte[], byte[]> producer = Clients.producer(Map.of())) {
            ProducerRecord<byte[], byte[]> first = new ProducerRecord<>(topic, 0, null, "v".getBytes());
            first.headers().add("trace", "1".getBytes()).add("trace", null).add("empty", new byte[0]);
            producer.send(first).get();
            producer.send(new ProducerRecord<>(topic, 0, "k".getBytes(), null)).get();
            producer.send(new ProducerRecord<>(topic, 0, new byte[0], new byte[0])).get();
        }
        List<ConsumerRecord<byte[], byte[]>> found = Clients.readFromStart(topic, 3, Map.of());
        Cases.equal(Clients.values(found), Arrays.asList("v", null, ""));
        Cases.equal(found.get(0).key(), null);
        Cases.equal(found.get(2).key().length, 0);
        StringBuilder headers = new StringBuilder();
        found.get(0)
                .headers()
                .forEach(h -> headers.append(h.key()).append('=').append(Arrays.toString(h.value())).append(' '));
        Cases.equal(headers.toString(), "trace=[49] trace=null empty=[] ");
    }

    private static void large() throws Exception {
        String topic = Clients.create("large", 1, Map.of("max.message.bytes", "2097152"));
        byte[] value = new byte[1 << 20];
        Arrays.fill(value, (byte) 'x');
        Clients.send(topic, List.of(value), Map.of("max.request.size", 2097152));
        Cases.equal(Arrays.equals(Clients.readFromStart(topic, 1, Map.of()).get(0).value(), value), true);
    }

    private static void tooLarge() throws Exception {
        String topic = Clients.create("refused", 1, Map.of("max.message.bytes", "1000"));
        AdminCases.failsWith(
                org.apache.kafka.common.errors.RecordTooLargeException.class,
                () -> Clients.send(topic, List.of(new byte[2000]), Map.of()));
    }

    private static void largerThanLimits() throws Exception {
        String topic = Clients.create("limits");
        List<byte[]> values = Collections.nCopies(200, new byte[4000]);
        Clients.send(topic, values, Map.of("batch.size", 500_000, "linger.ms", 100));
        Map<String, Object> limits = Map.of("max.partition.fetch.bytes", 1024, "fetch.max.bytes", 1024);
        Clients.readFromStart(topic, 200, limits);
    }

    private static void idempotent() throws Exception {
        String topic = Clients.create("idempotent");
        List<byte[]> values = Clients.numbered(0, 5000);
        Map<String, Object> config = Map.of("enable.idempotence", true, "batch.size", 500);
        Cases.equal(Clients.send(topic, values, config), LongStream.range(0, 5000).boxed().toList());
        Cases.equal(Clients.values(Clients.readFromStart(topic, 5000, Map.of())), Clients.texts(values));
    }

    private static void logAppendTime() throws Exception {
        String topic = Clients.create("append", 1, Map.of("message.timestamp.type", "LogAppendTime"));
        try (KafkaProducer<byte[], byte[]> producer = Clients.producer(Map.of())) {
            producer.send(new ProducerRecord<>(topic, 0, 1000L, null, "x".getBytes())).get();
        }
        ConsumerRecord<byte[], byte[]> found = Clients.readFromStart(topic, 1, Map.of()).get(0);
        Cases.equal(found.timestampType().name, "LogAppendTime");
        Cases.equal(found.timestamp() > 1_600_000_000_000L, true);
    }

    private static void byTime() throws Exception {
        String topic = Clients.create("time");
        long start = 1_700_000_000_000L;
        try (KafkaProducer<byte[], byte[]> producer = Clients.producer(Map.of("linger.ms", 5))) {
            for (int n = 0; n < 100; n++) {
                producer.send(new ProducerRecord<>(topic, 0, start + n * 1000L, null, new byte[] {1}));
            }
        }
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, Map.of())) {
            Cases.equal(consumer.offsetsForTimes(Map.of(partition, start + 41_500)).get(partition).offset(), 42L);
            Cases.equal(consumer.offsetsForTimes(Map.of(partition, start + 200_000)).get(partition), null);
            Cases.equal(consumer.beginningOffsets(List.of(partition)).get(partition), 0L);
            Cases.equal(consumer.endOffsets(List.of(partition)).get(partition), 100L);
        }
    }

    private static void readCommitted() throws Exception {
        String topic = Clients.create("committed");
        Clients.send(topic, Clients.numbered(0, 100), Map.of());
        Clients.readFromStart(topic, 100, Map.of("isolation.level", "read_committed"));
    }
}
