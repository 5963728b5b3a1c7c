#!/usr/bin/env bash
# Exit code 0 once the master takes calls and, unless told `master`, the gateway listens, too.
# An open port of the master says little: it is open long before the tables can be used.
set -euo pipefail

curl --fail --silent --max-time 3 \
    'http://127.0.0.1:16010/jmx?qry=Hadoop:service=HBase,name=Master,sub=Server' \
    | grep --quiet --extended-regexp '"masterFinishedInitializationTime"[[:space:]]*:[[:space:]]*[1-9]'

if [[ "${1:-}" != master ]]; then
    exec 3<>/dev/tcp/127.0.0.1/9090
fi
