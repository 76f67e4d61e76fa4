#!/bin/bash
# The gateway and a virtual board in one container: the board's port is a pty, and a pty is seen in
# the container that made it only. When either ends, both end, and the container starts anew.
set -eu

stop() {
    kill $(jobs -p) 2>/dev/null || true
    wait
}
trap 'stop; exit 0' TERM INT

# A board has no keys. Its sensor plays at a fifth of real time: more would take a core.
env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY \
    tinyops virtual-board nano33ble-sense --project motor_health --speed 0.2 \
    --link /tmp/motor-health-1 --state /var/lib/tinyops/gateway/motor-health-1.state &
tinyops gateway run --config docker/gateway.yaml &

status=0
wait -n || status=$?
stop
exit "$status"
