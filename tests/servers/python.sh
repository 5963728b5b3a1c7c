#!/usr/bin/env bash
# A Python with the packages of python/requirements.txt, in a folder of its own; prints the path of the interpreter.
#
# LINKLOOM_SERVERS_LIB is where it is kept (target/servers). Exit codes: 0 done, 77 there is no Python with `venv`.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
lib_root="${LINKLOOM_SERVERS_LIB:-$here/../../target/servers}"
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    echo "python.sh: there is no python3 with venv" >&2
    exit 77
fi
mkdir -p "$lib_root"
lib_root="$(cd "$lib_root" && pwd)"
wanted="$(cksum <"$here/python/requirements.txt")"
exec 9>"$lib_root/python.lock"
flock 9
if [[ "$(cat "$lib_root/python/.requirements" 2>/dev/null)" != "$wanted" ]]; then
    rm -rf "$lib_root/python"
    python3 -m venv "$lib_root/python" >&2
    "$lib_root/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt" >&2
    printf '%s' "$wanted" >"$lib_root/python/.requirements"
fi
printf '%s\n' "$lib_root/python/bin/python"
