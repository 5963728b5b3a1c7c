#!/usr/bin/env bash
# The example platform, all of it, on this machine: builds it, starts Kafka, Linkloom and both services, sends contents in, takes a decision,
# and says what to look at. Ends everything it started on Ctrl-C.
#
#   examples/content-platform/run.sh             services write report files, `linkloom relay` tails them into Kafka
#   examples/content-platform/run.sh --http      services post reports to `linkloom relay`
#   examples/content-platform/run.sh --once      ends by itself when the story is told
#
# Needs Rust, Java 17, Maven and curl. Everything listens on 127.0.0.1: 7070 Linkloom, 7071 the relay (--http), 7081 and 7082 the services,
# 19092 and 19093 Kafka. Files are in a temporary folder that goes at the end; KEEP=1 keeps it.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
way=file once=
for argument in "$@"; do
    case "$argument" in
        --http) way=http ;;
        --once) once=1 ;;
        *)
            sed -n '2,/^set/{/^set/!p}' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
            exit 2
            ;;
    esac
done

say() { printf '\n== %s\n' "$*"; }
fail() { echo "run.sh: $*" >&2; exit 1; }

for tool in cargo java mvn curl; do
    command -v "$tool" >/dev/null || fail "there is no $tool"
done
for port in 7070 7071 7081 7082 19092 19093; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "somebody listens on port $port already"; fi
done

