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
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

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
        Set<String> read = new HashSet<>();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        Map<String, Object> idempotent = Map.of("enable.idempotence", true, "batch.size", 500, "linger.ms", 1);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(Cases.unique("group"), config);
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
                    take(consumer, read);
                }
            }
            producer.flush();
            Cases.eventually(
                    "all records",
                    () -> {
                        take(consumer, read);
                        return read.size() >= COUNT;
                    });
        }
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            offsets.add(one.get().offset());
        }
        Cases.equal(offsets, LongStream.range(0, COUNT).boxed().toList());
        List<String> wanted = LongStream.range(0, COUNT).mapToObj(Long::toString).toList();
        Cases.equal(Clients.values(Clients.readFromStart(topic, COUNT, Map.of())), wanted);
        // A group that has to rebalance starts over from its last commit: nothing may be missing.
        Cases.equal(read, Set.copyOf(wanted));
    }

    private static void take(KafkaConsumer<byte[], byte[]> consumer, Set<String> read) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Clients.POLL)) {
            read.add(new String(record.value()));
        }
    }
}
