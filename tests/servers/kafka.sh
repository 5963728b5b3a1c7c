#!/usr/bin/env bash
# A real Kafka broker on loopback, for tests and for trying things out: no container, a plain Java process.
#
#   tests/servers/kafka.sh up RUN_DIR      fetch what it needs, make its folder, start it, wait until it is ready
#   tests/servers/kafka.sh down RUN_DIR    stop it cleanly; its data stays
#   tests/servers/kafka.sh kill RUN_DIR    kill -9
#   tests/servers/kafka.sh start RUN_DIR   start it again on its data, wait until it is ready
#   tests/servers/kafka.sh status RUN_DIR  say whether it runs, and where; exit code 1 if it does not
#   tests/servers/kafka.sh tool RUN_DIR CLASS ARGUMENT...   run one of Kafka's own tools, such as
#                                          org.apache.kafka.tools.TopicCommand --bootstrap-server ... --list
#
# Environment:
#   LINKLOOM_KAFKA_PORT             where it listens (19092); LINKLOOM_KAFKA_CONTROLLER_PORT is the port after it
#   LINKLOOM_SERVERS_LIB            folder for the jars (target/servers of this repository)
#   LINKLOOM_SERVERS_OWNER          process id: once it is gone, the broker is killed and RUN_DIR removed
# Needs Java 17 and Maven. Exit code 3: one of them is missing.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
command="${1:-}"
run="${2:-}"
if [[ -z $command || -z $run ]]; then
    sed -n '2,/^set/{/^set/!p}' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
    exit 2
fi
lib="${LINKLOOM_SERVERS_LIB:-$here/../../target/servers}/kafka"
port="${LINKLOOM_KAFKA_PORT:-19092}"
controller_port="${LINKLOOM_KAFKA_CONTROLLER_PORT:-$((port + 1))}"
# Bounds on what is waited for, in tenths of a second; the machine may be busy.
ready_max=1200
stop_max=300

say() { echo "kafka: $*" >&2; }

pid_of() { cat "$run/pid" 2>/dev/null || true; }

# Whether a process runs. One that was killed stays a zombie until somebody waits for it, and `kill -0` succeeds then.
runs() {
    local pid="$1" state
    [[ -n $pid && -r /proc/$pid/stat ]] || return 1
    state="$(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" || return 1
    [[ -n $state && $state != Z && $state != X ]]
}

need() {
    for tool in java mvn flock; do
        command -v "$tool" >/dev/null || { say "there is no $tool"; exit 3; }
    done
}

# The jars, fetched once; several may ask at the same time.
fetch() {
    [[ -f $lib/.complete ]] && return
    need
    mkdir -p "$lib"
    (
        flock 9
        [[ -f $lib/.complete ]] && exit
        say "fetching its jars into $lib"
        mvn -B -ntp -q -Dstyle.color=never -f "$here/kafka/pom.xml" dependency:copy-dependencies \
            -DoutputDirectory="$(cd "$lib" && pwd)" -DincludeScope=runtime >&2
        touch "$lib/.complete"
    ) 9>"$lib/.lock"
}

tool() {
    java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
        "-Dlog4j2.configurationFile=file:$here/kafka/log4j2-tools.xml" -cp "$lib/*" "$@"
}

format() {
    mkdir -p "$run"
    run="$(cd "$run" && pwd)"
    [[ -f $run/server.properties ]] && return
    sed -e "s|@RUN@|$run|" -e "s|@PORT@|$port|" -e "s|@CONTROLLER_PORT@|$controller_port|" \
        "$here/kafka/server.properties" >"$run/server.properties.new"
    local id
    id="$(tool kafka.tools.StorageTool random-uuid | tail -n 1)"
    tool kafka.tools.StorageTool format -t "$id" -c "$run/server.properties.new" >"$run/format.log" 2>&1 || {
        cat "$run/format.log" >&2
        exit 1
    }
    mv "$run/server.properties.new" "$run/server.properties"
}

start() {
    [[ -f $run/server.properties ]] || { say "$run was never made; \`up\` makes it"; exit 1; }
    run="$(cd "$run" && pwd)"
    if runs "$(pid_of)"; then
        say "it runs already"
        return
    fi
    # The log of the run before holds the same line that is waited for.
    : >"$run/kafka.log"
    setsid nohup java -Xms128m -Xmx512m -XX:+UseG1GC -Djava.net.preferIPv4Stack=true \
        "-Dlog4j2.configurationFile=file:$here/kafka/log4j2.xml" -cp "$lib/*" \
        kafka.Kafka "$run/server.properties" >"$run/kafka.log" 2>&1 </dev/null 9>&- &
    local pid=$! tenths=0
    echo "$pid" >"$run/pid"
    if [[ -n ${LINKLOOM_SERVERS_OWNER:-} && ! -f $run/watched ]]; then
        touch "$run/watched"
        setsid nohup "${BASH_SOURCE[0]}" watch "$run" >/dev/null 2>&1 </dev/null 9>&- &
    fi
    until grep -q 'Kafka Server started' "$run/kafka.log"; do
        if ! runs "$pid"; then
            tail -n 20 "$run/kafka.log" >&2
            say "it ended while starting"
            exit 1
        fi
        if ((tenths++ > ready_max)); then
            tail -n 20 "$run/kafka.log" >&2
            say "it is not ready after $((ready_max / 10)) s"
            exit 1
        fi
        sleep 0.1
    done
}

stop() {
    local signal="$1" pid tenths=0
    pid="$(pid_of)"
    if ! runs "$pid"; then return; fi
    kill "-$signal" "$pid" 2>/dev/null || true
    while runs "$pid"; do
        if ((tenths++ > stop_max)); then
            say "it did not end in $((stop_max / 10)) s; killing it"
            kill -9 "$pid" 2>/dev/null || true
            tenths=0
        fi
        sleep 0.1
    done
}

# Outlives the caller: ends the broker when its owner is gone, however that came.
watch() {
    while runs "$LINKLOOM_SERVERS_OWNER"; do sleep 0.5; done
    stop KILL
    rm -rf "$run"
}

case "$command" in
    up) need; fetch; format; start ;;
    start) need; fetch; start ;;
    down) stop TERM ;;
    kill) stop KILL ;;
    watch) watch ;;
    status)
        if runs "$(pid_of)"; then
            echo "kafka runs: process $(pid_of), $(sed -n 's/^advertised.listeners=//p' "$run/server.properties")"
        else
            echo "kafka does not run"
            exit 1
        fi
        ;;
    tool) need; fetch; shift 2; tool "$@" ;;
    *) say "$command is no command"; exit 2 ;;
esac
