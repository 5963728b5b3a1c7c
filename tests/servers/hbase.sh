#!/usr/bin/env bash
# HBase (standalone) and its Thrift gateway on loopback, for tests and for trying things out. Needs Java 17 and Maven.
#
#   tests/servers/hbase.sh up RUN_DIR              fetch the jars once, start both, wait until a read goes through
#   tests/servers/hbase.sh status RUN_DIR          what runs; exit code 1 if something does not
#   tests/servers/hbase.sh down RUN_DIR            end both; the data stays in RUN_DIR, `up` goes on with it
#   tests/servers/hbase.sh kill-hbase RUN_DIR      kill -9; start-hbase RUN_DIR starts it again
#   tests/servers/hbase.sh kill-thrift RUN_DIR [PORT]
#   tests/servers/hbase.sh start-thrift RUN_DIR [PORT [buffered|framed]]   also a further gateway on a port of its own
#   tests/servers/hbase.sh class-path RUN_DIR      print the class path of a Java client
#
# Taken from the environment by the first `up` and kept in RUN_DIR/ports:
#   LINKLOOM_ZK_PORT 12181, LINKLOOM_MASTER_PORT 16000, LINKLOOM_REGION_PORT 16020, LINKLOOM_THRIFT_PORT 19090
# Taken from the environment each time:
#   LINKLOOM_SERVERS_LIB    where the jars are kept (target/servers)
#   LINKLOOM_SERVERS_OWNER  a process id: when that process ends, everything is ended and RUN_DIR is removed
#   LINKLOOM_HBASE_HEAP     heap of HBase (1g); LINKLOOM_THRIFT_HEAP heap of a gateway (512m)
#
# Exit codes: 0 done, 1 it did not work (the end of the log is on stderr), 2 wrong usage, 77 Java or Maven is missing.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
lib_root="${LINKLOOM_SERVERS_LIB:-$here/../../target/servers}"
# Under load, or when the machine sleeps for a minute, it takes its time.
start_seconds=300

say() { printf 'hbase.sh: %s\n' "$*" >&2; }
usage() {
    sed -n '2,11p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
    exit 2
}

