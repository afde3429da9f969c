import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** The server is killed while the Java clients are at work, and started again. */
final class RestartSuite {
    private static final BufferedReader HARNESS = new BufferedReader(new InputStreamReader(System.in));
    private static final int COUNT = 3000;

    private RestartSuite() {}

    public static void main(String[] arguments) {
        for (String protocol : List.of("classic", "consumer")) {
            Cases.add("Java: none lost, none twice, in order: " + protocol + " group", () -> overRestarts(protocol));
        }
        Cases.run(arguments.length > 0 ? arguments[0] : "");
    }

    /** Has the server killed and started again. */
    private static void restart() throws Exception {
        System.out.println("{\"ask\": \"restart\"}");
        System.out.flush();
        Cases.equal(HARNESS.readLine(), "done");
    }

    private static void overRestarts(String protocol) throws Exception {
        String topic = Clients.create("restart");
        Map<String, Object> config = new HashMap<>(Map.of("group.protocol", protocol));
        String group = Cases.unique("group");
        Progress progress = new Progress();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        Map<String, Object> idempotent = Map.of("enable.idempotence", true, "batch.size", 500, "linger.ms", 1);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(group, config);
                KafkaProducer<byte[], byte[]> producer = Clients.producer(idempotent)) {
            consumer.subscribe(List.of(topic));
            for (int n = 0; n < COUNT; n++) {
                sent.add(producer.send(new ProducerRecord<>(topic, 0, null, Integer.toString(n).getBytes())));
                if (n % 1000 == 500) {
                    // Some are acknowledged, some are on their way.
                    sent.get(n - 250).get();
                    restart();
                }
                if (n % 100 == 0) {
                    take(consumer, progress);
                }
            }
            producer.flush();
            Cases.eventually(
                    "all records",
                    () -> {
                        take(consumer, progress);
                        return progress.read.size() >= COUNT;
                    });
        }
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            offsets.add(one.get().offset());
        }
        Cases.equal(offsets, LongStream.range(0, COUNT).boxed().toList());
        List<String> wanted = LongStream.range(0, COUNT).mapToObj(Long::toString).toList();
        Cases.equal(Clients.values(Clients.readFromStart(topic, COUNT, Map.of())), wanted);
        Cases.equal(progress.read, Set.copyOf(wanted));
        restart();
        long stored = stored(group, new TopicPartition(topic, 0));
        if (stored < progress.committed) {
            throw new AssertionError(progress.committed + " was committed, and " + stored + " is left of it");
        }
    }

    private static long stored(String group, TopicPartition partition) throws Exception {
        return Clients.ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset();
    }

    /** What a consumer has read and committed. */
    private static final class Progress {
        final Set<String> read = new HashSet<>();

        /** One past the last record whose commit was acknowledged. */
        long committed;
    }


    /**
     * Reads some and commits them. A client may join its group again when its server was away (one that finds no
     * server forgets the topics that it knows of, and takes their return for a change), and then starts over from its
     * last commit: never before one that was acknowledged.
     */
    private static void take(KafkaConsumer<byte[], byte[]> consumer, Progress progress) {
        long next = progress.committed;
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Clients.POLL)) {
            if (record.offset() < progress.committed) {
                throw new AssertionError(progress.committed + " was committed, and " + record.offset() + " comes again");
            }
            progress.read.add(new String(record.value()));
            next = record.offset() + 1;
        }
        if (next == progress.committed) {
            return;
        }
        try {
            consumer.commitSync();
            progress.committed = next;
        } catch (CommitFailedException | RebalanceInProgressException refused) {
            // The group rebalances: what was read may come again, and is committed then.
            return;
        }
    }
}
