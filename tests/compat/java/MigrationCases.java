import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** A group whose members move one by one to KIP-848 and back, while they read. */
final class MigrationCases {
    private static final int PARTITIONS = 4;
    private static final String ASSIGNOR = "org.apache.kafka.clients.consumer.";

    private final String topic;
    private final String group = Cases.unique("group");
    private final Map<String, Object> classic;
    private final Set<String> sent = new HashSet<>();
    private final Set<String> read = new HashSet<>();

    private MigrationCases(String assignor) throws Exception {
        topic = Clients.create("migration", PARTITIONS, Map.of());
        classic =
                Map.of(
                        "group.protocol", "classic",
                        "partition.assignment.strategy", ASSIGNOR + assignor + "Assignor",
                        "heartbeat.interval.ms", 500);
    }

    static void register() {
        for (String assignor : List.of("Range", "CooperativeSticky")) {
            Cases.add(
                    "members move to KIP-848 and back: " + assignor,
                    () -> new MigrationCases(assignor).thereAndBack());
        }
    }

    private KafkaConsumer<byte[], byte[]> join(Map<String, Object> config) {
        KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(group, config);
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private KafkaConsumer<byte[], byte[]> joinClassic() {
        return join(classic);
    }

    private KafkaConsumer<byte[], byte[]> joinNew() {
        return join(Map.of("group.protocol", "consumer"));
    }

    private void thereAndBack() throws Exception {
        KafkaConsumer<byte[], byte[]> one = joinClassic();
        share(List.of(one));
        is(GroupType.CLASSIC);
        KafkaConsumer<byte[], byte[]> two = joinNew();
        share(List.of(one, two));
        is(GroupType.CONSUMER);
        // Another classic member joins what is a consumer group now.
        KafkaConsumer<byte[], byte[]> late = joinClassic();
        share(List.of(one, two, late));
        late.close();
        one.close();
        one = joinNew();
        share(List.of(one, two));
        two.close();
        two = joinClassic();
        share(List.of(one, two));
        is(GroupType.CONSUMER);
        one.close();
        share(List.of(two));
        is(GroupType.CLASSIC);
        one = joinClassic();
        share(List.of(one, two));
        committed(two);
        one.close();
        two.close();
    }

    /** Until the members have all partitions between them, evenly; then they read what is sent. */
    private void share(List<KafkaConsumer<byte[], byte[]>> members) throws Exception {
        send();
        Cases.eventually(
                members.size() + " members share, and read what was sent",
                () -> {
                    Set<TopicPartition> all = new HashSet<>();
                    int sum = 0;
                    boolean idle = false;
                    for (KafkaConsumer<byte[], byte[]> member : members) {
                        poll(member);
                        all.addAll(member.assignment());
                        sum += member.assignment().size();
                        idle |= member.assignment().isEmpty();
                    }
                    return all.size() == PARTITIONS && sum == PARTITIONS && !idle && read.equals(sent);
                });
        send();
        Cases.eventually(
                "they read on",
                () -> {
                    members.forEach(this::poll);
                    return read.equals(sent);
                });
    }

    private void send() {
        try (KafkaProducer<byte[], byte[]> producer = Clients.producer(Map.of())) {
            for (int partition = 0; partition < PARTITIONS; partition++) {
                for (int n = 0; n < 25; n++) {
                    String value = Integer.toString(sent.size());
                    sent.add(value);
                    producer.send(new ProducerRecord<>(topic, partition, null, value.getBytes()));
                }
            }
        }
    }

    private void poll(KafkaConsumer<byte[], byte[]> member) {
        ConsumerRecords<byte[], byte[]> records = member.poll(Clients.POLL);
        if (records.isEmpty()) {
            return;
        }
        for (ConsumerRecord<byte[], byte[]> record : records) {
            read.add(new String(record.value()));
        }
        try {
            member.commitSync();
        } catch (CommitFailedException | RebalanceInProgressException rebalanced) {
            // Whoever has the partition next reads these again.
        }
    }

    private void is(GroupType wanted) throws Exception {
        var described = Clients.ADMIN.describeConsumerGroups(List.of(group)).describedGroups();
        Cases.equal(described.get(group).get().type(), wanted);
    }

    /** Through all that, no commit was lost: the last of each partition is of its end. */
    private void committed(KafkaConsumer<byte[], byte[]> member) throws Exception {
        Set<TopicPartition> all = new HashSet<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            all.add(new TopicPartition(topic, partition));
        }
        Map<TopicPartition, Long> ends = member.endOffsets(all);
        Cases.equal(ends.values().stream().mapToLong(end -> end).sum(), (long) sent.size());
        Cases.eventually(
                "all is committed",
                () -> {
                    Map<TopicPartition, OffsetAndMetadata> found =
                            Clients.ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
                    Map<TopicPartition, Long> offsets = new HashMap<>();
                    found.forEach((partition, offset) -> offsets.put(partition, offset.offset()));
                    return offsets.equals(ends);
                });
    }
}
