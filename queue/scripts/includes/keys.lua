-- The keys of one queue, in the order of `keyList` (queue/redis/keys.ts).
local list, batchKey, leases, delayed, suspects, items, results, dead, logs, workers, nextList, alive, payloads, failing =
  unpack(KEYS)
local call = redis.call -- locals are found faster
