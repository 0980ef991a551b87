#!/bin/sh
# As in the official image: `--flags` or a `.conf` file are for redis-server, anything else is a command of its own.
# Debian's redis-server answers only its own host by default; in a pod everybody who can reach it is meant to.
set -e
case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ]; then
  # At the end: a .conf file and --version count only as the first argument.
  case " $* " in
  *--protected-mode*) ;;
  *) set -- "$@" --protected-mode no ;;
  esac
fi
exec "$@"
