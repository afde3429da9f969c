import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

/** One broker, spoken to in frames over a socket, with Kafka's own codecs and nothing of its clients. */
final class RawBroker {
    private static final int PATIENCE_MS = 15_000;

    private final String host;
    private final int port;
    private Socket socket;
    private int correlation;
    /** What rows kept of earlier answers. */
    final Map<String, String> kept = new TreeMap<>();

    RawBroker(String address) {
        int colon = address.lastIndexOf(':');
        host = address.substring(0, colon);
        port = Integer.parseInt(address.substring(colon + 1));
    }

    /** The answer as JSON, or a text that says in which other way the broker answered. */
    JsonNode ask(ApiKeys key, short version, ApiMessage request) throws Exception {
        return exchange(key, version, frame(key, version, request));
    }

    /** The same for a body that is given as bytes, behind a sound header. */
    JsonNode askRaw(ApiKeys key, short version, String hex) throws Exception {
        ByteBuffer header = header(key, version);
        byte[] body = HexFormat.of().parseHex(hex);
        ByteBuffer frame = ByteBuffer.allocate(header.remaining() + body.length).put(header).put(body);
        return exchange(key, version, frame.flip());
    }

    /** The same for a request whose end is cut off. */
    JsonNode askCut(ApiKeys key, short version, ApiMessage request, int bytes) throws Exception {
        ByteBuffer frame = frame(key, version, request);
        return exchange(key, version, frame.limit(Math.max(frame.limit() - bytes, 8)));
    }

    private ByteBuffer frame(ApiKeys key, short version, ApiMessage request) {
        ByteBuffer header = header(key, version);
        ByteBuffer body = MessageUtil.toByteBufferAccessor(request, version).buffer();
        return ByteBuffer.allocate(header.remaining() + body.remaining()).put(header).put(body).flip();
    }

    private ByteBuffer header(ApiKeys key, short version) {
        correlation++;
        RequestHeaderData header =
                new RequestHeaderData()
                        .setRequestApiKey(key.id)
                        .setRequestApiVersion(version)
                        .setCorrelationId(correlation)
                        .setClientId("differential");
        short known = (short) Math.min(Math.max(version, key.oldestVersion()), key.latestVersion());
        return MessageUtil.toByteBufferAccessor(header, key.requestHeaderVersion(known)).buffer();
    }

    private JsonNode exchange(ApiKeys key, short version, ByteBuffer frame) throws Exception {
        try {
            connect();
            byte[] bytes = new byte[4 + frame.remaining()];
            ByteBuffer.wrap(bytes).putInt(frame.remaining()).put(frame);
            socket.getOutputStream().write(bytes);
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] answer = new byte[in.readInt()];
            in.readFully(answer);
            return decode(key, version, answer);
        } catch (EOFException | SocketException closed) {
            close();
            return TextNode.valueOf("closes the connection");
        } catch (SocketTimeoutException late) {
            close();
            return TextNode.valueOf("does not answer within " + PATIENCE_MS + " ms");
        }
    }

    private JsonNode decode(ApiKeys key, short version, byte[] answer) throws Exception {
        // To ApiVersions in a version that is not known, brokers answer in version 0.
        boolean known = version >= key.oldestVersion() && version <= key.latestVersion();
        short spoken = known ? version : 0;
        ByteBufferAccessor in = new ByteBufferAccessor(ByteBuffer.wrap(answer));
        ResponseHeaderData header = new ResponseHeaderData(in, key.responseHeaderVersion(spoken));
        if (header.correlationId() != correlation) {
            return TextNode.valueOf("answers request " + header.correlationId() + ", not " + correlation);
        }
        ApiMessage response = key.messageType.newResponse();
        response.read(in, spoken);
        if (in.remaining() > 0) {
            return TextNode.valueOf("answers with " + in.remaining() + " bytes too many");
        }
        Class<?> converter = Class.forName(response.getClass().getName() + "JsonConverter");
        try {
            return (JsonNode)
                    Arrays.stream(converter.getMethods())
                            .filter(method -> method.getName().equals("write"))
                            .filter(method -> method.getParameterCount() == 2)
                            .findFirst()
                            .orElseThrow()
                            .invoke(null, response, spoken);
        } catch (InvocationTargetException error) {
            throw new IOException("cannot write " + response + " as JSON", error.getCause());
        }
    }

    private void connect() throws IOException {
        if (socket == null) {
            socket = new Socket(host, port);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(PATIENCE_MS);
        }
    }

    private void close() throws IOException {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }
}
