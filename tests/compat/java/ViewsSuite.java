import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Views, read by Kafka's own clients: what the harness put into them is written in `src/views.rs`. */
final class ViewsSuite {
    private static final long COUNT = 3000;
    private static final long FIRST_MS = 1_700_000_000_000L;
    private static final List<Long> KEPT = LongStream.range(0, 6).mapToObj(n -> 250 + n * 500).toList();

    private ViewsSuite() {}

    public static void main(String[] arguments) {
        Cases.add("java: what the view keeps, at its own offsets", () -> kept("views-few", "keep "));
        Cases.add("java: a view over a view", () -> kept("views-capitals", "KEEP "));
        Cases.add("java: a reader comes to the end of what is left out", ViewsSuite::leftOut);
        for (String protocol : List.of("classic", "consumer")) {
            String name = "java: a group commits in a view, and goes on: " + protocol;
            Cases.add(name, () -> group(protocol));
        }
        Cases.add("java: offsets and times of a view are its source's", ViewsSuite::offsets);
        Cases.add("java: what comes while a reader waits", ViewsSuite::live);
        Cases.run(arguments.length > 0 ? arguments[0] : "");
    }

    private static void kept(String view, String word) throws Exception {
        List<ConsumerRecord<byte[], byte[]>> found = Clients.readFromStart(view, KEPT.size(), Map.of());
        Cases.equal(found.stream().map(ConsumerRecord::offset).toList(), KEPT);
        Cases.equal(Clients.values(found), KEPT.stream().map(n -> word + n).toList());
    }

    private static void leftOut() throws Exception {
        TopicPartition partition = new TopicPartition("views-none", 0);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, Map.of())) {
            consumer.assign(List.of(partition));
            Cases.eventually(
                    "the end",
                    () -> {
                        Cases.equal(consumer.poll(Clients.POLL).count(), 0);
                        return consumer.position(partition) == COUNT;
                    });
            Cases.equal(consumer.currentLag(partition).getAsLong(), 0L);
        }
    }

    private static void group(String protocol) throws Exception {
        String group = Cases.unique("views");
        Map<String, Object> config = Map.of("group.protocol", protocol, "max.poll.records", 1);
        TopicPartition partition = new TopicPartition("views-few", 0);
        try (KafkaConsumer<byte[], byte[]> first = Clients.consumer(group, config)) {
            first.subscribe(List.of("views-few"));
            Cases.equal(offsets(Clients.read(first, 3)), KEPT.subList(0, 3));
            first.commitSync(Map.of(partition, new OffsetAndMetadata(KEPT.get(2) + 1)));
        }
        try (KafkaConsumer<byte[], byte[]> second = Clients.consumer(group, config)) {
            second.subscribe(List.of("views-few"));
            Cases.equal(offsets(Clients.read(second, 3)), KEPT.subList(3, 6));
        }
    }

    private static List<Long> offsets(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(ConsumerRecord::offset).toList();
    }

    private static void offsets() throws Exception {
        TopicPartition partition = new TopicPartition("views-few", 0);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, Map.of())) {
            Cases.equal(consumer.beginningOffsets(List.of(partition)).get(partition), 0L);
            Cases.equal(consumer.endOffsets(List.of(partition)).get(partition), COUNT);
            long asked = FIRST_MS + 41_500;
            Cases.equal(consumer.offsetsForTimes(Map.of(partition, asked)).get(partition).offset(), 42L);
        }
    }

    private static void live() throws Exception {
        String marker = Cases.unique("keep");
        List<byte[]> values = new ArrayList<>();
        for (int n = 0; n < 401; n++) {
            values.add((n == 200 ? marker : "drop").getBytes());
        }
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(null, Map.of())) {
            consumer.assign(List.of(new TopicPartition("views-live-few", 0)));
            Set<String> found = new HashSet<>();
            consumer.poll(Clients.POLL).forEach(r -> found.add(new String(r.value())));
            Clients.send("views-live", values, Map.of());
            Cases.eventually(
                    "the record",
                    () -> {
                        consumer.poll(Clients.POLL).forEach(r -> found.add(new String(r.value())));
                        return found.contains(marker);
                    });
            Cases.equal(found.stream().allMatch(value -> value.startsWith("keep")), true);
        }
    }
}
