#!/bin/sh
# As in the official image: `--flags` or a `.conf` file are for redis-server, anything else is a command of its own.
# Debian's redis-server answers only its own host by default; in a pod everybody who can reach it is meant to.
set -e
case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  shift
  set -- redis-server --protected-mode no --bind '* -::*' "$@"
fi
exec "$@"
