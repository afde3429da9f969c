import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Clients with the settings that the cases share. */
final class Clients {
    static final Admin ADMIN = Admin.create(Map.of("bootstrap.servers", Cases.BOOTSTRAP));
    static final Duration POLL = Duration.ofMillis(100);

    private Clients() {}

    static String create(String prefix, int partitions, Map<String, String> configs) throws Exception {
        String topic = Cases.unique(prefix);
        NewTopic created = new NewTopic(topic, Optional.of(partitions), Optional.of((short) 1));
        ADMIN.createTopics(List.of(created.configs(configs))).all().get();
        return topic;
    }

    static String create(String prefix) throws Exception {
        return create(prefix, 1, Map.of());
    }

    static KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(more);
        config.put("bootstrap.servers", Cases.BOOTSTRAP);
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group, Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", Cases.BOOTSTRAP);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", false);
        if (group != null) {
            config.put("group.id", group);
        }
        config.putAll(more);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Sends values in order to partition 0; returns the offsets that the server gave them. */
    static List<Long> send(String topic, List<byte[]> values, Map<String, Object> more) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(more)) {
            for (byte[] value : values) {
                sent.add(producer.send(new ProducerRecord<>(topic, 0, null, value)));
            }
        }
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            offsets.add(one.get().offset());
        }
        return offsets;
    }

    /** Reads so many records. */
    static List<ConsumerRecord<byte[], byte[]>> read(KafkaConsumer<byte[], byte[]> consumer, int count)
            throws Exception {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        Cases.eventually(
                count + " records",
                () -> {
                    consumer.poll(POLL).forEach(records::add);
                    return records.size() >= count;
                });
        Cases.equal(records.size(), count);
        return records;
    }

    static List<ConsumerRecord<byte[], byte[]>> readFromStart(String topic, int count, Map<String, Object> more)
            throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null, more)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            return read(consumer, count);
        }
    }

    static List<byte[]> numbered(int from, int upto) {
        List<byte[]> values = new ArrayList<>();
        for (int n = from; n < upto; n++) {
            values.add(Integer.toString(n).getBytes());
        }
        return values;
    }

    static List<String> texts(List<byte[]> values) {
        return values.stream().map(value -> value == null ? null : new String(value)).toList();
    }

    static List<String> values(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(r -> r.value() == null ? null : new String(r.value())).toList();
    }
}
