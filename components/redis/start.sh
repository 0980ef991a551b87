# Starts redis-server with the arguments of this script, in the directory of its data, whose log it mends first.
#
# A host that dies leaves the log cut anywhere, also inside MULTI … EXEC. At its start, Redis removes the command that
# is cut, but leaves its MULTI. The start after that reads this MULTI and all that was written since as one transaction:
# what was rightly forgotten comes back, and items are gone (fixed in Valkey by valkey-io/valkey#4342). So this script
# ends the log where its last whole transaction ends. If more transactions follow, the log is not cut but damaged, and
# Redis says so itself.
dir=appendonlydir
log=$(sed -n 's/^file \(.*\) seq .* type i.*/\1/p' $dir/appendonly.aof.manifest 2>/dev/null | tail -n 1)
whole=$([ -z "$log" ] || redis-check-aof "$dir/$log" 2>&1 | sed -n 's/.*[ ,]ok_up_to=\([0-9]*\).*/\1/p')
# By bytes, and with nothing that an image of Alpine lacks.
transactions() { tail -c "+$((whole + 1))" "$dir/$log" | tr '\000' ' ' | LC_ALL=C grep -c '^MULTI'; }
if [ -n "$whole" ] && [ "$whole" -lt "$(wc -c <"$dir/$log")" ] && [ "$(transactions)" -le 1 ]; then
  echo "job-wq-2: $log was cut inside a transaction; it ends at byte $whole now"
  truncate -s "$whole" "$dir/$log"
fi
# Who may do what, with the password, comes by standard input, where no list of processes and no audit of commands has
# it.
exec redis-server "$@" - <<END
$REDIS_CONFIG
END
