import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Consumer groups: classic and KIP-848, eager and cooperative, static members, commits. */
final class GroupCases {
    private static final String ASSIGNOR = "org.apache.kafka.clients.consumer.";

    private GroupCases() {}

    static void register() {
        for (String name : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) {
            Map<String, Object> config =
                    Map.of(
                            "partition.assignment.strategy", ASSIGNOR + name + "Assignor",
                            "heartbeat.interval.ms", 500);
            Cases.add("group with rebalance: " + name, () -> rebalance(config));
        }
        for (String name : List.of("uniform", "range")) {
            Map<String, Object> config = Map.of("group.protocol", "consumer", "group.remote.assignor", name);
            Cases.add("group with rebalance: KIP-848, " + name, () -> rebalance(config));
        }
        Cases.add("static member comes back without a rebalance", () -> staticMember("classic"));
        Cases.add("static member comes back without a rebalance: KIP-848", () -> staticMember("consumer"));
        Cases.add("committed offsets are resumed: classic", () -> resume(Map.of()));
        Cases.add("committed offsets are resumed: KIP-848", () -> resume(Map.of("group.protocol", "consumer")));
        Cases.add("new partitions reach a group: KIP-848", GroupCases::growing);
        Cases.add("a regular expression follows new topics", GroupCases::pattern);
    }

    private static KafkaConsumer<byte[], byte[]> join(String group, String topic, Map<String, Object> config) {
        KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(group, config);
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private static void rebalance(Map<String, Object> config) throws Exception {
        String topic = Clients.create("rebalance", 4, Map.of());
        String group = Cases.unique("group");
        try (KafkaConsumer<byte[], byte[]> first = join(group, topic, config)) {
            alone(first);
            try (KafkaConsumer<byte[], byte[]> second = join(group, topic, config)) {
                Cases.eventually(
                        "two members share",
                        () -> {
                            first.poll(Clients.POLL);
                            second.poll(Clients.POLL);
                            return first.assignment().size() == 2 && second.assignment().size() == 2;
                        });
                Set<TopicPartition> owned = new HashSet<>(first.assignment());
                owned.addAll(second.assignment());
                Cases.equal(owned.size(), 4);
            }
            alone(first);
        }
    }

    private static void alone(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
        Cases.eventually(
                "one member owns all",
                () -> {
                    consumer.poll(Clients.POLL);
                    return consumer.assignment().size() == 4;
                });
    }

    private static void staticMember(String protocol) throws Exception {
        String topic = Clients.create("static", 4, Map.of());
        String group = Cases.unique("group");
        List<Collection<TopicPartition>> revoked = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> stays = Clients.consumer(group, staticConfig("stays", protocol))) {
            stays.subscribe(List.of(topic), listener(revoked));
            Map<String, Object> config = staticConfig("goes", protocol);
            Set<TopicPartition> before;
            try (KafkaConsumer<byte[], byte[]> goes = join(group, topic, config)) {
                shared(stays, goes);
                before = Set.copyOf(goes.assignment());
            }
            int so = revoked.size();
            try (KafkaConsumer<byte[], byte[]> goes = join(group, topic, config)) {
                shared(stays, goes);
                Cases.equal(goes.assignment(), before);
            }
            Cases.equal(revoked.size(), so);
        }
    }

    private static Map<String, Object> staticConfig(String instance, String protocol) {
        return Map.of("group.instance.id", instance, "group.protocol", protocol);
    }

    private static void shared(KafkaConsumer<byte[], byte[]> one, KafkaConsumer<byte[], byte[]> two)
            throws Exception {
        Cases.eventually(
                "two members share",
                () -> {
                    one.poll(Clients.POLL);
                    two.poll(Clients.POLL);
                    return one.assignment().size() == 2 && two.assignment().size() == 2;
                });
    }

    private static ConsumerRebalanceListener listener(List<Collection<TopicPartition>> revoked) {
        return new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                revoked.add(partitions);
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
        };
    }

    private static void resume(Map<String, Object> config) throws Exception {
        String topic = Clients.create("resume");
        String group = Cases.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        try (KafkaConsumer<byte[], byte[]> first = join(group, topic, config)) {
            Clients.read(first, 10);
            first.commitSync(Map.of(partition, new OffsetAndMetadata(4, "four")));
        }
        try (KafkaConsumer<byte[], byte[]> second = join(group, topic, config)) {
            List<Long> offsets = Clients.read(second, 6).stream().map(ConsumerRecord::offset).toList();
            Cases.equal(offsets, List.of(4L, 5L, 6L, 7L, 8L, 9L));
            Cases.equal(second.committed(Set.of(partition)).get(partition).metadata(), "four");
        }
    }

    private static void growing() throws Exception {
        String topic = Clients.create("grow", 2, Map.of());
        Map<String, Object> config = new HashMap<>(Map.of("group.protocol", "consumer"));
        config.put("metadata.max.age.ms", 1000);
        try (KafkaConsumer<byte[], byte[]> consumer = join(Cases.unique("group"), topic, config)) {
            Cases.eventually("both partitions", () -> has(consumer, 2));
            Clients.ADMIN
                    .createPartitions(Map.of(topic, org.apache.kafka.clients.admin.NewPartitions.increaseTo(5)))
                    .all()
                    .get();
            Cases.eventually("the new partitions too", () -> has(consumer, 5));
        }
    }

    private static void pattern() throws Exception {
        String prefix = Cases.unique("pattern");
        Map<String, Object> config = Map.of("metadata.max.age.ms", 500, "heartbeat.interval.ms", 500);
        String first = Clients.create(prefix);
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(Cases.unique("group"), config)) {
            consumer.subscribe(java.util.regex.Pattern.compile(prefix + ".*"));
            Cases.eventually("the first topic", () -> has(consumer, 1));
            Clients.create(prefix);
            Cases.eventually("the second topic", () -> has(consumer, 2));
            Cases.equal(consumer.assignment().contains(new TopicPartition(first, 0)), true);
        }
    }

    private static boolean has(KafkaConsumer<byte[], byte[]> consumer, int partitions) {
        consumer.poll(Clients.POLL);
        return consumer.assignment().size() == partitions;
    }
}