(($# >= 2)) || usage
command="$1"
mkdir -p "$2"
run="$(cd "$2" && pwd)"
shift 2

zk_port="${LINKLOOM_ZK_PORT:-12181}" master_port="${LINKLOOM_MASTER_PORT:-16000}"
region_port="${LINKLOOM_REGION_PORT:-16020}" thrift_port="${LINKLOOM_THRIFT_PORT:-19090}"
# shellcheck disable=SC1091
[[ -f "$run/ports" ]] && source "$run/ports"

need_java() {
    for tool in java mvn; do
        if ! command -v "$tool" >/dev/null; then
            say "$tool is not installed"
            exit 77
        fi
    done
}

# Copies the jars, once for each version of the pom; several may try at once.
fetch() {
    local wanted have
    mkdir -p "$lib_root"
    lib_root="$(cd "$lib_root" && pwd)"
    lib="$lib_root/hbase/lib"
    wanted="$(cksum <"$here/hbase/pom.xml")"
    exec 9>"$lib_root/hbase.lock"
    flock 9
    have="$(cat "$lib/.pom" 2>/dev/null || true)"
    if [[ "$have" != "$wanted" ]]; then
        say "fetching the jars of HBase into $lib"
        rm -rf "$lib" "$lib.new"
        # Maven writes next to the pom it is given when it is told nothing else.
        mvn -B -ntp -q -f "$here/hbase/pom.xml" dependency:copy-dependencies \
            "-DoutputDirectory=$lib.new" -DincludeScope=runtime >&2
        printf '%s' "$wanted" >"$lib.new/.pom"
        mv "$lib.new" "$lib"
    fi
    exec 9>&-
}

configure() {
    local conf="$run/hbase/conf"
    mkdir -p "$conf"
    sed -e "s|@RUN@|$run|g" -e "s|@ZK_PORT@|$zk_port|g" -e "s|@MASTER_PORT@|$master_port|g" \
        -e "s|@REGION_PORT@|$region_port|g" "$here/hbase/conf/hbase-site.xml" >"$conf/hbase-site.xml"
    cp "$here/hbase/conf/log4j.properties" "$conf/"
    printf 'zk_port=%s master_port=%s region_port=%s thrift_port=%s\n' \
        "$zk_port" "$master_port" "$region_port" "$thrift_port" >"$run/ports"
}

# Whether the process of a pid file lives. A killed one can stay a zombie for a second, and its number can be used again.
alive() {
    local pid state
    pid="$(cat "$1" 2>/dev/null)" || return 1
    [[ -n "$pid" ]] || return 1
    if [[ -r "/proc/$pid/stat" ]]; then
        state="$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)"
        [[ -n "$state" && "$state" != Z ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$run/"
    else
        [[ ! -d /proc ]] && kill -0 "$pid" 2>/dev/null
    fi
}

# Runs a JVM of its own session: pid file, log, heap, class and its arguments. Nothing of ours stays open in it.
launch() {
    local pid_file="$1" log="$2" heap="$3"
    shift 3
    if alive "$pid_file"; then
        say "$(basename "$pid_file" .pid) runs already"
        return 0
    fi
    : >"$log"
    setsid nohup java "-Xms128m" "-Xmx$heap" "@$here/hbase/jvm.opts" -cp "$run/hbase/conf:$lib/*" "$@" \
        >"$log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$pid_file"
}

# Waits until a command succeeds, as long as the process lives.
await() {
    local what="$1" pid_file="$2" log="$3" deadline=$((SECONDS + start_seconds))
    shift 3
    until "$@"; do
        if ! alive "$pid_file" || ((SECONDS > deadline)); then
            say "$what did not start; the end of $log:"
            tail -n 30 "$log" >&2
            return 1
        fi
        sleep 0.2
    done
}

hbase_ready() { grep -q 'Master has completed initialization' "$run/hbase/hbase.log"; }

# A read of `hbase:meta` through the gateway, spoken by hand: the answer begins with a list when it went through.
thrift_answers() {
    local port="$1" frame="$2" skip=0 call got
    call='\x80\x01\x00\x01\x00\x00\x00\x03get\x00\x00\x00\x01\x0b\x00\x01\x00\x00\x00\x0ahbase:meta'
    call+='\x0b\x00\x02\x00\x00\x00\x05probe\x0b\x00\x03\x00\x00\x00\x09info:none\x0d\x00\x04\x0b\x0b\x00\x00\x00\x00\x00'
    if [[ "$frame" == framed ]]; then
        call='\x00\x00\x00\x46'"$call"
        skip=4
    fi
    got="$( (
        exec 8<>"/dev/tcp/127.0.0.1/$port"
        # shellcheck disable=SC2059
        printf "$call" >&8
        timeout 10 head -c $((18 + skip)) <&8 | od -An -v -tx1 | tr -d ' \n'
    ) 2>/dev/null)" || return 1
    [[ "${got:skip*2+30:6}" == 0f0000 ]]
}

start_hbase() {
    launch "$run/hbase/hbase.pid" "$run/hbase/hbase.log" "${LINKLOOM_HBASE_HEAP:-1g}" \
        org.apache.hadoop.hbase.master.HMaster start
    await HBase "$run/hbase/hbase.pid" "$run/hbase/hbase.log" hbase_ready
}

start_thrift() {
    local port="${1:-$thrift_port}" frame="${2:-buffered}" flags=()
    [[ "$frame" == framed ]] && flags=(-f)
    # A connection holds a thread, and the gateway makes more than its least number of them (16) only once a thousand
    # connections wait.
    flags+=(-m 256)
    launch "$run/hbase/thrift-$port.pid" "$run/hbase/thrift-$port.log" "${LINKLOOM_THRIFT_HEAP:-512m}" \
        org.apache.hadoop.hbase.thrift.ThriftServer -p "$port" "${flags[@]}" start
    await "the gateway on port $port" "$run/hbase/thrift-$port.pid" "$run/hbase/thrift-$port.log" \
        thrift_answers "$port" "$frame"
}

# Ends the process of a pid file for good. The data is made to survive it, so nothing is asked politely.
end() {
    local pid_file="$1" pid
    if alive "$pid_file"; then
        pid="$(cat "$pid_file")"
        kill -9 "$pid" 2>/dev/null || true
        while alive "$pid_file"; do sleep 0.05; done
    fi
    rm -f "$pid_file"
}

# Ends everything when the owner does, however it ends.
watch_owner() {
    local owner="${LINKLOOM_SERVERS_OWNER:-}"
    [[ -n "$owner" ]] || return 0
    (
        trap '' HUP
        while kill -0 "$owner" 2>/dev/null; do sleep 0.5; done
        down
        rm -rf "$run"
    ) >/dev/null 2>&1 </dev/null &
    disown
}

down() {
    local pid_file
    for pid_file in "$run"/hbase/thrift-*.pid "$run/hbase/hbase.pid"; do
        [[ -e "$pid_file" ]] && end "$pid_file"
    done
    return 0
}

status() {
    local all=0 pid_file name pid
    for pid_file in "$run/hbase/hbase.pid" "$run"/hbase/thrift-*.pid; do
        name="$(basename "$pid_file" .pid)"
        if alive "$pid_file"; then
            pid="$(cat "$pid_file")"
            printf '%-14s process %s, %s MiB\n' "$name" "$pid" "$(($(ps -o rss= -p "$pid") / 1024))"
        else
            printf '%-14s does not run\n' "$name"
            all=1
        fi
    done
    return "$all"
}

shopt -s nullglob
case "$command" in
up)
    need_java
    fetch
    configure
    watch_owner
    start_hbase
    start_thrift
    say "ready: gateway 127.0.0.1:$thrift_port, ZooKeeper 127.0.0.1:$zk_port, logs in $run/hbase"
    ;;
down) down ;;
status) status ;;
kill-hbase) end "$run/hbase/hbase.pid" ;;
kill-thrift) end "$run/hbase/thrift-${1:-$thrift_port}.pid" ;;
class-path)
    need_java
    fetch
    printf '%s\n' "$run/hbase/conf:$lib/*"
    ;;
start-hbase)
    need_java
    fetch
    start_hbase
    ;;
start-thrift)
    need_java
    fetch
    start_thrift "$@"
    ;;
*) usage ;;
esac
