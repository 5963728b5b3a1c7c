#!/usr/bin/env bash
# Linkloom and the Flink job (flink/) on the same topic and into the same HBase, one after the other: reports a second,
# processor seconds a million reports of the program, of Kafka and of HBase with its gateway, and the ratios of the rates.
#
#   benches/peers/compare.sh [RESULT_DIR]      results and logs; a temporary folder if absent
#
# Environment:
#   REPORTS   records of the topics (2000000)     RUNS      runs of each; one more comes first, to warm up, and is left out (3)
#   HEAP      heap of the Flink job (4g)          LINKLOOM  the binary (target/release/linkloom)
#   LINKLOOM_HBASE_HEAP  heap of HBase, for all alike (1g)
# Needs Java 17, Maven, and the ports the scripts in tests/servers name. Twenty minutes of two cores; nothing else should run.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
reports="${REPORTS:-2000000}" runs="${RUNS:-3}"
linkloom="${LINKLOOM:-$root/target/release/linkloom}"
results="${1:-$(mktemp -d)}"
mkdir -p "$results"
results="$(cd "$results" && pwd)"
servers="$(mktemp -d)"
brokers=127.0.0.1:19092 gateway=127.0.0.1:19090 quorum=127.0.0.1:12181

[[ -x $linkloom ]] || { echo "there is no $linkloom: cargo build --release" >&2; exit 2; }
(cd "$here/flink" && mvn -B -ntp -q package dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime)

end() {
    "$root/tests/servers/kafka.sh" down "$servers/kafka" || true
    "$root/tests/servers/hbase.sh" down "$servers/hbase" || true
    rm -rf "$servers"
}
trap end EXIT
"$root/tests/servers/kafka.sh" up "$servers/kafka"
"$root/tests/servers/hbase.sh" up "$servers/hbase"
kafka_pid="$(cat "$servers/kafka/pid")"
hbase_pid="$(cat "$servers/hbase/hbase/hbase.pid")"
thrift_pid="$(cat "$servers/hbase/hbase/thrift-19090.pid")"

# linkloom NAME ARGUMENT...: once to warm up and `RUNS` times.
linkloom() {
    local name="$1"
    shift
    "$linkloom" bench kafka --brokers "$brokers" --reports "$reports" --runs "$((runs + 1))" \
        --pids "$kafka_pid,$hbase_pid,$thrift_pid" "$@" >"$results/$name.txt"
}

# flink NAME ARGUMENT...: the topic without keys into HBase, once to warm up and `RUNS` times.
flink() {
    local name="$1"
    shift
    "$here/flink/run.sh" "--brokers=$brokers" "--topic=linkloom-bench-$reports-1-4-unkeyed" "--quorum=$quorum" --verify=false \
        "--pids=$kafka_pid,$hbase_pid" "--runs=$((runs + 1))" --parallelism=2 "$@" \
        >"$results/$name.json" 2>"$results/$name.log"
}

# The servers are JVMs, too: until what they run most is compiled, HBase takes five times the processor time a cell. A run
# of each side comes first, and is left out.
runs=1 linkloom warm-up --hbase "$gateway"
flink flink-cells --group=16384
linkloom unkeyed --hbase "$gateway"
linkloom keyed --hbase "$gateway" --keyed
flink flink-blocks --group=65536 --blocks=true
linkloom embedded

python3 - "$results" <<'PYTHON'
import json
import pathlib
import re
import statistics
import sys

folder = pathlib.Path(sys.argv[1])
rates = {}


def line(name, values, cpu):
    rates[name] = statistics.median(values)
    print(f"{name:32} {min(values):>9,.0f} / {rates[name]:>9,.0f} / {max(values):>9,.0f}   {cpu}")


print(f"{'reports a second':32} {'min':>9} / {'median':>9} / {'max':>9}   processor seconds a million: program, Kafka, HBase, gateway")
for name in ("unkeyed", "keyed", "embedded"):
    text = (folder / f"{name}.txt").read_text()
    values = [float(v) for v in re.findall(r"^kafka to durable store +(\d+) records/s", text, re.M)][1:]
    own = statistics.median([float(v) for v in re.findall(r"^  processor ([\d.]+) s a million, peak", text, re.M)][1:])
    others = [float(v) for v in re.findall(r"^  process \d+: processor ([\d.]+) s a million", text, re.M)][3:]
    others = [statistics.median(others[at::3]) for at in range(3)]
    line(f"linkloom, {name}", values, ", ".join(f"{v:.2f}" for v in [own, *others]))
for name in ("flink-cells", "flink-blocks"):
    lines = [json.loads(text) for text in (folder / f"{name}.json").read_text().splitlines() if '"run"' in text][1:]
    cpu = [statistics.median(run["cpu_s_per_million"][at] for run in lines) for at in range(3)]
    line(name, [run["reports_per_s"] for run in lines], ", ".join(f"{v:.2f}" for v in cpu))
for ours in ("unkeyed", "keyed"):
    for theirs in ("flink-cells", "flink-blocks"):
        print(f"linkloom {ours} / {theirs}: {rates[f'linkloom, {ours}'] / rates[theirs]:.2f}")
PYTHON
echo "results in $results"
