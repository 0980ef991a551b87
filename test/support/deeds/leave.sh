#!/bin/sh
# leave.sh SECONDS: starts five `sleep SECONDS` in the ways by which programs get out of a process group, and leaves.
exec </dev/null >/dev/null 2>&1
timeout 600 sleep "$1" &
setsid sleep "$1" &
nohup sleep "$1" &
(setsid sh -c 'sleep "$0" & (sleep "$0" &)' "$1" &)
until [ "$(pgrep -fc "^sleep $1\$")" = 5 ]; do sleep 0.02; done
