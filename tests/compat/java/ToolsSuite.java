import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.utils.Exit;

/** Kafka's own command-line tools and verifiable clients, called in this process as their scripts call them. */
final class ToolsSuite {
    private static final PrintStream OUT = System.out;
    private static volatile Ended ended;

    private ToolsSuite() {}

    /** What a tool ends with, in place of the process. */
    private static final class Ended extends RuntimeException {
        final int status;

        Ended(int status, String message) {
            super("ended with status " + status + (message == null ? "" : ": " + message));
            this.status = status;
        }
    }

    /** The entry point of a tool. */
    interface Tool {
        void main(String... arguments) throws Exception;
    }

    public static void main(String[] arguments) {
        Exit.setExitProcedure(ToolsSuite::end);
        Exit.setHaltProcedure(ToolsSuite::end);
        Cases.add("kafka-topics", ToolsSuite::topics);
        Cases.add("kafka-configs", ToolsSuite::configs);
        Cases.add("kafka-get-offsets, kafka-delete-records", ToolsSuite::offsets);
        Cases.add("kafka-consumer-groups", ToolsSuite::groups);
        Cases.add("kafka-cluster, kafka-broker-api-versions, kafka-log-dirs", ToolsSuite::cluster);
        Cases.add("kafka-producer-perf-test, kafka-consumer-perf-test", ToolsSuite::performance);
        Cases.add("kafka-e2e-latency", ToolsSuite::latency);
        for (String protocol : List.of("classic", "consumer")) {
            Cases.add("verifiable producer and consumer of Kafka: " + protocol, () -> verifiable(protocol));
        }
        Cases.run(arguments.length > 0 ? arguments[0] : "");
    }

    /** The first one counts: some tools catch it and end once more. */
    private static void end(int status, String message) {
        if (ended == null) {
            ended = new Ended(status, message);
        }
        throw ended;
    }

    /** Calls a tool that knows the server by `--bootstrap-server`; returns what it printed. */
    private static String call(Tool tool, String... arguments) throws Exception {
        return run(tool, Stream.concat(Stream.of("--bootstrap-server", Cases.BOOTSTRAP), Arrays.stream(arguments)));
    }

