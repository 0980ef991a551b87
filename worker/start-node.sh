#!/bin/sh
# Starts the image's own Node.js where Pods call the loader of one that was brought along (components/image/layout.ts).
shift 3
exec node "$@"
