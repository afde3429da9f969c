import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;

/**
 * The same requests to the server under test (`BOOTSTRAP`) and to Kafka (`PEER`): every answer must be the same but for
 * ids of the broker's choice, addresses and the words of messages. The rows are in the directory `differential`.
 */
final class Differential {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> NOT_COMPARED =
            Set.of("errorMessage", "batchIndexErrorMessage", "throttleTimeMs", "host", "port", "clusterId", "rack");
    /** Ids of the broker's choice. */
    private static final Set<String> CHOSEN = Set.of("topicId", "memberId", "producerId", "leader", "members");

    private Differential() {}

    public static void main(String[] arguments) throws Exception {
        RawBroker ours = new RawBroker(System.getenv("BOOTSTRAP"));
        RawBroker kafka = new RawBroker(System.getenv("PEER"));
        List<Path> files;
        try (Stream<Path> found = Files.list(Path.of(arguments[0]))) {
            files = found.filter(path -> path.toString().endsWith(".yaml")).sorted().toList();
        }
        String wanted = arguments.length > 1 ? arguments[1] : "";
        for (Path file : files) {
            String scene = file.getFileName().toString().replace(".yaml", "");
            for (JsonNode row : new YAMLMapper().readTree(file.toFile())) {
                for (short version : versions(row)) {
                    String name = scene + ": " + row.get("case").asText() + " (v" + version + ")";
                    if (scene.contains(wanted)) {
                        Cases.add(name, () -> compare(row, version, ours, kafka));
                    }
                }
            }
        }
        Cases.run("");
    }

    /** `version: 3`, or `versions: [1, 4]` for all from 1 to 4. */
    private static List<Short> versions(JsonNode row) {
        List<Short> all = new ArrayList<>();
        JsonNode range = row.get("versions");
        int first = range == null ? row.get("version").asInt() : range.get(0).asInt();
        int last = range == null ? first : range.get(1).asInt();
        for (int version = first; version <= last; version++) {
            all.add((short) version);
        }
        return all;
    }

    private static void compare(JsonNode row, short version, RawBroker ours, RawBroker kafka) throws Exception {
        JsonNode wanted = answer(row, version, kafka);
        JsonNode found = answer(row, version, ours);
        if (row.path("prepares").asBoolean()) {
            return;
        }
        wanted = normal(wanted, "", kafka);
        found = normal(found, "", ours);
        if (row.has("only")) {
            wanted = parts(wanted, row.get("only"));
            found = parts(found, row.get("only"));
        }
        boolean same = wanted.equals(found);
        if (same && differs(row, version)) {
            throw new AssertionError("the row says that the answers differ, but they are the same: " + found);
        }
        if (!same && !differs(row, version)) {
            throw new AssertionError("Kafka: " + wanted + "; here: " + found);
        }
    }

    /** Whether the row gives a reason why the answers differ in this version: in all, or from `since` on. */
    private static boolean differs(JsonNode row, short version) {
        return row.has("differs") && version >= row.path("since").asInt(0);
    }

    private static JsonNode answer(JsonNode row, short version, RawBroker broker) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        JsonNode until = row.path("until");
        while (true) {
            JsonNode answer = once(row, version, broker);
            if (holds(until, answer) || System.nanoTime() > deadline) {
                keep(row.path("keep"), answer, broker);
                return answer;
            }
            // The broker is asked again as a client would, which rests in between.
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static JsonNode once(JsonNode row, short version, RawBroker broker) throws Exception {
        ApiKeys key = key(row.get("api").asText());
        if (row.has("body")) {
            return broker.askRaw(key, version, row.get("body").asText());
        }
        ApiMessage request = new Filling(broker.kept).fill(key.messageType.newRequest(), row.path("send"));
        if (row.has("cut")) {
            return broker.askCut(key, version, request, row.get("cut").asInt());
        }
        return broker.ask(key, version, request);
    }

    private static ApiKeys key(String name) {
        for (ApiKeys key : ApiKeys.values()) {
            if (key.messageType.name.equals(name)) {
                return key;
            }
        }
        throw new IllegalArgumentException("Kafka has no API " + name);
    }

    private static boolean holds(JsonNode until, JsonNode answer) {
        for (Iterator<Map.Entry<String, JsonNode>> all = until.fields(); all.hasNext(); ) {
            Map.Entry<String, JsonNode> one = all.next();
            if (!answer.at(one.getKey()).asText().equals(one.getValue().asText())) {
                return false;
            }
        }
        return true;
    }

    private static void keep(JsonNode wishes, JsonNode answer, RawBroker broker) {
        for (Iterator<Map.Entry<String, JsonNode>> all = wishes.fields(); all.hasNext(); ) {
            Map.Entry<String, JsonNode> one = all.next();
            broker.kept.put(one.getKey(), answer.at(one.getValue().asText()).asText());
        }
    }

    private static JsonNode parts(JsonNode answer, JsonNode pointers) {
        ArrayNode parts = JSON.createArrayNode();
        pointers.forEach(pointer -> parts.add(answer.at(pointer.asText())));
        return parts;
    }

    /** The answer without what may differ; arrays in an order of their own. */
    private static JsonNode normal(JsonNode node, String name, RawBroker broker) {
        if (node.isObject()) {
            ObjectNode object = JSON.createObjectNode();
            for (Iterator<Map.Entry<String, JsonNode>> all = node.fields(); all.hasNext(); ) {
                Map.Entry<String, JsonNode> field = all.next();
                if (!NOT_COMPARED.contains(field.getKey())) {
                    object.set(field.getKey(), normal(field.getValue(), field.getKey(), broker));
                }
            }
            return object;
        }
        if (node.isArray()) {
            List<JsonNode> elements = new ArrayList<>();
            node.forEach(element -> elements.add(normal(element, name, broker)));
            elements.sort(Comparator.comparing(JsonNode::toString));
            return JSON.createArrayNode().addAll(elements);
        }
        // Null and an empty list say the same there.
        if (name.equals("abortedTransactions") && node.isNull()) {
            return JSON.createArrayNode();
        }
        String text = node.asText();
        boolean none = text.isEmpty() || text.equals("-1") || text.equals(Uuid.ZERO_UUID.toString());
        if (!CHOSEN.contains(name) || none) {
            return node;
        }
        for (Map.Entry<String, String> one : broker.kept.entrySet()) {
            if (one.getValue().equals(text)) {
                return TextNode.valueOf("${" + one.getKey() + "}");
            }
        }
        return TextNode.valueOf("an id");
    }
}