    private static String run(Tool tool, Stream<String> arguments) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true));
        ended = null;
        try {
            tool.main(arguments.toArray(String[]::new));
        } catch (Ended expected) {
            Cases.equal(expected, ended);
        } finally {
            System.setOut(OUT);
        }
        if (ended != null && ended.status != 0) {
            throw new AssertionError(ended.getMessage() + "; it printed: " + printed);
        }
        return printed.toString();
    }

    private static void has(String printed, String... wanted) {
        for (String part : wanted) {
            if (!printed.contains(part)) {
                throw new AssertionError("there is no " + part + " in: " + printed);
            }
        }
    }

    private static void topics() throws Exception {
        String topic = Cases.unique("tool");
        Tool tool = org.apache.kafka.tools.TopicCommand::main;
        call(tool, "--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=60000");
        has(call(tool, "--list"), topic);
        has(call(tool, "--describe", "--topic", topic), "PartitionCount: 3", "retention.ms=60000", "Partition: 2");
        call(tool, "--alter", "--topic", topic, "--partitions", "5");
        has(call(tool, "--describe", "--topic", topic), "PartitionCount: 5");
        call(tool, "--delete", "--topic", topic);
        Cases.equal(call(tool, "--list").contains(topic), false);
    }

    private static void configs() throws Exception {
        String topic = Clients.create("tool");
        Tool tool = kafka.admin.ConfigCommand::main;
        String[] entity = {"--entity-type", "topics", "--entity-name", topic};
        call(tool, with(entity, "--alter", "--add-config", "retention.ms=1234567,cleanup.policy=[delete,compact]"));
        has(call(tool, with(entity, "--describe")), "retention.ms=1234567", "cleanup.policy=delete,compact");
        call(tool, with(entity, "--alter", "--delete-config", "retention.ms"));
        Cases.equal(call(tool, with(entity, "--describe")).contains("1234567"), false);
        String broker = Integer.toString(Clients.ADMIN.describeCluster().controller().get().id());
        has(call(tool, "--entity-type", "brokers", "--entity-name", broker, "--describe", "--all"), "configs for broker");
    }

    private static String[] with(String[] first, String... more) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(more)).toArray(String[]::new);
    }

    private static void offsets() throws Exception {
        String topic = Clients.create("tool", 2, Map.of());
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        Tool tool = org.apache.kafka.tools.GetOffsetShell::main;
        has(call(tool, "--topic", topic), topic + ":0:10", topic + ":1:0");
        Path file = Files.createTempFile("delete-records", ".json");
        Files.writeString(
                file,
                "{\"version\": 1, \"partitions\": [{\"topic\": \"" + topic + "\", \"partition\": 0, \"offset\": 4}]}");
        has(
                call(org.apache.kafka.tools.DeleteRecordsCommand::main, "--offset-json-file", file.toString()),
                "low_watermark: 4");
        Files.delete(file);
        has(call(tool, "--topic", topic, "--time", "earliest"), topic + ":0:4");
    }

    private static void groups() throws Exception {
        String topic = Clients.create("tool");
        String group = Cases.unique("group");
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        Tool tool = org.apache.kafka.tools.consumer.group.ConsumerGroupCommand::main;
        try (var member = Clients.consumer(group, Map.of())) {
            member.subscribe(List.of(topic));
            Clients.read(member, 10);
            member.commitSync(
                    Map.of(
                            new org.apache.kafka.common.TopicPartition(topic, 0),
                            new org.apache.kafka.clients.consumer.OffsetAndMetadata(7)));
            String described = call(tool, "--describe", "--group", group);
            Cases.equal(columns(described, topic).subList(2, 6), List.of("0", "7", "10", "3"));
            has(call(tool, "--describe", "--group", group, "--members"), "consumer-");
            has(call(tool, "--describe", "--group", group, "--state"), "Stable");
        }
        has(call(tool, "--list", "--state"), group);
        call(tool, "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute");
        Cases.equal(columns(call(tool, "--describe", "--group", group), topic).get(3), "0");
        call(tool, "--reset-offsets", "--group", group, "--topic", topic, "--shift-by", "4", "--execute");
        Cases.equal(columns(call(tool, "--describe", "--group", group), topic).get(3), "4");
        has(call(tool, "--delete-offsets", "--group", group, "--topic", topic), "Successful");
        has(call(tool, "--delete", "--group", group), "successful");
    }

    /** The columns of the row that names a topic. */
    private static List<String> columns(String printed, String topic) {
        String row =
                printed.lines()
                        .filter(line -> line.contains(topic))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no row of " + topic + " in: " + printed));
        return List.of(row.trim().split("\\s+"));
    }

    private static void cluster() throws Exception {
        String topic = Clients.create("tool");
        Clients.send(topic, Clients.numbered(0, 10), Map.of());
        has(
                run(
                        org.apache.kafka.tools.ClusterTool::main,
                        Stream.of("cluster-id", "--bootstrap-server", Cases.BOOTSTRAP)),
                "Cluster ID:");
        has(call(org.apache.kafka.tools.BrokerApiVersionsCommand::main), "Produce(0)", "ConsumerGroupHeartbeat(68)");
        has(
                call(org.apache.kafka.tools.LogDirsCommand::main, "--describe", "--topic-list", topic),
                "\"partition\":\"" + topic + "-0\"");
    }

    private static void performance() throws Exception {
        String topic = Clients.create("tool", 4, Map.of());
        String[] arguments = {
            "--topic", topic, "--num-records", "20000", "--record-size", "200", "--throughput", "-1",
        };
        has(
                run(
                        org.apache.kafka.tools.ProducerPerformance::main,
                        Stream.of(
                                with(
                                        arguments,
                                        "--producer-props",
                                        "bootstrap.servers=" + Cases.BOOTSTRAP,
                                        "compression.type=lz4"))),
                "20000 records sent");
        String read =
                call(
                        org.apache.kafka.tools.ConsumerPerformance::main,
                        "--topic", topic, "--num-records", "20000", "--timeout", "20000");
        has(read, "20000");
    }

    private static void latency() throws Exception {
        String topic = Clients.create("tool");
        has(
                call(
                        org.apache.kafka.tools.EndToEndLatency::main,
                        "--topic", topic, "--num-records", "50", "--producer-acks", "all", "--record-size", "100"),
                "Percentiles");
    }

    /** A verifiable client sums up when its process ends, so it gets a process of its own. */
    private static String fork(Class<?> program, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"));
        command.addAll(List.of(System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of("--bootstrap-server", Cases.BOOTSTRAP));
        command.addAll(Arrays.asList(arguments));
        Path printed = Files.createTempFile("verifiable", ".jsonl");
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(printed.toFile())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        boolean over = process.waitFor(50, TimeUnit.SECONDS);
        process.destroyForcibly();
        String text = Files.readString(printed);
        Files.delete(printed);
        Cases.equal(over, true);
        return text;
    }

    private static void verifiable(String protocol) throws Exception {
        String topic = Clients.create("tool", 3, Map.of());
        String sent =
                fork(
                        org.apache.kafka.tools.VerifiableProducer.class,
                        "--topic", topic, "--max-messages", "300", "--acks", "-1");
        has(sent, "\"sent\":300", "\"acked\":300");
        List<String> arguments = new ArrayList<>();
        arguments.addAll(List.of("--topic", topic, "--max-messages", "300", "--reset-policy", "earliest", "--verbose"));
        arguments.addAll(List.of("--group-id", Cases.unique("group"), "--group-protocol", protocol));
        String read = fork(org.apache.kafka.tools.VerifiableConsumer.class, arguments.toArray(String[]::new));
        Cases.equal(read.lines().filter(line -> line.contains("\"record_data\"")).count(), 300L);
        has(read, "\"offsets_committed\"", "\"success\":true");
    }
}
