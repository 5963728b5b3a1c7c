#!/usr/bin/env bash
# Runs HBase (master, region server, ZooKeeper: one process) and a Thrift 1 gateway. When one of them ends the container
# does, so that it is started again as a whole. On SIGTERM memory is written out first.
set -euo pipefail

server='' gateway='' stopping=no

stop() {
    stopping=yes
    if [[ -n "$gateway" ]]; then
        kill -TERM "$gateway" 2>/dev/null || true
    fi
    # Much faster than a signal, which makes the master take ZooKeeper down before the region server is done.
    HBASE_HEAPSIZE=128m hbase master stop --shutDownCluster || kill -TERM "$server" 2>/dev/null || true
}
trap stop TERM INT

HBASE_HEAPSIZE="${HBASE_SERVER_HEAP:-1g}" hbase master start &
server=$!

until /opt/linkloom/healthy.sh master 2>/dev/null; do
    if [[ "$stopping" == yes ]] || ! kill -0 "$server" 2>/dev/null; then
        wait "$server" || true
        echo 'hbase ended before it was ready' >&2
        exit 1
    fi
    sleep 1
done

# Buffered, binary protocol, one thread a connection: what `framed = false` in [hbase] of Linkloom expects.
HBASE_HEAPSIZE="${HBASE_THRIFT_HEAP:-512m}" hbase thrift -p 9090 start &
gateway=$!

wait -n "$server" "$gateway" || true
if [[ "$stopping" == yes ]]; then
    wait "$server" || true
    exit 0
fi
echo 'hbase or its thrift gateway ended' >&2
stop
wait
exit 1
