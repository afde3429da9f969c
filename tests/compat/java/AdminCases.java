import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The admin client: each call, and the error that a wrong one gets. */
final class AdminCases {
    private static final Admin ADMIN = Clients.ADMIN;

    private AdminCases() {}

    static void register() {
        Cases.add("admin: topics", AdminCases::topics);
        Cases.add("admin: configs", AdminCases::configs);
        Cases.add("admin: partitions", AdminCases::partitions);
        Cases.add("admin: delete records and list offsets", AdminCases::records);
        Cases.add("admin: groups", AdminCases::groups);
        Cases.add("admin: describe a KIP-848 group", AdminCases::consumerGroup);
        Cases.add("admin: cluster, log dirs, producers", AdminCases::cluster);
        Cases.add("admin: topics by id; validate only", AdminCases::byId);
        Cases.add("admin: remove members from a group", AdminCases::removeMembers);
    }

    static void failsWith(Class<? extends Exception> wanted, Cases.Body body) throws Exception {
        try {
            body.run();
        } catch (ExecutionException error) {
            if (wanted.isInstance(error.getCause())) {
                return;
            }
            throw error;
        }
        throw new AssertionError("passed, though " + wanted.getSimpleName() + " was due");
    }

    private static TopicDescription describe(String topic) throws Exception {
        return ADMIN.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private static void topics() throws Exception {
        String topic = Clients.create("admin", 3, Map.of());
        Cases.equal(ADMIN.listTopics().names().get().contains(topic), true);
        Cases.equal(describe(topic).partitions().size(), 3);
        Cases.equal(describe(topic).partitions().get(0).isr().size(), 1);
        failsWith(
                TopicExistsException.class,
                () -> ADMIN.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get());
        failsWith(
                InvalidConfigurationException.class,
                () -> Clients.create("bad", 1, Map.of("retention.ms", "soon")));
        ADMIN.deleteTopics(List.of(topic)).all().get();
        failsWith(
                UnknownTopicOrPartitionException.class,
                () -> ADMIN.deleteTopics(List.of(topic)).all().get());
    }

    private static ConfigEntry config(ConfigResource resource, String name) throws Exception {
        Config config = ADMIN.describeConfigs(List.of(resource)).all().get().get(resource);
        return config.get(name);
    }

    private static void configs() throws Exception {
        String topic = Clients.create("configs", 1, Map.of("retention.ms", "3600000"));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Cases.equal(config(resource, "retention.ms").value(), "3600000");
        ADMIN.incrementalAlterConfigs(
                        Map.of(
                                resource,
                                List.of(
                                        op("cleanup.policy", "compact", AlterConfigOp.OpType.APPEND),
                                        op("retention.ms", null, AlterConfigOp.OpType.DELETE))))
                .all()
                .get();
        Cases.equal(config(resource, "cleanup.policy").value(), "delete,compact");
        Cases.equal(config(resource, "retention.ms").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
    }

    private static AlterConfigOp op(String name, String value, AlterConfigOp.OpType type) {
        return new AlterConfigOp(new ConfigEntry(name, value), type);
    }

    private static void partitions() throws Exception {
        String topic = Clients.create("grow");
        ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
        Cases.eventually("four partitions", () -> describe(topic).partitions().size() == 4);
        failsWith(
                InvalidPartitionsException.class,
                () -> ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all().get());
    }

    private static long offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return ADMIN.listOffsets(Map.of(partition, spec)).all().get().get(partition).offset();
    }

    private static void records() throws Exception {
        String topic = Clients.create("trim");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        ADMIN.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(6))).all().get();
        Cases.equal(offset(partition, OffsetSpec.earliest()), 6L);
        Cases.equal(offset(partition, OffsetSpec.latest()), 10L);
        Cases.equal(Clients.values(Clients.readFromStart(topic, 4, Map.of())), List.of("6", "7", "8", "9"));
    }

    private static void groups() throws Exception {
        String topic = Clients.create("groups");
        String group = Cases.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        try (KafkaConsumer<byte[], byte[]> member = Clients.consumer(group, Map.of())) {
            member.subscribe(List.of(topic));
            Clients.read(member, 10);
            member.commitSync(Map.of(partition, new OffsetAndMetadata(7)));
            Cases.equal(
                    ADMIN.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)), true);
            Cases.equal(
                    ADMIN.describeClassicGroups(List.of(group)).all().get().get(group).members().size(), 1);
            failsWith(
                    GroupNotEmptyException.class,
                    () -> ADMIN.deleteConsumerGroups(List.of(group)).all().get());
        }
        Cases.equal(committed(group, partition), 7L);
        ADMIN.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(2))).all().get();
        Cases.equal(committed(group, partition), 2L);
        ADMIN.deleteConsumerGroupOffsets(group, java.util.Set.of(partition)).all().get();
        ADMIN.deleteConsumerGroups(List.of(group)).all().get();
        failsWith(
                GroupIdNotFoundException.class, () -> ADMIN.deleteConsumerGroups(List.of(group)).all().get());
    }

    private static long committed(String group, TopicPartition partition) throws Exception {
        return ADMIN.listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(partition)
                .offset();
    }

    private static void consumerGroup() throws Exception {
        String topic = Clients.create("described", 2, Map.of());
        String group = Cases.unique("group");
        try (KafkaConsumer<byte[], byte[]> member =
                Clients.consumer(group, Map.of("group.protocol", "consumer"))) {
            member.subscribe(List.of(topic));
            Cases.eventually(
                    "both partitions",
                    () -> {
                        member.poll(Clients.POLL);
                        return member.assignment().size() == 2;
                    });
            var described = ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group);
            Cases.equal(described.type().toString(), "Consumer");
            Cases.equal(described.members().size(), 1);
            Cases.equal(described.members().iterator().next().assignment().topicPartitions().size(), 2);
        }
    }

    private static void cluster() throws Exception {
        String topic = Clients.create("cluster");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, Clients.numbered(0, 100), Map.of("enable.idempotence", true));
        var cluster = ADMIN.describeCluster();
        Cases.equal(cluster.nodes().get().size(), 1);
        int node = cluster.controller().get().id();
        var directories = ADMIN.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
        long size =
                directories.values().stream()
                        .flatMap(directory -> directory.replicaInfos().entrySet().stream())
                        .filter(entry -> entry.getKey().equals(partition))
                        .mapToLong(entry -> entry.getValue().size())
                        .sum();
        Cases.equal(size > 0, true);
        var producers = ADMIN.describeProducers(List.of(partition)).all().get().get(partition).activeProducers();
        Cases.equal(producers.size(), 1);
        Cases.equal(producers.get(0).lastSequence(), 99);
    }

    private static void byId() throws Exception {
        String topic = Clients.create("id", 2, Map.of());
        org.apache.kafka.common.Uuid id = describe(topic).topicId();
        var ids = org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(id));
        Cases.equal(ADMIN.describeTopics(ids).allTopicIds().get().get(id).name(), topic);
        var dry = new org.apache.kafka.clients.admin.CreatePartitionsOptions().validateOnly(true);
        ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(4)), dry).all().get();
        Cases.equal(describe(topic).partitions().size(), 2);
        String name = Cases.unique("dry");
        var dryTopic = new org.apache.kafka.clients.admin.CreateTopicsOptions().validateOnly(true);
        ADMIN.createTopics(List.of(new NewTopic(name, 3, (short) 1)), dryTopic).all().get();
        Cases.equal(ADMIN.listTopics().names().get().contains(name), false);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var dryConfig = new org.apache.kafka.clients.admin.AlterConfigsOptions().validateOnly(true);
        var change = Map.of(resource, op("retention.ms", "1234", AlterConfigOp.OpType.SET));
        ADMIN.incrementalAlterConfigs(Map.of(resource, List.of(change.get(resource))), dryConfig).all().get();
        Cases.equal(config(resource, "retention.ms").value().equals("1234"), false);
        ADMIN.deleteTopics(ids).all().get();
        failsWith(
                org.apache.kafka.common.errors.UnknownTopicIdException.class,
                () -> ADMIN.describeTopics(ids).allTopicIds().get());
    }

    private static void removeMembers() throws Exception {
        String topic = Clients.create("remove");
        String group = Cases.unique("group");
        try (KafkaConsumer<byte[], byte[]> member =
                Clients.consumer(group, Map.of("group.instance.id", "it"))) {
            member.subscribe(List.of(topic));
            Cases.eventually(
                    "the partition",
                    () -> {
                        member.poll(Clients.POLL);
                        return member.assignment().size() == 1;
                    });
            var it = new org.apache.kafka.clients.admin.MemberToRemove("it");
            var options = new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions(List.of(it));
            ADMIN.removeMembersFromConsumerGroup(group, options).all().get();
            Cases.equal(
                    ADMIN.describeClassicGroups(List.of(group)).all().get().get(group).members().size(), 0);
        }
    }

    static void recreate() throws Exception {
        String topic = Clients.create("again");
        for (int turn = 0; turn < 3; turn++) {
            byte[] value = ("turn " + turn).getBytes();
            Cases.equal(Clients.send(topic, List.of(value), Map.of()), List.of(0L));
            Cases.equal(
                    Clients.values(Clients.readFromStart(topic, 1, Map.of())), List.of("turn " + turn));
            ADMIN.deleteTopics(List.of(topic)).all().get();
            ADMIN.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        }
    }
}
