import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The frame of the Java suite: cases by name, one JSON line each, a time limit on every case. */
final class Cases {
    static final String BOOTSTRAP = System.getenv("BOOTSTRAP");
    private static final long LIMIT_SECONDS = 60;

    /** A case: anything it throws is its failure. */
    interface Body {
        void run() throws Exception;
    }

    /** A condition to wait for. */
    interface Check {
        boolean holds() throws Exception;
    }

    private record Case(String name, Body body) {}

    private static final List<Case> CASES = new ArrayList<>();

    private Cases() {}

    static void add(String name, Body body) {
        CASES.add(new Case(name, body));
    }

    /** A name that no other case or run uses. */
    static String unique(String prefix) {
        return prefix + "-" + UUID.randomUUID().toString().substring(0, 13);
    }

    static void equal(Object found, Object wanted) {
        if (!Objects.equals(found, wanted)) {
            throw new AssertionError("wanted " + wanted + ", found " + found);
        }
    }

    /** Waits until the check holds; the check itself should take a moment, as a poll does. */
    static void eventually(String what, Check check) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!check.holds()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(what + ": did not come true within 30 s");
            }
        }
    }

    static void run(String wanted) {
        ExecutorService executor = Executors.newCachedThreadPool();
        for (Case entry : CASES) {
            if (entry.name().contains(wanted)) {
                report(entry.name(), outcome(executor, entry.body()));
            }
        }
        // A client that hangs in its own shutdown must not hold up the suite.
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    /** What went wrong, or null. */
    private static Throwable outcome(ExecutorService executor, Body body) {
        Callable<Void> call =
                () -> {
                    body.run();
                    return null;
                };
        Future<Void> future = executor.submit(call);
        try {
            future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            return null;
        } catch (TimeoutException expired) {
            future.cancel(true);
            return new AssertionError("the case took longer than " + LIMIT_SECONDS + " s");
        } catch (Exception error) {
            return error.getCause() != null ? error.getCause() : error;
        }
    }

    private static void report(String name, Throwable error) {
        String detail = "";
        if (error != null) {
            StringWriter trace = new StringWriter();
            error.printStackTrace(new PrintWriter(trace));
            System.err.println(trace);
            String text = error.toString();
            detail = text.substring(0, Math.min(600, text.length()));
        }
        System.out.printf(
                "{\"case\": %s, \"ok\": %s, \"detail\": %s}%n", quoted(name), error == null, quoted(detail));
        System.out.flush();
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
