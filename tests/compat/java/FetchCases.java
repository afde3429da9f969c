import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** How records are fetched: sessions, long polls, lag, and the acknowledgements before. */
final class FetchCases {
    private FetchCases() {}

    static void register() {
        Cases.add("acks 0 and 1", FetchCases::acks);
        Cases.add("long poll: what is sent while a fetch waits arrives", FetchCases::longPoll);
        Cases.add("fetch session of many partitions", FetchCases::session);
        Cases.add("lag by the client", FetchCases::lag);
    }

    private static void acks() throws Exception {
        String topic = Clients.create("acks");
        for (String acks : List.of("1", "0")) {
            Map<String, Object> config = Map.of("acks", acks, "enable.idempotence", false);
            Clients.send(topic, List.of(acks.getBytes()), config);
        }
        Cases.equal(Clients.values(Clients.readFromStart(topic, 2, Map.of())), List.of("1", "0"));
    }

    private static void longPoll() throws Exception {
        String topic = Clients.create("poll");
        Map<String, Object> config = Map.of("fetch.max.wait.ms", 20000);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, config)) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            for (int n = 0; n < 3; n++) {
                Cases.equal(consumer.poll(Clients.POLL).count(), 0);
                Clients.send(topic, Clients.numbered(n, n + 1), Map.of());
                Cases.equal(Clients.values(Clients.read(consumer, 1)), List.of(Integer.toString(n)));
            }
        }
    }

    private static void session() throws Exception {
        String topic = Clients.create("session", 60, Map.of());
        List<TopicPartition> all = IntStream.range(0, 60).mapToObj(n -> new TopicPartition(topic, n)).toList();
        try (KafkaProducer<byte[], byte[]> producer = Clients.producer(Map.of());
                KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, Map.of())) {
            consumer.assign(all);
            // All partitions, then a few of them, so that an incremental fetch names only what changed.
            List<List<Integer>> turns =
                    List.of(
                            IntStream.range(0, 60).boxed().toList(),
                            List.of(3, 41),
                            IntStream.range(0, 9).map(n -> n * 7).boxed().toList());
            for (List<Integer> partitions : turns) {
                send(producer, topic, partitions);
                Cases.equal(partitions(Clients.read(consumer, partitions.size())), partitions);
            }
            // A partition that leaves the session and comes back goes on where it was.
            consumer.assign(all.subList(4, 60));
            send(producer, topic, List.of(4));
            Cases.equal(partitions(Clients.read(consumer, 1)), List.of(4));
            consumer.pause(List.of(all.get(5)));
            send(producer, topic, List.of(5, 6));
            Cases.equal(partitions(Clients.read(consumer, 1)), List.of(6));
            consumer.resume(List.of(all.get(5)));
            Cases.equal(partitions(Clients.read(consumer, 1)), List.of(5));
        }
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, List<Integer> partitions) {
        partitions.forEach(n -> producer.send(new ProducerRecord<>(topic, n, null, new byte[] {1})));
        producer.flush();
    }

    private static List<Integer> partitions(List<ConsumerRecord<byte[], byte[]>> records) {
        List<Integer> found = new ArrayList<>(records.stream().map(ConsumerRecord::partition).toList());
        found.sort(null);
        return found;
    }

    private static void lag() throws Exception {
        String topic = Clients.create("lag");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        for (String level : List.of("read_uncommitted", "read_committed")) {
            Map<String, Object> config = Map.of("max.poll.records", 4, "isolation.level", level);
            try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, config)) {
                consumer.assign(List.of(partition));
                Clients.read(consumer, 4);
                Cases.equal(consumer.currentLag(partition).getAsLong(), 6L);
            }
        }
    }
}