work="$(mktemp -d "${TMPDIR:-/tmp}/content-platform-XXXXXX")"
pids=()
# In the order opposite to that of their start: what a service still has to report finds somebody who takes it.
end() {
    trap '' INT TERM
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
        kill "${pids[at]}" 2>/dev/null || true
        wait "${pids[at]}" 2>/dev/null || true
    done
    "$root/tests/servers/kafka.sh" down "$work/kafka" || true
    if [[ -n ${KEEP:-} ]]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
trap 'exit 0' INT TERM

# Starts a process in the background. Not in the group that Ctrl-C reaches: `end` ends it when its turn has come.
start() {
    local name="$1"
    shift
    (cd "$work" && exec setsid "$@" >"$work/$name.log" 2>&1 </dev/null) &
    pids+=($!)
}
# Waits until a URL answers.
answers() {
    local name="$1" url="$2" tenths=0
    until curl --silent --fail --output /dev/null --max-time 2 "$url"; do
        kill -0 "${pids[-1]}" 2>/dev/null || { cat "$work/$name.log" >&2; fail "$name has ended"; }
        ((tenths++ < 600)) || { cat "$work/$name.log" >&2; fail "$name does not answer at $url"; }
        sleep 0.1
    done
}

say "building (the first time takes some minutes)"
(cd "$root" && cargo build --locked -p linkloom -p content-platform-intake)
mvn -B -ntp -q -f "$here/pom.xml" package -Dmaven.test.skip=true
bin="${CARGO_TARGET_DIR:-$root/target}/debug"

say "starting Kafka"
export LINKLOOM_KAFKA_PORT=19092 LINKLOOM_KAFKA_CONTROLLER_PORT=19093 KAFKA_BROKERS=127.0.0.1:19092
LINKLOOM_SERVERS_OWNER=$$ "$root/tests/servers/kafka.sh" up "$work/kafka"
for topic in linkloom-reports review-tasks; do
    "$root/tests/servers/kafka.sh" tool "$work/kafka" org.apache.kafka.tools.TopicCommand \
        --bootstrap-server "$KAFKA_BROKERS" --create --topic "$topic" --partitions 2
done
# What was for the broker is not for Linkloom, which would take it for settings.
unset LINKLOOM_KAFKA_PORT LINKLOOM_KAFKA_CONTROLLER_PORT

say "starting Linkloom"
start serve "$bin/linkloom" serve --store "$work/store" --brokers "$KAFKA_BROKERS" --dsl "$here/links" --listen 127.0.0.1:7070
answers serve http://127.0.0.1:7070/readyz
if [[ $way == file ]]; then
    # What a log agent would do (deploy/agents).
    start relay "$bin/linkloom" relay --brokers "$KAFKA_BROKERS" --topic linkloom-reports \
        --file "$work/reports/*.ndjson*" --state "$work/relay"
else
    start relay "$bin/linkloom" relay --brokers "$KAFKA_BROKERS" --topic linkloom-reports \
        --listen 127.0.0.1:7071
    answers relay http://127.0.0.1:7071/healthz
    export LINKLOOM_OUT=relay:http://127.0.0.1:7071 LINKLOOM_SPOOL="$work/spool"
fi

say "starting the services"
start review java -Xmx128m -jar "$here/review/target/review-console.jar"
answers review http://127.0.0.1:7082/tasks
start intake "$bin/content-platform-intake"
until (exec 3<>/dev/tcp/127.0.0.1/7081) 2>/dev/null; do
    kill -0 "${pids[-1]}" 2>/dev/null || { cat "$work/intake.log" >&2; fail "intake has ended"; }
    sleep 0.1
done

# Sends a content; prints the answer.
content() { curl --silent --show-error --max-time 60 http://127.0.0.1:7081/contents --data "$1"; }
say "contents come in"
content '{"contentId":"content-1","title":"A harbour  in June","text":"Boats and gulls.","author":"ann@example.org","pictures":["harbour.png"],"tags":["Travel"]}'
content '{"contentId":"content-2","title":"The whole coast","text":"All of it, and a video.","author":"ann@example.org","pictures":["panorama.png"],"videoSeconds":82}'
content '{"contentId":"content-3","title":"An old scan","text":"It got wet.","author":"ann@example.org","pictures":["torn.png"]}'
content '{"contentId":"content-4","title":"Sunset","text":"Enter a casino for a miracle cure.","author":"bob@example.org","pictures":["sunset.png"]}'
content '{"contentId":"content-5","title":"Sale","text":"A sponsored discount.","author":"bob@example.org","pictures":["poster.png"]}'
content '{"contentId":"content-6","title":"For a good cause","text":"A sponsored lottery.","author":"eve@example.org"}'
content '{"contentId":"content-7","title":"Win","text":"Another sponsored lottery.","author":"eve@example.org"}'

say "a second reviewer decides about content-6, in a call of its own; content-7 waits"
task=
for ((tenths = 0; tenths < 600; tenths++)); do
    task="$(curl --silent http://127.0.0.1:7082/tasks | tr '{' '\n' | sed -n 's/.*"taskId":"\([^"]*\)","contentId":"content-6","state":"WAITING".*/\1/p')"
    [[ -z $task ]] || break
    sleep 0.1
done
[[ -n $task ]] || fail "there is no task for content-6"
curl --silent --show-error "http://127.0.0.1:7082/tasks/$task/decision" \
    --data '{"reviewer":"r-42","verdict":"keep","note":"the lottery is for charity"}'

"$bin/linkloom" link wait --store "$work/store" content-6 human-review "$task" --timeout 60s >/dev/null ||
    fail "the review of content-6 is not complete"
failed="$(curl --silent 'http://127.0.0.1:7070/api/v1/business/content-3/executions' | sed -n 's/.*"executionId":"\([^"]*\)".*/\1/p')"
say "what happened to content-3"
"$bin/linkloom" link show --store "$work/store" content-3 realtime-input "$failed"

cat <<END

== look at it: http://127.0.0.1:7070/?id=content-3

  content-1   published: one tree of two services in two languages
  content-2   published: the model died of a large picture (see the stack), the second attempt got through
  content-3   failed: three attempts at a picture that cannot be read
  content-4   taken down: another case of the decision
  content-5   taken down by reviewers who agreed: a second execution of the same business id
  content-6   kept by a second reviewer: one execution over two calls, by the task id
  content-7   waits for the second reviewer. Decide:
              curl http://127.0.0.1:7082/tasks
              curl http://127.0.0.1:7082/tasks/TASK/decision --data '{"reviewer":"you","verdict":"keep"}'

  More contents:  curl http://127.0.0.1:7081/contents --data '{"contentId":"mine","title":"T","text":"T","author":"me@example.org","pictures":["harbour.png"]}'
  Reports, logs:  $work
END
[[ -n $once ]] || { say "Ctrl-C ends all of it"; sleep infinity & pids+=($!); wait $!; }
