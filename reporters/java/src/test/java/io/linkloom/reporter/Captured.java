package io.linkloom.reporter;

import io.linkloom.reporter.core.Warnings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Makes a reporter the one of the process that keeps what it makes. */
final class Captured implements AutoCloseable {
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final Reporter before;
    final Reporter reporter;

    Captured() {
        this(Settings.bare());
    }

    Captured(Settings.Builder settings) {
        Warnings.forget();
        reporter = new Reporter(settings.service("s").instance("i").build(), Reporter::now,
                (line, rank) -> lines.add(new String(line, StandardCharsets.UTF_8)));
        before = Reporter.swap(reporter);
    }

    List<Map<String, Object>> reports() {
        synchronized (lines) {
            return lines.stream().map(Json::object).collect(Collectors.toList());
        }
    }

    Map<String, Object> last() {
        List<Map<String, Object>> all = reports();
        return all.get(all.size() - 1);
    }

    List<Map<String, Object>> logs() {
        return reports().stream().filter(report -> report.get("type").equals("log")).collect(Collectors.toList());
    }

    List<Map<String, Object>> nodes() {
        return reports().stream().filter(report -> report.get("type").equals("node")).collect(Collectors.toList());
    }

    @Override
    public void close() {
        Reporter.swap(before);
    }
}
