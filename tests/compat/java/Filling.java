import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** Fills a message of Kafka's from the fields that a row names; the others keep their defaults. */
final class Filling {
    private final Map<String, String> kept;

    /** `${name}` in a text stands for what an earlier row kept. */
    Filling(Map<String, String> kept) {
        this.kept = kept;
    }

    <T> T fill(T message, JsonNode fields) throws Exception {
        for (Iterator<Map.Entry<String, JsonNode>> all = fields.fields(); all.hasNext(); ) {
            Map.Entry<String, JsonNode> field = all.next();
            Method setter = setter(message.getClass(), field.getKey());
            Object value = field.getValue().isNull() ? null : value(setter.getGenericParameterTypes()[0], field.getValue());
            try {
                setter.invoke(message, value);
            } catch (InvocationTargetException error) {
                throw new IllegalArgumentException(field.getKey(), error.getCause());
            }
        }
        return message;
    }

    private static Method setter(Class<?> message, String field) {
        String name = "set" + field.substring(0, 1).toUpperCase() + field.substring(1);
        for (Method method : message.getMethods()) {
            if (method.getName().equals(name)) {
                return method;
            }
        }
        throw new IllegalArgumentException(message.getSimpleName() + " has no field " + field);
    }

    private Object value(Type type, JsonNode node) throws Exception {
        if (type instanceof ParameterizedType list) {
            return elements(new ArrayList<>(), list.getActualTypeArguments()[0], node);
        }
        Class<?> plain = (Class<?>) type;
        if (Collection.class.isAssignableFrom(plain)) {
            Type element = ((ParameterizedType) plain.getGenericSuperclass()).getActualTypeArguments()[0];
            return elements(create(plain), element, node);
        }
        if (Message.class.isAssignableFrom(plain)) {
            return fill(create(plain), node);
        }
        return scalar(plain, node);
    }

    private Object scalar(Class<?> type, JsonNode node) throws Exception {
        return switch (type.getSimpleName()) {
            case "String" -> text(node);
            case "boolean", "Boolean" -> node.booleanValue();
            case "byte", "Byte" -> (byte) number(node);
            case "short", "Short" -> (short) number(node);
            case "int", "Integer" -> (int) number(node);
            case "long", "Long" -> number(node);
            case "double" -> node.doubleValue();
            case "byte[]" -> text(node).getBytes(StandardCharsets.ISO_8859_1);
            case "Uuid" -> Uuid.fromString(text(node));
            case "BaseRecords" -> records(node);
            default -> throw new IllegalArgumentException("a row cannot give a " + type);
        };
    }

    @SuppressWarnings("unchecked")
    private Object elements(Object collection, Type element, JsonNode nodes) throws Exception {
        for (JsonNode node : nodes) {
            ((Collection<Object>) collection).add(value(element, node));
        }
        return collection;
    }

    private static <T> T create(Class<T> type) throws Exception {
        return type.getDeclaredConstructor().newInstance();
    }

    private String text(JsonNode node) {
        String text = node.asText();
        for (Map.Entry<String, String> one : kept.entrySet()) {
            text = text.replace("${" + one.getKey() + "}", one.getValue());
        }
        // A long name is a letter and how often it comes.
        int times = text.indexOf(" times ");
        if (times > 0) {
            text = text.substring(times + 7).repeat(Integer.parseInt(text.substring(0, times)));
        }
        return text;
    }

    private long number(JsonNode node) {
        return node.isNumber() ? node.longValue() : Long.parseLong(text(node));
    }

    /** A batch: the records' values, and what is special about it. */
    private MemoryRecords records(JsonNode batch) {
        List<SimpleRecord> records = new ArrayList<>();
        long timestamp = batch.path("timestamp").asLong(1_000);
        for (JsonNode value : batch.path("values")) {
            byte[] key = batch.has("key") ? text(batch.get("key")).getBytes(StandardCharsets.UTF_8) : null;
            byte[] bytes = value.isNull() ? null : text(value).getBytes(StandardCharsets.UTF_8);
            records.add(new SimpleRecord(timestamp++, key, bytes));
        }
        MemoryRecords made =
                MemoryRecords.withIdempotentRecords(
                        (byte) 2,
                        batch.path("baseOffset").asLong(0),
                        Compression.NONE,
                        batch.has("producerId") ? number(batch.get("producerId")) : -1,
                        (short) batch.path("producerEpoch").asInt(-1),
                        batch.path("sequence").asInt(-1),
                        -1,
                        records.toArray(new SimpleRecord[0]));
        if (batch.has("flip")) {
            int at = batch.get("flip").asInt();
            made.buffer().put(at, (byte) ~made.buffer().get(at));
        }
        if (batch.has("cut")) {
            made.buffer().limit(made.buffer().limit() - batch.get("cut").asInt());
        }
        return made;
    }
}
